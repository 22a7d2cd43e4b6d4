"""Derive the roots of a code mapping from the URL of a page and the path of a frame."""

import pytest

import factories
from linking import BASE, LinkProject, open_project
from scmhost.infra.db.engine import Store
from scmhost.installations.install import InvalidForm
from scmhost.links.source_urls import ParsedSource, parse_source_url
from scmhost.mapping import DerivedRoots, FrameInfo
from scmhost.repositories import alias_queries
from scmhost.repositories import queries as repository_queries

PAGE = f"{BASE}/acme/web/blob/main/src/shop/cart.py"


def parse(web: LinkProject, url: str, path: str = "/srv/shop/cart.py", **fields: str) -> ParsedSource:
    return parse_source_url(web.services, web.organization, url, FrameInfo(filename=path, **fields))


def problems(web: LinkProject, url: str, path: str = "/srv/shop/cart.py", **fields: str) -> dict[str, list[str]]:
    with pytest.raises(InvalidForm) as refused:
        parse(web, url, path, **fields)
    return dict(refused.value.problems)


def test_page_gives_all_fields_of_a_mapping(web: LinkProject) -> None:
    """The repository, its installation, the roots and the branch come from the page and the frame."""
    parsed = parse(web, PAGE)
    assert (parsed.repository.id, parsed.installation.id) == (web.repository, web.installation)
    assert (parsed.roots, parsed.branch) == (DerivedRoots("/srv/", "src/"), "main")


def test_branch_with_slashes_is_known_from_a_mapping(web: LinkProject) -> None:
    """A branch of the repository's mappings is read as a whole; otherwise a branch is one segment."""
    page = f"{BASE}/acme/web/blob/release/1.x/shop/cart.py"
    assert parse(web, page).branch == "release"
    web.add_mapping(default_branch="release/1.x")
    assert parse(web, page).branch == "release/1.x"


def test_longest_repository_url_is_used(web: LinkProject) -> None:
    """A repository inside the path of another one is the better match, on the border of a segment."""
    inner = web.add_repository("acme/web/inner")
    web.add_repository("acme/we")
    assert parse(web, f"{BASE}/acme/web/inner/blob/main/shop/cart.py").repository.id == inner
    assert parse(web, PAGE).repository.id == web.repository


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://git.example.com/acme/web/blob/main/cart.py", "Enter a valid URL."),
        ("", "Enter a valid URL."),
        (f"{BASE}/acme/web/blob/main/pay.py", "Source code URL points to a different file than the stack trace"),
        (f"{BASE}/acme/none/blob/main/cart.py", "Could not find repo"),
        ("https://other.example/acme/web/blob/main/cart.py", "Could not find integration"),
        (f"{BASE}/acme/web/wiki/cart.py", "Source code URL is no page of a file at a branch, a tag or a commit"),
    ],
)
def test_unreadable_url_is_refused(web: LinkProject, url: str, problem: str) -> None:
    """The first problem of the URL is named in the words that Sentry's clients show."""
    assert problems(web, url) == {"sourceUrl": [problem]}


def test_url_with_a_lone_surrogate_is_refused(web: LinkProject) -> None:
    """A URL that the database cannot compare is bad input."""
    with pytest.raises(InvalidForm, match="Enter a valid URL"):
        parse(web, f"{BASE}/\ud800/blob/main/cart.py")


@pytest.mark.parametrize(
    ("name", "path", "fields", "problem"),
    [
        ("%3Cstring%3E", "<string>", {}, "This is no path of a source file"),
        ("cart", "/srv/cart", {}, "The path needs a file extension."),
        ("Cart.java", "Cart.java", {"platform": "java"}, "Frames of this platform need module and absPath."),
        (
            "Cart.java",
            "Cart.java",
            {"platform": "java", "module": "Cart", "abs_path": "Cart.java"},
            "The module has no",
        ),
    ],
)
def test_frame_without_roots_is_refused(
    web: LinkProject, name: str, path: str, fields: dict[str, str], problem: str
) -> None:
    """The problem of the frame's path is named, with the next step."""
    found = problems(web, f"{BASE}/acme/web/blob/main/{name}", path, **fields)
    assert list(found) == ["stackPath"]
    assert found["stackPath"][0].startswith(problem)


def test_unclaimed_repository_is_not_found(web: LinkProject) -> None:
    """Only repositories of an installation can have a mapping."""
    factories.new_repository(web.services.store, web.organization.id, "free", url=f"{BASE}/free/lib")
    assert problems(web, f"{BASE}/free/lib/blob/main/cart.py") == {"sourceUrl": ["Could not find repo"]}


@pytest.mark.parametrize(
    ("ref", "branches", "expected"),
    [("release/2026", (), "release/2026"), ("topic/new", (), "topic"), ("topic/new", ("topic/new",), "topic/new")],
)
def test_plugin_confirms_a_ref_with_slashes(
    sqlite_store: Store, ref: str, branches: tuple[str, ...], expected: str
) -> None:
    """Of several readings of a page, one at a known branch is used, or one whose ref the code host has."""
    with open_project(sqlite_store, plugin="archivist") as project:
        for branch in branches:
            project.add_mapping("/other/", "", default_branch=branch)
        parsed = parse(project, f"{BASE}/acme/web/show/{ref}/shop/cart.py")
    assert parsed.branch == expected


@pytest.mark.parametrize("plugin", ["odd_text", "archivist"])
def test_page_at_the_url_before_a_move(sqlite_store: Store, plugin: str) -> None:
    """It is read by the URL that the repository had then; a repository that is there now comes first."""
    with open_project(sqlite_store, plugin=plugin) as project:
        with project.services.store.write() as tx:
            repository = repository_queries.get(tx, project.organization.id, project.repository)
            assert repository is not None
            before = repository.model_copy(update={"name": "old/web", "url": f"{BASE}/old/web"})
            alias_queries.save(tx, before, repository, factories.NOW)
        page = f"{BASE}/old/web/{'show' if plugin == 'archivist' else 'blob'}/trunk/src/shop/cart.py"
        parsed = parse(project, page)
        assert (parsed.repository.id, parsed.roots, parsed.branch) == (
            project.repository,
            DerivedRoots("/srv/", "src/"),
            "trunk",
        )
        now_there = project.add_repository("old/web")
        assert parse(project, page).repository.id == now_there
