"""From a file's page back to its location."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.links import PageLocation, enclosing_urls, file_name_of, read_page
from scmhost.sdk import Location, UrlTemplates, preset
from strategies import hostile_text

BASE = "https://git.example.com/team/app"
segments = st.text(min_size=1, max_size=8).filter(lambda text: "/" not in text and text not in (".", ".."))


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
@given(path=st.lists(segments.filter(str.isprintable), min_size=1, max_size=4), branch=st.sampled_from(["main", "a/b"]))
def test_pages_that_we_make_are_read_back(kind: str, path: list[str], branch: str) -> None:
    """The page of a file tells the file, where the branch is known or has no slashes."""
    templates = UrlTemplates(pages=preset(kind).pages, repo_url=BASE)
    page = templates.view(Location(ref=branch, ref_kind="branch", path="/".join(path)))
    assert isinstance(page, str)
    assert read_page(page, BASE, ["a/b", "a"]) == PageLocation(branch, "/".join(path))
    assert file_name_of(page) == path[-1]


def test_the_longest_branch_is_the_one() -> None:
    """A branch that begins like another is the one that is meant."""
    assert read_page(f"{BASE}/blob/a/b/c.py", BASE, ["a", "a/b"]) == PageLocation("a/b", "c.py")


@given(hostile_text, st.lists(hostile_text, max_size=2))
def test_every_rest_has_an_answer(rest: str, branches: list[str]) -> None:
    """Whatever follows a repository's URL, there is a location or none."""
    for odd in (rest, f"blob/{rest}", f"src/branch/{rest}"):
        found = read_page(f"{BASE}/{odd}", BASE, branches)
        assert found is None or (found.ref and found.path)


def test_a_page_is_below_its_folders() -> None:
    """What a repository's URL may be goes from the whole page to its host, and no deeper than any repository lies."""
    assert enclosing_urls("https://Git.example.com/Team/app?x#L1") == [
        "https://Git.example.com/Team/app",
        "https://Git.example.com/Team",
        "https://Git.example.com",
    ]
    assert len(enclosing_urls("https://git.example.com" + "/x" * 500)) == 33
