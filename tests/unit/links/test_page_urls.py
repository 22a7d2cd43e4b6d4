"""From a file's page back to its location."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.links.source_urls import PageLocation, enclosing_urls, file_name_of, read_page
from scmhost.sdk import Location, UrlTemplates, preset
from strategies import hostile_text

BASE = "https://git.example.com/team/app"
segments = st.text(min_size=1, max_size=8).filter(lambda text: "/" not in text and text not in (".", ".."))


@pytest.mark.thorough
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


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://git.example.com", ["https://git.example.com/", "https://git.example.com"]),
        ("https://git.example.com/?path=/a/b", ["https://git.example.com/", "https://git.example.com"]),
        ("http://git.example.com:8443//a//", ["http://git.example.com:8443/a", "http://git.example.com:8443"]),
        (
            "https://git.example.com/a//b",
            [
                "https://git.example.com/a//b",
                "https://git.example.com/a/",
                "https://git.example.com/a",
                "https://git.example.com",
            ],
        ),
        ("https://git.example.com/%C3%A9/a", ["https://git.example.com/%C3%A9/a", "https://git.example.com/%C3%A9"]),
    ],
)
def test_enclosing_urls_keep_the_spelling(url: str, expected: list[str]) -> None:
    """Port, escapes and inner empty segments stay; slashes around the path, query and fragment are dropped."""
    assert enclosing_urls(url)[: len(expected)] == expected


@pytest.mark.parametrize("segments", [31, 32, 33, 500])
def test_enclosing_urls_of_a_deep_page_are_the_shortest(segments: int) -> None:
    """Of a page with more than 32 segments, only the URLs of the first 32 are candidates."""
    host = "https://git.example.com"
    candidates = enclosing_urls(host + "/x" * segments)
    assert candidates == [host + "/x" * count for count in range(min(segments, 32), -1, -1)]


@given(st.lists(st.text("ab.-", min_size=1, max_size=3), max_size=40))
def test_each_enclosing_url_is_the_start_of_the_one_before(segments: list[str]) -> None:
    """Every candidate lacks the last segment of the one before it, down to the host."""
    candidates = enclosing_urls("/".join(["https://git.example.com", *segments]))
    assert candidates[-1] == "https://git.example.com"
    assert [longer.rpartition("/")[0] for longer in candidates[:-1]] == candidates[1:]


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
