"""The link hooks of most plugins: pages of a repository, and pasted URLs."""

import pytest
from pydantic import ValidationError

from hosting import REPOSITORY
from scmhost.sdk import Location, NoUrl, Reason, RepositoryPages, preset, read_any_url

PAGES = preset("gitea").pages
MINE = REPOSITORY.model_copy(update={"id": 7, "url": "https://git.example/team/app"})
LOCATION = Location(ref="main", ref_kind="branch", path="a.md", line=3)


def test_a_repository_has_pages() -> None:
    """Each link hook is one call, and the templates give the same URLs."""
    pages = RepositoryPages(pages=PAGES, repository=MINE)
    assert pages.view(LOCATION) == "https://git.example/team/app/src/branch/main/a.md?display=source#L3"
    assert pages.commit("c0ffee") == "https://git.example/team/app/commit/c0ffee"
    assert pages.compare("v1", "v2") == "https://git.example/team/app/compare/v1...v2"
    assert pages.templates is not None
    assert pages.templates.view(LOCATION) == pages.view(LOCATION)


def test_without_a_url_there_is_a_reason() -> None:
    """A repository without a URL has no page; it has the reason for that."""
    pages = RepositoryPages(pages=PAGES, repository=REPOSITORY)
    found = [pages.view(LOCATION), pages.commit("c0ffee"), pages.compare("v1", "v2")]
    assert [link.reason for link in found if isinstance(link, NoUrl)] == [Reason.REPOSITORY_WITHOUT_URL] * 3
    assert pages.templates is None


def test_a_url_is_read_for_several_repositories() -> None:
    """A page belongs to one of the repositories; a branch with slashes gives several candidates."""
    (found,) = read_any_url("https://git.example/team/app/src/branch/main/a.py#L3", PAGES, [REPOSITORY, MINE])
    assert (found.repository_id, found.location.path, found.location.line, found.ambiguous) == (7, "a.py", 3, False)
    assert len(read_any_url("https://git.example/team/app/src/branch/a/b/c.py", PAGES, [MINE])) > 1
    assert read_any_url("https://git.example/team/other/src/branch/main/a.py", PAGES, [MINE]) == []


def test_a_custom_view_removes_the_anchors() -> None:
    """Anchors and rendered formats belong to the replaced view; other custom templates keep them."""
    own = PAGES.with_own({"view": "{repo_url}/show/{ref|segment}/{path}"})
    assert (own.anchor, own.columns, own.also, own.rendered, own.commit) == ("", "", (), None, PAGES.commit)
    assert PAGES.with_own({"commit": "{repo_url}/c/{commit}"}).anchor == PAGES.anchor
    with pytest.raises(ValidationError, match="unknown token"):
        PAGES.with_own({"view": "{repo_url}/{sha}"})


@pytest.mark.parametrize(
    "url", ["git@git.example:team/app.git", "", "https://git.example/a b", "https://git.example/\ud800", "https://h/#x"]
)
def test_a_url_that_is_no_web_page_has_a_reason(url: str) -> None:
    """A repository with a clone URL in place of its page gets no link, and does not stop the reading for others."""
    odd = REPOSITORY.model_copy(update={"url": url})
    pages = RepositoryPages.model_construct(pages=preset("github").pages, repository=odd)
    assert pages.templates is None
    for found in (pages.commit("c0ffee"), pages.compare("v1", "v2")):
        assert isinstance(found, NoUrl)
        assert found.reason is Reason.UNSAFE_URL
    page = "https://git.example/team/app/blob/main/a.py"
    other = REPOSITORY.model_copy(update={"id": 9, "url": "https://git.example/team/app"})
    assert [one.repository_id for one in read_any_url(page, preset("github").pages, [odd, other])] == [9]
