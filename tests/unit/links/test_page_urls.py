"""From a file's page back to its location."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.links.source_urls import PageLocation, enclosing_urls, file_name_of, read_page
from scmhost.sdk import Location, UrlTemplates, preset
from strategies import hostile_text

BASE = "https://git.example.com/team/app"
segments = st.text(min_size=1, max_size=8).filter(lambda text: "/" not in text and text not in (".", ".."))


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
@given(path=st.lists(segments.filter(str.isprintable), min_size=1, max_size=4), branch=st.sampled_from(["main", "a/b"]))
def test_own_pages_are_read_back(kind: str, path: list[str], branch: str) -> None:
    """A file's page gives the file back, if the branch is known or has no slashes."""
    templates = UrlTemplates(pages=preset(kind).pages, repo_url=BASE)
    page = templates.view(Location(ref=branch, ref_kind="branch", path="/".join(path)))
    assert isinstance(page, str)
    assert read_page(page, BASE, ["a/b", "a"]) == PageLocation(branch, "/".join(path))
    assert file_name_of(page) == path[-1]


def test_longest_branch_is_used() -> None:
    """If one branch begins like another, the longer one is used."""
    assert read_page(f"{BASE}/blob/a/b/c.py", BASE, ["a", "a/b"]) == PageLocation("a/b", "c.py")


@given(hostile_text, st.lists(hostile_text, max_size=2))
def test_any_page_is_read_or_not(rest: str, branches: list[str]) -> None:
    """Any text after a repository's URL gives a location or none."""
    for odd in (rest, f"blob/{rest}", f"src/branch/{rest}"):
        found = read_page(f"{BASE}/{odd}", BASE, branches)
        assert found is None or (found.ref and found.path)


def test_enclosing_urls_go_from_the_page_to_its_host() -> None:
    """Candidates for the repository's URL go from the page to its host, up to a depth limit."""
    assert enclosing_urls("https://Git.example.com/Team/app?x#L1") == [
        "https://Git.example.com/Team/app",
        "https://Git.example.com/Team",
        "https://Git.example.com",
    ]
    assert enclosing_urls("https://git.example.com/team/") == [
        "https://git.example.com/team",
        "https://git.example.com",
    ]
    assert len(enclosing_urls("https://git.example.com" + "/x" * 500)) == 33


@pytest.mark.parametrize(
    "form",
    [
        *("-/blob", "-/tree", "-/blame", "-/raw", "src/branch", "src/commit", "src/tag"),
        *("blob", "tree", "blame", "raw", "src"),
    ],
)
def test_each_form_of_a_page_is_read(form: str) -> None:
    """Each known form of a page's URL gives its ref and path."""
    assert read_page(f"{BASE}/{form}/main/src/cart.py", BASE) == PageLocation("main", "src/cart.py")
