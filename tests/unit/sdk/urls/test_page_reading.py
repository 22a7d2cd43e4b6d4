"""Reading the URLs of pages: the reverse of building them."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.sdk import (
    Location,
    NoUrl,
    PageRequest,
    Pages,
    RefKind,
    TemplateError,
    UrlTemplates,
    page_url,
    preset,
    preset_kinds,
    read_own_url,
    read_url,
    ref_problem,
)
from scmhost.sdk.urls.page_templates import names_in
from scmhost.sdk.urls.templates import REF_TOKENS, Template
from strategies import hostile_text

SHA = "0123456789abcdef0123456789abcdef01234567"
BASE_URL = "https://git.example"
segments = st.text(alphabet="abXY09-_.+~@:;,=& #?%é$!'()[]*|^\"<>{}`\\", min_size=1, max_size=8)
paths = st.lists(segments, min_size=1, max_size=4).map("/".join)
branches = st.lists(st.text(alphabet="abXY09-_.+@;,=&#%é$!()|", min_size=1, max_size=6), min_size=1, max_size=3)
refs = st.one_of(
    st.tuples(st.just("branch"), branches.map("/".join)),
    st.tuples(st.just("tag"), branches.map("/".join)),
    st.tuples(st.just("commit"), st.just(SHA)),
)
lines = st.none() | st.tuples(st.integers(1, 10_000_000), st.none() | st.integers(1, 10_000_000))


def readable(kind: str) -> bool:
    """Return whether a kind's pages contain file and ref."""
    text = preset(kind).pages.view_for("commit") or ""
    tokens = Template.parse(text).tokens
    return "path" in tokens and bool(tokens & REF_TOKENS - {"blob", "file_rev"}) and not tokens & {"blob", "file_rev"}


@pytest.mark.parametrize("case", load_cases("read_urls"), ids=case_id)
def test_most_likely_location_of_a_url_is_first(case: dict[str, Any]) -> None:
    """Each URL gives its possible locations, the most likely first."""
    found = read_url(case["url"], case.get("kind"), case.get("refs", ()))
    shown = [[item.repo, item.ref, item.ref_kind, item.path, item.line, item.end_line] for item in found]
    assert case["candidates"] == shown


@pytest.mark.thorough
@settings(max_examples=600)
@given(st.sampled_from([kind for kind in preset_kinds() if readable(kind)]), refs, paths, lines)
def test_built_urls_are_read_back(
    kind: str, ref: tuple[RefKind, str], path: str, position: tuple[int, int | None] | None
) -> None:
    """For each kind of host, repository, ref, path and lines are read back from the URL."""
    assume(not ref_problem(ref[1]))
    pages = preset(kind).pages
    # The page of a branch is the one without a revision there.
    assume(pages.has_branches or ref[0] != "branch")
    repo = {(): "app", ("repo_path",): "team/app"}.get(names_in(pages.repo), "/".join(names_in(pages.repo)))
    line, end_line = position or (None, None)
    url = page_url(
        PageRequest(
            kind=kind,
            base_url=BASE_URL,
            repo=repo,
            ref=ref[1],
            ref_kind=ref[0],
            path=path,
            line=line,
            end_line=end_line,
        )
    )
    if isinstance(url, NoUrl):
        return
    found = read_url(url, kind, [ref[1]])
    assert (ref[1], path) in [(item.ref, item.path) for item in found]
    read = next(item for item in found if (item.ref, item.path) == (ref[1], path))
    assert read.repo in (repo, "")
    if "{line" in pages.anchor and line is not None:
        assert read.line == line
    if "{end_line" in pages.anchor and line is not None and end_line is not None and end_line > line:
        assert read.end_line == end_line


@given(
    st.none() | st.sampled_from(preset_kinds()), hostile_text, hostile_text, st.sampled_from(["/", "/-/blob/", "?p="])
)
def test_reading_never_raises(kind: str | None, before: str, after: str, between: str) -> None:
    """For any text, the result is a tuple."""
    assert isinstance(read_url(f"https://git.example/{before}{between}{after}", kind), tuple)
    assert isinstance(read_url(before, kind), tuple)


@given(hostile_text)
def test_read_paths_have_no_dot_segments(path: str) -> None:
    """A path that is read has no dot segment."""
    for item in read_url(f"https://github.com/team/app/blob/main/{path}"):
        assert not {".", ".."} & set(item.path.split("/"))


@pytest.mark.thorough
def test_the_number_of_candidates_is_limited() -> None:
    """A URL with thousands of segments gives at most 50 candidates."""
    assert 0 < len(read_url("https://github.com/team/app/blob/" + "a/" * 3_900 + "x")) <= 50
    pages = Pages(view="{base_url}/{owner}/{dir}/{ref}/{filename}")
    assert len(read_url("https://git.example/" + "a/" * 3_900, pages)) <= 50


def test_an_unknown_kind_is_refused() -> None:
    """The error lists the known kinds of host."""
    with pytest.raises(TemplateError, match="the presets are"):
        read_url("https://git.example/a", "nope")


def test_custom_pages_are_read() -> None:
    """A custom template reads the URLs that it builds."""
    pages = Pages(view="{repo_url}/show/{path}?rev={ref}[&l={line}]", repo="{base_url}/{owner}/{repo}")
    (found,) = read_url("https://git.example/team/app/show/a%20b.py?l=3&rev=v1", pages)
    assert (found.repo, found.ref, found.path, found.line) == ("team/app", "v1", "a b.py", 3)
    assert read_url("ftp://git.example/team/app", pages) == ()


def test_pages_of_other_repositories_are_not_read() -> None:
    """A page of another repository or host gives no candidate."""
    pages, repo_url = preset("gitlab").pages, "https://git.example/group/app"
    url = UrlTemplates(pages=pages, repo_url=repo_url).view(
        Location(ref="feature/x", ref_kind="branch", path="a.py", line=2)
    )
    assert isinstance(url, str)
    (found,) = read_own_url(url, pages, repo_url, ["feature/x"])
    assert (found.repo, found.path, found.line) == ("group/app", "a.py", 2)
    assert read_own_url(url, pages, "https://git.example/group/app2") == ()
    assert read_own_url(url, pages, "https://other.example/group/app") == ()
    assert read_own_url("javascript:app", pages, repo_url) == ()
