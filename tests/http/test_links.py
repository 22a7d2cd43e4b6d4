import pytest

from house import OLDER_SHA, SHA, House, commit
from scmhost.links.outcome import no_link
from scmhost.links.resolve import resolve_links
from scmhost.links.values import FrameQuery
from scmhost.mapping import FrameInfo
from scmhost.organizations.create import find_project
from scmhost.releases.content_queries import delete_repository
from scmhost.sdk import Reason

BASE = "https://git.example.com/team/app"


def ready(house: House, **form: str) -> dict[str, object]:
    """A claimed repository with a code mapping."""
    repository, installation = house.claimed(**form)
    answer = house.mapping(repository, installation)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_frame_links_to_its_own_commit_and_line(house: House) -> None:
    """The link goes to the exact commit, with the host's line anchor."""
    mapping = ready(house, preset="gitea")
    answer = house.link(file="/srv/app/dir/a b.py", commitId=SHA, lineNo="7")
    assert answer["sourceUrl"] == f"{BASE}/src/commit/{SHA}/src/dir/a%20b.py#L7"
    assert answer["sourcePath"] == "src/dir/a b.py"
    assert answer["config"] == mapping
    assert answer["error"] is None
    assert answer["refSource"] == "frame"
    assert [item["id"] for item in answer["integrations"]] == [mapping["integrationId"]]


def test_a_release_gives_the_commit(house: House) -> None:
    """Without a commit of its own, a frame links to the release's commit for that repository."""
    ready(house)
    body = {"version": "1.0", "projects": ["web"], "commits": [commit(SHA), commit(OLDER_SHA)]}
    assert house.post("releases/", body).status_code == 201
    answer = house.link(release="1.0")
    assert (answer["ref"], answer["refSource"]) == (SHA, "release")
    assert answer["sourceUrl"] == f"{BASE}/blob/{SHA}/src/a.py"


def test_else_the_default_branch_is_used(house: House) -> None:
    """The mapping's branch is the last resort, and the answer says so."""
    ready(house)
    answer = house.link()
    assert (answer["sourceUrl"], answer["refSource"]) == (f"{BASE}/blob/main/src/a.py", "default_branch")


def test_an_unknown_release_is_404(house: House) -> None:
    """A release that is not there is said aloud, never skipped."""
    ready(house)
    answer = house.get("/api/0/projects/acme/web/stacktrace-link/", params={"file": "a", "release": "no"})
    assert answer.status_code == 404


@pytest.mark.parametrize("line", ["0", "-1", "99999999999"])
def test_an_impossible_line_gives_no_anchor(house: House, line: str) -> None:
    """Line 0 is no place to go to."""
    ready(house)
    assert house.link(lineNo=line)["sourceUrl"] == f"{BASE}/blob/main/src/a.py"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"file": "/elsewhere/a.py"}, "stack_root_mismatch"),
        ({"file": "/srv/application/a.py"}, "stack_root_mismatch"),
        ({"file": "/srv/app/../../../etc/passwd"}, "path_outside_repository"),
        ({"file": "<string>"}, "not_a_file"),
    ],
)
def test_a_missing_link_says_why(house: House, query: dict[str, str], error: str) -> None:
    """Every frame without a link has a reason and a next step."""
    ready(house)
    answer = house.link(**query)
    assert answer["error"] == error
    assert answer["sourceUrl"] is None
    assert answer["nextStep"]


def test_a_project_without_mappings_says_so(house: House) -> None:
    """The first reason is that nothing is mapped yet."""
    assert house.link()["error"] == "no_code_mappings_for_project"


def test_a_repository_without_url_says_so(house: House) -> None:
    """No link is ever built on nothing."""
    installation = house.install()
    repository = house.claim(house.repository("team/app", None), installation).json()
    mapping = house.mapping(repository, installation).json()
    answer = house.link()
    assert (answer["error"], answer["config"]) == ("repository_without_url", mapping)
    assert answer["sourcePath"] == "src/a.py"


def test_a_mapping_without_branch_and_release_has_no_ref(house: House) -> None:
    """Without any ref there is nothing to link to."""
    repository, installation = house.claimed()
    house.mapping(repository, installation, defaultBranch=None)
    assert house.link()["error"] == "no_ref"


def test_a_hidden_repository_gives_no_links(house: House) -> None:
    """What is hidden is not linked to."""
    mapping = ready(house)
    house.put(f"repos/{mapping['repoId']}/", {"status": "hidden"})
    assert house.link()["error"] == "repository_inactive"


def test_an_unclaimed_repository_gives_no_links(house: House) -> None:
    """After an unclaim the reason is that no installation has the repository."""
    mapping = ready(house)
    house.put(f"repos/{mapping['repoId']}/", {"integrationId": None})
    assert house.link()["error"] == "integration_not_found"


def test_a_repository_that_is_just_being_deleted_gives_a_reason(house: House) -> None:
    """A request that read the mappings before the repository went away is answered, not broken."""
    mapping = ready(house)
    project = find_project(house.services, house.there.organization, "web")
    house.link()
    with house.services.store.write() as tx:
        assert delete_repository(tx, house.there.organization.id, int(str(mapping["repoId"])))
    frame = FrameQuery(FrameInfo(filename="/srv/app/a.py"))
    answer = resolve_links(house.services, house.there.organization, project, [frame])[0]
    assert answer.outcome == no_link(Reason.STACK_ROOT_MISMATCH)
    assert house.link()["error"] == "no_code_mappings_for_project"


def test_a_change_of_mappings_is_seen_at_once(house: House) -> None:
    """No answer comes from mappings of yesterday."""
    mapping = ready(house)
    house.link()
    body = {key: mapping[key] for key in ("repoId", "projectId", "stackRoot", "defaultBranch")}
    body = {**body, "repositoryId": body.pop("repoId"), "sourceRoot": "lib/"}
    assert house.put(f"code-mappings/{mapping['id']}/", body).status_code == 200
    assert house.link()["sourcePath"] == "lib/a.py"
    house.delete(f"code-mappings/{mapping['id']}/")
    assert house.link()["error"] == "no_code_mappings_for_project"


def test_the_more_precise_mapping_wins(house: House) -> None:
    """Of two roots that match, the longer one is used, whichever was made first."""
    repository, installation = house.claimed()
    house.mapping(repository, installation, stackRoot="/srv/app/sub/", sourceRoot="deep/")
    house.mapping(repository, installation)
    assert house.link(file="/srv/app/sub/a.py")["sourcePath"] == "deep/a.py"


def test_java_frames_are_munged(house: House) -> None:
    """Module and file name of a Java frame make its path."""
    repository, installation = house.claimed()
    house.mapping(repository, installation, stackRoot="com/acme/", sourceRoot="app/src/main/java/com/acme/")
    answer = house.link(file="App.java", platform="java", module="com.acme.App", absPath="App.java")
    assert answer["sourcePath"] == "app/src/main/java/com/acme/App.java"


def test_a_template_of_ones_own_makes_the_link(house: House) -> None:
    """A host that no preset knows is a template away."""
    ready(house, template="{repo_url}/show?f={path}&r={commit}[#{line}]")
    assert house.link(commitId=SHA, lineNo="3")["sourceUrl"] == f"{BASE}/show?f=src%2Fa.py&r={SHA}#3"


@pytest.mark.parametrize("query", [{}, {"file": ""}])
def test_a_frame_needs_a_file(house: House, query: dict[str, str]) -> None:
    """The one thing that must be said is the file, in Sentry's words."""
    answer = house.get("/api/0/projects/acme/web/stacktrace-link/", params=query)
    assert (answer.status_code, answer.json()) == (400, {"detail": "Filepath is required"})


@pytest.mark.parametrize("sha", ["a b", "a..b", "-x", "a\nb"])
def test_a_commit_that_git_would_refuse_is_refused(house: House, sha: str) -> None:
    """A ref that cannot exist is bad input, not a link."""
    ready(house)
    query = {"file": "/srv/app/a.py", "commitId": sha}
    assert house.get("/api/0/projects/acme/web/stacktrace-link/", params=query).status_code == 400


def test_many_files_are_linked_at_once(house: House) -> None:
    """Each file has its link or its reason, in the order asked, at the release's commit."""
    repository, installation = house.claimed()
    house.mapping(repository, installation)
    house.release("1.0", commits=[commit(SHA)])
    path = "/api/0/projects/acme/web/stacktrace-links/"
    answer = house.get(path, params={"file": ["/srv/app/a.py", "/other/b.py"], "release": "1.0"}).json()["files"]
    assert [item["file"] for item in answer] == ["/srv/app/a.py", "/other/b.py"]
    assert (answer[0]["ref"], answer[0]["refSource"], answer[0]["error"]) == (SHA, "release", None)
    assert SHA in answer[0]["sourceUrl"]
    assert (answer[1]["sourceUrl"], answer[1]["error"]) == (None, "stack_root_mismatch")
    at = house.get(path, params={"file": "/srv/app/a.py", "ref": OLDER_SHA, "release": "1.0"}).json()["files"][0]
    assert (at["ref"], at["refSource"]) == (OLDER_SHA, "frame")
    assert house.get(path).json() == {"file": ["This field is required."]}
    assert house.get(path, params={"file": ""}).status_code == 400
