"""From a clone on a disk to links at the exact commit, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, ApiClient, commit, open_api
from command import GitRepository, scmhost

BASE = "https://git.example.com/team/app"
TRACE = """\
Traceback (most recent call last):
  File "/srv/app/cart.py", line 7, in total
    return prices()
  File "/srv/app/gone.py", line 3, in prices
    raise KeyError(name)
  File "/srv/app/vendored.py", line 1, in <module>
    boom()
KeyError: 'tea'
"""


def plugins_toml(root: Path, **settings: Any) -> str:
    more = "".join(f"{name} = {value}\n" for name, value in settings.items())
    return (
        PLUGINS_TOML
        + '[plugins.git]\nenabled = true\nallow = { organizations = ["acme"] }\n'
        + f'[plugins.git.settings]\nroot = "{root}"\n{more}'
    )


@pytest.fixture
def origin(tmp_path: Path) -> GitRepository:
    """A repository with added and deleted files, mirrored below ``srv``."""
    made = GitRepository(tmp_path / "work")
    made.commit("First", {"src/cart.py": "1\n", "src/gone.py": "1\n"})
    made.git("tag", "v1.0")
    made.commit("Second, fixes SHOP-7", {"src/cart.py": "2\n", "src/gone.py": None})
    made.commit("Third", {"app/vendored.py": "1\n"})
    made.git("tag", "-a", "-m", "Two", "v2.0")
    made.git("clone", "--quiet", "--mirror", ".", str(tmp_path / "srv" / "team" / "app.git"))
    return made


@pytest.fixture
def api(tmp_path: Path, origin: GitRepository) -> Iterator[ApiClient]:
    """A service with the plugin Git, whose background jobs run only when a test runs them."""
    with open_api(tmp_path, plugins_toml(origin.path.parent / "srv"), background=False) as opened:
        yield opened


def installed(api: ApiClient, **form: str) -> dict[str, Any]:
    fields = {"provider": "git", "name": "disk", "url": "https://git.example.com/", "preset": "gitea", **form}
    return api.installed(**fields)


def ready(api: ApiClient, **mapping: Any) -> None:
    """Add a repository with two mappings: to its ``src`` folder, then to its root."""
    installation = installed(api)
    repository = api.add(installation)
    assert api.mapping(repository, installation, **mapping).status_code == 201
    assert api.mapping(repository, installation, stackRoot="/srv/", sourceRoot="", **mapping).status_code == 201


def test_repositories_are_offered_and_added(api: ApiClient) -> None:
    """A clone is offered with its branch, and no longer after it was added; a second request is refused."""
    installation = installed(api)
    path = f"integrations/{installation['id']}/repos/"
    (offer,) = api.get(path, params={"search": "APP"}).json()["repos"]
    assert (offer["identifier"], offer["name"], offer["defaultBranch"]) == ("team/app", "team/app", "main")
    repository = api.add(installation)
    assert (repository["name"], repository["url"], repository["externalId"]) == ("team/app", BASE, "team/app.git")
    assert api.get(path, params={"installableOnly": "true"}).json()["repos"] == []
    again = {"provider": "git", "installation": installation["id"], "identifier": "team/app"}
    assert api.post("repos/", again).status_code == 409
    assert api.post("repos/", {**again, "identifier": "../work"}).status_code == 404
    form = {"provider": "git", "name": "disk", "url": "https://git.example.com/", "preset": "gitea"}
    assert api.post("integrations/", form).status_code == 409


def test_a_repository_from_commits_is_claimed(api: ApiClient) -> None:
    """An unclaimed repository is given to the installation, and keeps its commits."""
    api.post("commits/", {"commits": [commit(repository="Team/App")]})
    repository = api.add(installed(api))
    assert (repository["name"], repository["url"]) == ("Team/App", BASE)
    assert len(api.get(f"repos/{repository['id']}/commits/").json()) == 1


def test_a_ref_alone_gives_a_release_its_commits(api: ApiClient, origin: GitRepository) -> None:
    """The commits since the previous release are read from the clone, with authors, files and resolved issues."""
    ready(api)
    third, second, first = origin.shas()
    assert api.set_ref("1.0", first)["commitCount"] == 1
    release = api.set_ref("2.0", third)
    assert (release["commitCount"], release["lastCommit"]["id"], release["notes"]) == (2, third, [])
    assert api.shas("2.0") == [third, second]
    assert [author["email"] for author in release["authors"]] == ["ada@example.com"]
    files = {(item["type"], item["filename"]) for item in api.get("releases/2.0/commitfiles/").json()}
    assert files == {("M", "src/cart.py"), ("D", "src/gone.py"), ("A", "app/vendored.py")}
    shown = api.get("releases/2.0/commits/").json()
    assert [item["url"] for item in shown] == [f"{BASE}/commit/{sha}" for sha in (third, second)]
    assert shown[1]["issueIds"] == ["SHOP-7"]
    api.put("releases/2.0/", {"refs": [{"repository": "team/app", "commit": f"{first}..{third}"}]})
    assert api.get("releases/2.0/").json()["refs"][0]["compareUrl"] == f"{BASE}/compare/{first}...{third}"


@pytest.mark.parametrize("head", ["v2.0", "main", "short"])
def test_a_tag_or_branch_is_resolved_to_its_commit(api: ApiClient, origin: GitRepository, head: str) -> None:
    """A release keeps the commit of its ref when the branch moves; the next release begins after that commit."""
    ready(api)
    third = origin.shas()[0]
    api.set_ref("1.0", third[:9] if head == "short" else head)
    assert api.get("releases/1.0/").json()["refs"][0]["commit"] == third
    fourth = origin.commit("Fourth", {"src/cart.py": None})
    origin.git("-C", str(origin.path.parent / "srv" / "team" / "app.git"), "fetch", "--quiet")
    answer = api.link(file="/srv/app/cart.py", release="1.0", lineNo=7)
    assert (answer["sourceUrl"], answer["verified"]) == (f"{BASE}/src/commit/{third}/src/cart.py#L7", True)
    assert api.set_ref("2.0", fourth)["commitCount"] == 1
    assert api.link(file="/srv/app/cart.py", release="2.0")["error"] == "file_not_found"


def test_a_release_without_new_commits_has_its_commit(api: ApiClient, origin: GitRepository) -> None:
    """A second release of the same commit has no commits and no note."""
    ready(api)
    api.set_ref("1.0", "main")
    release = api.set_ref("2.0", "v2.0")
    assert (release["commitCount"], release["notes"], release["refs"][0]["commit"]) == (0, [], origin.shas()[0])


def test_a_missing_ref_is_noted(api: ApiClient) -> None:
    """The release has a note with the missing ref."""
    ready(api)
    (note,) = api.set_ref("1.0", "v9")["notes"]
    assert "no commit, tag or branch 'v9'" in note
    assert "fetched" in note


def test_a_trace_links_at_the_exact_commit(api: ApiClient, origin: GitRepository, tmp_path: Path) -> None:
    """A file that does not exist at the commit has a reason, unless another mapping gives an existing file."""
    ready(api)
    third = origin.shas()[0]
    api.set_ref("2.0", third)
    (tmp_path / "crash.txt").write_text(TRACE, encoding="utf-8")
    arguments = ["crash.txt", "--org", "acme", "--project", "web", "--release", "2.0"]
    done = linked(tmp_path, *arguments)
    links = [line.strip() for line in done.splitlines() if "->" in line]
    assert links == [
        f"-> {BASE}/src/commit/{third}/src/cart.py#L7",
        f"-> {BASE}/src/commit/{third}/app/vendored.py#L1",
    ]
    assert "1 without: file_not_found. Check the mapping's source root" in done
    gone = api.link(file="/srv/app/gone.py", release="2.0")
    assert (gone["error"], gone["attemptedUrl"]) == (
        "file_not_found",
        f"{BASE}/src/commit/{third}/app/gone.py",
    )
    first = api.link(file="/srv/app/gone.py", commitId=origin.shas()[2])
    assert (first["sourcePath"], first["verified"]) == ("src/gone.py", True)


def linked(folder: Path, *arguments: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = scmhost("link", *arguments, "--config", "plugins.toml", "--database-url", f"sqlite:///{folder}/test.db")
    return done.out + done.err


def test_without_a_branch_the_default_branch_is_used(api: ApiClient) -> None:
    """A code mapping without a branch uses the default branch of the clone; the answer contains its name."""
    ready(api, defaultBranch=None)
    answer = api.link(file="/srv/app/cart.py")
    assert (answer["sourceUrl"], answer["ref"], answer["refSource"], answer["verified"]) == (
        f"{BASE}/src/branch/main/src/cart.py",
        "main",
        "default_branch",
        True,
    )


def test_a_missing_clone_gives_unverified_links(api: ApiClient, origin: GitRepository) -> None:
    """Files are linked without a check; the release has a note with the missing clone."""
    ready(api)
    (origin.path.parent / "srv" / "team" / "app.git").rename(origin.path.parent / "elsewhere.git")
    answer = api.link(file="/srv/app/gone.py")
    assert (answer["sourceUrl"], answer["verified"]) == (f"{BASE}/src/branch/main/src/gone.py", None)
    (note,) = api.set_ref("1.0", origin.shas()[0])["notes"]
    assert "no git repository 'team/app.git' below the operator's folder" in note


def test_a_branch_with_slashes_is_read_from_a_pasted_page(api: ApiClient, origin: GitRepository) -> None:
    """The refs of the clone separate the branch from the path."""
    origin.git("branch", "feature/x")
    origin.git("-C", str(origin.path.parent / "srv" / "team" / "app.git"), "fetch", "--quiet")
    api.add(installed(api))
    page = f"{BASE}/src/branch/feature/x/src/cart.py"
    body = {"sourceUrl": page, "stackPath": "/srv/app/cart.py"}
    answer = api.post("/api/0/projects/acme/web/repo-path-parsing/", body).json()
    assert (answer["stackRoot"], answer["sourceRoot"], answer["defaultBranch"]) == ("/srv/app/", "src/", "feature/x")


def test_a_hostile_path_is_answered(api: ApiClient) -> None:
    """For any path there is a link or a reason."""
    ready(api)
    for name in ("x" * 5_000, "a\nb.py", "../../etc/passwd", "cart.py\u2028", "-g1234567.py", "c:art.py"):
        answer = api.link(file=f"/srv/app/{name}.py")
        assert answer["error"] or answer["sourceUrl"]


@pytest.mark.parametrize(
    ("root", "problem"),
    [
        ("/no/such/folder", "plugins.git.settings.root: '/no/such/folder' does not exist"),
        ("repositories", "'repositories' is no absolute path"),
    ],
)
def test_an_invalid_folder_is_reported(tmp_path: Path, root: str, problem: str) -> None:
    """The list of plugins shows file, line and problem; the other plugins stay enabled."""
    text = plugins_toml(Path(root))
    line = next(number for number, line in enumerate(text.splitlines(), start=1) if line.startswith("root"))
    (tmp_path / "plugins.toml").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        listed = " ".join(scmhost("plugins", "list").out.split())
    assert problem in listed
    assert f"plugins.toml:{line}: " in listed
    assert listed.index("ready custom_scm") < listed.index("broken git")


def test_source_lines_come_from_the_clone(api: ApiClient, origin: GitRepository) -> None:
    """A token that may read code gets the lines of the linked commit; later commits and the disk do not matter."""
    ready(api)
    sha = origin.commit("Lines", {"src/cart.py": "".join(f"line {number}\r\n" for number in range(1, 8))})
    origin.git("-C", str(origin.path.parent / "srv" / "team" / "app.git"), "fetch", "--quiet")
    path, token = "/api/0/projects/acme/web/trace-links/?context=2", api.token("project:read", "code:read")
    assert api.post(path, {"text": TRACE, "commit": sha}).status_code == 403
    for body, lines in (
        ({"text": TRACE, "commit": sha}, ["line 5", "line 6", "line 7"]),
        ({"text": TRACE}, ["line 5", "line 6", "line 7"]),
        ({"text": TRACE, "commit": origin.shas()[-1]}, []),
    ):
        cart, gone, vendored = (frame["context"] for frame in api.post(path, body, token=token).json()["frames"])
        assert (cart["lines"], cart["reason"]) == (lines, None if lines else "line_not_found")
        if lines:
            assert (cart["startLine"], gone, vendored["lines"]) == (5, None, ["1"])
