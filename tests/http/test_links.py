"""Links of single frames, and of many files at once."""

from pathlib import Path

import pytest

from api import OLDER_SHA, SHA, ApiClient, commit
from linking import open_odd_text
from scmhost.links.resolve import resolve_links
from scmhost.links.values import FrameQuery, no_link
from scmhost.mapping import FrameInfo
from scmhost.organizations.create import find_project
from scmhost.releases.content_queries import delete_repository
from scmhost.sdk import Reason

BASE = "https://git.example.com/team/app"
FILE = "/srv/app/a.py"


def ready(api: ApiClient, **form: str) -> dict[str, object]:
    """A claimed repository with a code mapping."""
    repository, installation = api.claimed(**form)
    answer = api.mapping(repository, installation)
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


def test_frame_links_to_its_own_commit_and_line(api: ApiClient) -> None:
    """The link goes to the exact commit, with the host's line anchor."""
    mapping = ready(api, preset="gitea")
    answer = api.link(file="/srv/app/dir/a b.py", commitId=SHA, lineNo="7")
    assert answer["sourceUrl"] == f"{BASE}/src/commit/{SHA}/src/dir/a%20b.py#L7"
    assert answer["sourcePath"] == "src/dir/a b.py"
    assert answer["config"] == mapping
    assert answer["error"] is None
    assert answer["refSource"] == "frame"
    assert [item["id"] for item in answer["integrations"]] == [mapping["integrationId"]]


def test_release_gives_the_commit(api: ApiClient) -> None:
    """A frame without a commit of its own links to the release's commit in that repository."""
    ready(api)
    body = {"version": "1.0", "projects": ["web"], "commits": [commit(SHA), commit(OLDER_SHA)]}
    assert api.post("releases/", body).status_code == 201
    answer = api.link(release="1.0")
    assert (answer["ref"], answer["refSource"]) == (SHA, "release")
    assert answer["sourceUrl"] == f"{BASE}/blob/{SHA}/src/a.py"


def test_default_branch_is_used_without_commit_and_release(api: ApiClient) -> None:
    """The mapping's branch is used last, and the answer has it as the source of the ref."""
    ready(api)
    answer = api.link()
    assert (answer["sourceUrl"], answer["refSource"]) == (f"{BASE}/blob/main/src/a.py", "default_branch")


def test_unknown_release_uses_the_next_ref_with_a_note(api: ApiClient) -> None:
    """All routes of links agree: the commit of the request, else the default branch, and a note that says so."""
    ready(api)
    project = "/api/0/projects/acme/web"
    for sha, ref in ((None, "main"), (SHA, SHA)):
        answers = [
            api.get(f"{project}/stacktrace-link/", params=query("commitId", sha)).json(),
            api.get(f"{project}/stacktrace-links/", params=query("ref", sha)).json(),
            *(
                api.post(
                    f"{project}/{route}/", {"frames": [{"filename": FILE}], "release": "9.9", "commit": sha}
                ).json()
                for route in ("trace-links", "explain")
            ),
        ]
        for answer in answers:
            (note,) = answer["notes"]
            assert note.startswith("Organization 'acme' has no release '9.9'.")
        link, links, *traces = answers
        refs = [link["ref"], links["files"][0]["ref"], *(trace["frames"][0]["link"]["ref"] for trace in traces)]
        assert refs == [ref] * 4


def query(name: str, sha: str | None) -> dict[str, str]:
    return {"file": FILE, "release": "9.9", **({name: sha} if sha else {})}


def test_known_release_needs_no_note(api: ApiClient) -> None:
    """Nor does a request without a release."""
    ready(api)
    api.post("releases/", {"version": "1.0", "projects": ["web"]})
    for release in ({"release": "1.0"}, {"release": ""}, {}):
        assert api.link(**release)["notes"] == []


def test_anchor_is_left_out_on_request(api: ApiClient) -> None:
    """Sentry's own pages add the anchor themselves; another value of the header is refused."""
    ready(api)
    path = "/api/0/projects/acme/web/stacktrace-link/"
    query = {"file": FILE, "lineNo": "7"}
    answer = api.get(path, params=query, headers={"X-Scmhost-Anchor": "none"})
    assert answer.json()["sourceUrl"] == f"{BASE}/blob/main/src/a.py"
    refused = api.get(path, params=query, headers={"X-Scmhost-Anchor": "no"})
    assert (refused.status_code, list(refused.json())) == (400, ["X-Scmhost-Anchor"])


@pytest.mark.parametrize("line", ["0", "-1", "99999999999"])
def test_impossible_line_gives_no_anchor(api: ApiClient, line: str) -> None:
    """A line that no file has is left out of the URL."""
    ready(api)
    assert api.link(lineNo=line)["sourceUrl"] == f"{BASE}/blob/main/src/a.py"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"file": "/elsewhere/a.py"}, "stack_root_mismatch"),
        ({"file": "/srv/application/a.py"}, "stack_root_mismatch"),
        ({"file": "/srv/app/../../../etc/passwd"}, "path_outside_repository"),
        ({"file": "<string>"}, "not_a_file"),
    ],
)
def test_missing_link_has_a_reason(api: ApiClient, query: dict[str, str], error: str) -> None:
    """Each frame without a link has a reason and a next step."""
    ready(api)
    answer = api.link(**query)
    assert answer["error"] == error
    assert answer["sourceUrl"] is None
    assert answer["nextStep"]


def test_project_without_mappings_has_a_reason(api: ApiClient) -> None:
    """The reason is that the project has no mappings yet."""
    assert api.link()["error"] == "no_code_mappings_for_project"


def test_repository_without_url_has_a_reason(api: ApiClient) -> None:
    """A repository without a URL has no links."""
    installation = api.install()
    repository = api.claim(api.repository("team/app", None), installation).json()
    mapping = api.mapping(repository, installation).json()
    answer = api.link()
    assert (answer["error"], answer["config"]) == ("repository_without_url", mapping)
    assert answer["sourcePath"] == "src/a.py"


def test_mapping_without_branch_and_release_has_no_ref(api: ApiClient) -> None:
    """Without any ref there is no link, and the reason is the missing ref."""
    repository, installation = api.claimed()
    api.mapping(repository, installation, defaultBranch=None)
    assert api.link()["error"] == "no_ref"


def test_hidden_repository_gives_no_links(api: ApiClient) -> None:
    """The reason is that the repository is not active."""
    mapping = ready(api)
    api.put(f"repos/{mapping['repoId']}/", {"status": "hidden"})
    assert api.link()["error"] == "repository_inactive"


def test_unclaimed_repository_gives_no_links(api: ApiClient) -> None:
    """After an unclaim the reason is that no installation has the repository."""
    mapping = ready(api)
    api.put(f"repos/{mapping['repoId']}/", {"integrationId": None})
    assert api.link()["error"] == "integration_not_found"


def test_repository_under_deletion_has_a_reason(api: ApiClient) -> None:
    """A request that has read the mappings before the repository was deleted gets an answer."""
    mapping = ready(api)
    project = find_project(api.services, api.there.organization, "web")
    api.link()
    with api.services.store.write() as tx:
        assert delete_repository(tx, api.there.organization.id, int(str(mapping["repoId"])))
    frame = FrameQuery(FrameInfo(filename="/srv/app/a.py"))
    answer = resolve_links(api.services, api.there.organization, project, [frame])[0]
    assert answer.outcome == no_link(Reason.STACK_ROOT_MISMATCH)
    assert api.link()["error"] == "no_code_mappings_for_project"


def test_mapping_change_takes_effect_immediately(api: ApiClient) -> None:
    """No answer uses the mappings as they were before a change."""
    mapping = ready(api)
    api.link()
    body = {key: mapping[key] for key in ("repoId", "projectId", "stackRoot", "defaultBranch")}
    body = {**body, "repositoryId": body.pop("repoId"), "sourceRoot": "lib/"}
    assert api.put(f"code-mappings/{mapping['id']}/", body).status_code == 200
    assert api.link()["sourcePath"] == "lib/a.py"
    api.delete(f"code-mappings/{mapping['id']}/")
    assert api.link()["error"] == "no_code_mappings_for_project"


def test_longer_stack_root_is_used(api: ApiClient) -> None:
    """Of two roots that match, the longer one is used, even if it was created later."""
    repository, installation = api.claimed()
    api.mapping(repository, installation, stackRoot="/srv/app/sub/", sourceRoot="deep/")
    api.mapping(repository, installation)
    assert api.link(file="/srv/app/sub/a.py")["sourcePath"] == "deep/a.py"


def test_java_frames_are_munged(api: ApiClient) -> None:
    """The path of a Java frame is made of its module and its file name."""
    repository, installation = api.claimed()
    api.mapping(repository, installation, stackRoot="com/acme/", sourceRoot="app/src/main/java/com/acme/")
    answer = api.link(file="App.java", platform="java", module="com.acme.App", absPath="App.java")
    assert answer["sourcePath"] == "app/src/main/java/com/acme/App.java"


def test_custom_template_makes_the_link(api: ApiClient) -> None:
    """A template gives the URLs of a code host that no preset covers."""
    ready(api, template="{repo_url}/show?f={path}&r={commit}[#{line}]")
    assert api.link(commitId=SHA, lineNo="3")["sourceUrl"] == f"{BASE}/show?f=src%2Fa.py&r={SHA}#3"


@pytest.mark.parametrize("query", [{}, {"file": ""}])
def test_frame_needs_a_file(api: ApiClient, query: dict[str, str]) -> None:
    """The file is the only required parameter, and the message is Sentry's."""
    answer = api.get("/api/0/projects/acme/web/stacktrace-link/", params=query)
    assert (answer.status_code, answer.json()) == (400, {"detail": "Filepath is required"})


@pytest.mark.parametrize("sha", ["a b", "a..b", "-x", "a\nb"])
def test_malformed_commit_is_refused(api: ApiClient, sha: str) -> None:
    """A ref that git would refuse is bad input."""
    ready(api)
    query = {"file": "/srv/app/a.py", "commitId": sha}
    assert api.get("/api/0/projects/acme/web/stacktrace-link/", params=query).status_code == 400


def test_many_files_are_linked_at_once(api: ApiClient) -> None:
    """Each file has its link or its reason, in the order of the request, at the release's commit."""
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    api.release("1.0", commits=[commit(SHA)])
    path = "/api/0/projects/acme/web/stacktrace-links/"
    answer = api.get(path, params={"file": ["/srv/app/a.py", "/other/b.py"], "release": "1.0"}).json()["files"]
    assert [item["file"] for item in answer] == ["/srv/app/a.py", "/other/b.py"]
    assert (answer[0]["ref"], answer[0]["refSource"], answer[0]["error"]) == (SHA, "release", None)
    assert SHA in answer[0]["sourceUrl"]
    assert (answer[1]["sourceUrl"], answer[1]["error"]) == (None, "stack_root_mismatch")
    at = api.get(path, params={"file": "/srv/app/a.py", "ref": OLDER_SHA, "release": "1.0"}).json()["files"][0]
    assert (at["ref"], at["refSource"]) == (OLDER_SHA, "frame")
    assert api.get(path).json() == {"file": ["This field is required."]}
    assert api.get(path, params={"file": ""}).status_code == 400


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("bad_url.py", "unsafe_url"),
        ("bad_message.py", "no_source_pages"),
        ("bad_error.py", "integration_link_forbidden"),
        ("script.py", "unsafe_url"),
    ],
)
def test_unencodable_text_of_a_plugin_is_a_reason(tmp_path: Path, name: str, error: str) -> None:
    """A plugin's URL or message with half a character is the reason why there is no link."""
    with open_odd_text(tmp_path) as api:
        answer = api.link(file=f"/srv/app/{name}")
    assert (answer["error"], answer["sourceUrl"]) == (error, None)
    assert answer["detail"]
