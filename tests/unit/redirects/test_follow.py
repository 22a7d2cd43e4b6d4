"""Where a redirect leads, without HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api import SHA, ApiClient, commit, open_api
from indexing import index_files
from scmhost.links.values import FrameQuery
from scmhost.mapping import FrameInfo
from scmhost.organizations.create import create_project
from scmhost.redirects import follow as follow_module
from scmhost.redirects.follow import Followed, RedirectRequest, follow
from scmhost.sdk import Reason

HOST = "https://git.example.com/"


def followed(api: ApiClient, path: str, line: int | None = 3, sha: str | None = None, **fields: str) -> Followed:
    """Follow a redirect of a frame."""
    frame = FrameQuery(FrameInfo(filename=path), line, sha)
    return follow(api.services, api.there.organization, RedirectRequest(frame, **fields))


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    with open_api(tmp_path, background=False) as opened:
        yield opened


def test_same_page_of_two_projects_is_one(api: ApiClient) -> None:
    """Projects that share a repository do not make a choice of equal links."""
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    api.post("projects/", {"name": "shop", "slug": "shop"})
    shop = next(item["id"] for item in api.get("projects/").json() if item["slug"] == "shop")
    api.mapping(repository, installation, projectId=shop)
    (page,) = followed(api, "/srv/app/a.py").pages
    assert page.link.url == f"{HOST}team/app/blob/main/src/a.py#L3"


def test_derived_mapping_is_the_last_resort(api: ApiClient) -> None:
    """Without a code mapping, the files of known commits lead to a link with less confidence."""
    api.claimed()
    api.release("1.0", commits=[commit(SHA)])
    (page,) = followed(api, "/opt/build/src/a.py").pages
    assert page.link.url.startswith(f"{HOST}team/app/blob/")
    assert page.link.basis.confidence != "high"


def test_known_file_is_found_although_a_mapping_of_one_project_has_no_ref(api: ApiClient) -> None:
    """A project whose mapping matches, but gives no link, does not hide the file that another project may link to."""
    repository, installation = api.claimed()
    api.mapping(repository, installation, defaultBranch=None)
    api.post("projects/", {"name": "zoo", "slug": "zoo"})
    other = api.claim(api.repository("team/zoo", f"{HOST}team/zoo"), installation).json()
    changes = [{"path": "lib/only.py", "type": "A"}]
    api.post("commits/", {"commits": [commit(SHA, other["name"], patch_set=changes)]})
    index_files(api.services, api.there.organization)
    (page,) = followed(api, "/srv/app/lib/only.py").pages
    assert (page.link.url, page.project and page.project.slug) == (
        f"{HOST}team/zoo/blob/{SHA}/lib/only.py#L3",
        "zoo",
    )


def test_mapping_that_is_made_meanwhile_is_used(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that only the explanation finds is followed."""
    api.mapping(*api.claimed())
    monkeypatch.setattr(follow_module, "_pages", lambda *_: [])
    assert [page.link.url for page in followed(api, "/srv/app/a.py").pages] == [f"{HOST}team/app/blob/main/src/a.py#L3"]


@pytest.mark.parametrize(
    ("stack_root", "path"),
    [
        ("/srv/app/", "/srv/app/a.py"),
        ("/srv/app", "\\srv\\app\\a.py"),
        ("C:\\app\\", "C:/app/a.py"),
        ("/srv/releases/*/", "/srv/releases/7/a.py"),
        ("", "a.py"),
        ("App", "App.swift"),
    ],
)
def test_mapping_of_any_project_is_found(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, stack_root: str, path: str
) -> None:
    """Also if there are more projects than are tried one after the other; without a match the first are explained."""
    monkeypatch.setattr(follow_module, "MOST_PROJECTS", 2)
    repository, installation = api.claimed()
    for slug in ("a", "b", "zoo"):
        create_project(api.services, api.there.organization, slug)
    last = next(item["id"] for item in api.get("projects/").json() if item["slug"] == "zoo")
    source = "src/App" if stack_root == "App" else "src/"
    api.mapping(repository, installation, projectId=last, stackRoot=stack_root, sourceRoot=source)
    file = path.replace("\\", "/").rpartition("/")[2]
    (page,) = followed(api, path).pages
    assert (page.link.url, page.project and page.project.slug) == (f"{HOST}team/app/blob/main/src/{file}#L3", "zoo")
    # A mapping with a wildcard may match any path.
    if stack_root and "*" not in stack_root:
        assert [project.slug for project, _ in followed(api, "/opt/x.py").explained] == ["a", "b"]


def test_what_was_tried_is_shown_for_a_repository_too(api: ApiClient) -> None:
    """The code mappings do not lead to this repository; the page lists them."""
    api.mapping(*api.claimed())
    for url in (f"{HOST}team/app", f"{HOST}no/such"):
        found = followed(api, "/opt/x.py", sha=SHA, repository=url)
        assert found.missing
        assert [project.slug for project, _ in found.explained] == ["web"]


def test_project_without_mappings_is_explained(api: ApiClient) -> None:
    """What was tried is listed by project."""
    found = followed(api, "/srv/app/a.py")
    assert found.missing
    assert found.missing.reason is Reason.NO_CODE_MAPPINGS
    assert [project.slug for project, _ in found.explained] == ["web"]


def test_reason_of_a_mapping_that_matches_comes_first(api: ApiClient) -> None:
    """The reason is that of the project that is the nearest to a link."""
    repository, installation = api.claimed()
    api.post("projects/", {"name": "shop", "slug": "shop"})
    shop = next(item["id"] for item in api.get("projects/").json() if item["slug"] == "shop")
    api.mapping(repository, installation, projectId=shop, defaultBranch=None)
    found = followed(api, "/srv/app/a.py")
    assert found.missing
    assert found.missing.reason is Reason.NO_REF
    assert len(found.explained) == 2


def test_project_with_mappings_comes_before_one_without(api: ApiClient) -> None:
    """Of a project that has no mappings nothing is learned, so that the others are first."""
    repository, installation = api.claimed()
    api.post("projects/", {"name": "shop", "slug": "api"})
    api.mapping(repository, installation, stackRoot="/srv/app/")
    found = followed(api, "/opt/x.py")
    assert found.missing
    assert found.missing.reason is Reason.STACK_ROOT_MISMATCH
    assert [project.slug for project, _ in found.explained] == ["web", "api"]


@pytest.mark.parametrize("path", ["src/a.py", "./src/a.py", "src\\a.py", ".\\src\\a.py"])
def test_repository_needs_no_mapping(api: ApiClient, path: str) -> None:
    """A path of the repository itself is linked at the revision of the URL."""
    api.claimed()
    (page,) = followed(api, path, sha=SHA, repository=f"{HOST}team/app.git").pages
    assert (page.link.url, page.project) == (f"{HOST}team/app/blob/{SHA}/src/a.py#L3", None)


def test_absolute_path_in_a_repository_is_mapped(api: ApiClient) -> None:
    """The code mappings that lead to the repository are used; those of another one are not."""
    repository, installation = api.claimed()
    api.mapping(repository, installation)
    other = api.claim(api.repository("team/shop", f"{HOST}team/shop"), installation).json()
    (page,) = followed(api, "/srv/app/a.py", sha=SHA, repository=f"{HOST}team/app").pages
    assert page.link.url == f"{HOST}team/app/blob/{SHA}/src/a.py#L3"
    found = followed(api, "/srv/app/a.py", sha=SHA, repository=other["url"])
    assert found.missing
    assert found.missing.reason is Reason.STACK_ROOT_MISMATCH


@pytest.mark.parametrize(
    ("path", "module", "file"),
    [
        ("/build/src/a.py", "", "src/a.py"),
        ("C:\\agent\\src\\a.py", "", "src/a.py"),
        ("Cart.java", "com.acme.Cart", "till/src/main/java/com/acme/Cart.java"),
    ],
)
def test_known_files_of_the_repository_need_no_mapping(api: ApiClient, path: str, module: str, file: str) -> None:
    """Paths of a build machine and names of classes lead to the only file, but not to one of another repository."""
    repository, installation = api.claimed()
    changes = [{"path": known, "type": "A"} for known in ("src/a.py", "till/src/main/java/com/acme/Cart.java")]
    api.post("commits/", {"commits": [commit(SHA, patch_set=changes)]})
    index_files(api.services, api.there.organization)
    info = FrameInfo(path, module or None, path if module else None, platform="java" if module else None)
    frame = FrameQuery(info, 3, SHA)

    def found(url: str) -> Followed:
        return follow(api.services, api.there.organization, RedirectRequest(frame, repository=url))

    assert [page.link.url for page in found(repository["url"]).pages] == [f"{HOST}team/app/blob/{SHA}/{file}#L3"]
    api.claim(api.repository("team/shop", f"{HOST}team/shop"), installation)
    pages = found(f"{HOST}team/shop").pages
    assert not any(page.link.url.endswith(f"{file}#L3") for page in pages)
    assert bool(pages) == bool(module)


def test_repository_that_is_not_claimed(api: ApiClient) -> None:
    """There is no page without an installation."""
    api.repository()
    found = followed(api, "src/a.py", sha=SHA, repository=f"{HOST}team/app")
    assert found.missing
    assert found.missing.reason is Reason.INSTALLATION_NOT_FOUND


def test_organization_without_projects(api: ApiClient) -> None:
    """An unknown project has its own message."""
    found = followed(api, "/srv/app/a.py", project="nowhere")
    assert found.missing
    assert found.missing.message == "Organization 'acme' has no project 'nowhere'."
