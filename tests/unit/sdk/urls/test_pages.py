"""Links from templates: their form and their safety."""

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from scmhost.sdk import NoUrl, Pages, Reason, RefKind, UrlTemplates, preset, preset_kinds
from scmhost.sdk.urls.plain_links import MAX_LINE
from scmhost.sdk.urls.ref_links import RefLinks
from scmhost.sdk.urls.safety import MAX_URL
from strategies import hostile_text, stack_paths

HOST = "https://git.example"
REPO_URL = f"{HOST}/team/app"
VIEW = "{repo_url}/blob/{ref}/{path}"
ANCHORS = (
    "",
    "#L{line}[-L{end_line}]",
    "?l={line}",
    "#{line}[.{column}]",
    "&l={line}&e={last_line+1}",
    "#{line}[{column}]x",
)
VIEWS = (
    VIEW,
    "{repo_url}/{path}?at={ref}",
    "{repo_url}?f={path}&r={ref|query}",
    "{base_url}/{dir}/{filename}/{ref}",
    "https://git.example/x/{path:9}",
    "{base_url}{path}",
)
lines = st.none() | st.integers(min_value=-3, max_value=20) | st.sampled_from([MAX_LINE, MAX_LINE + 1])
paths = (
    hostile_text
    | stack_paths()
    | st.sampled_from(["src/app.py", "docs/README.MD", "md", "a-b/c_d.e~f@g+h.rs", "x" * 501])
)
pages = st.one_of(
    st.sampled_from(preset_kinds()).map(lambda kind: preset(kind).pages),
    st.builds(Pages, view=st.sampled_from(VIEWS[:4]), anchor=st.sampled_from(ANCHORS)),
)


def links(given_pages: Pages, ref: str = "main", kind: RefKind = "branch") -> RefLinks:
    """Return the links of a sample repository."""
    found = UrlTemplates(pages=given_pages, repo_url=REPO_URL).at(ref, kind)
    assert isinstance(found, RefLinks)
    return found


def reason(url: RefLinks | str | NoUrl) -> Reason | None:
    """Return the reason of a missing URL, or None."""
    return url.reason if isinstance(url, NoUrl) else None


@given(pages, hostile_text, st.sampled_from(["branch", "tag", "commit"]), paths, st.tuples(lines, lines, lines))
def test_links_are_safe(
    given_pages: Pages, ref: str, kind: RefKind, path: str, position: tuple[int | None, int | None, int | None]
) -> None:
    """For any untrusted values, a link is on the configured host and has no dot segments."""
    found = UrlTemplates(pages=given_pages, repo_url=REPO_URL).at(ref, kind)
    url = found.url(path, *position) if isinstance(found, RefLinks) else found
    assert isinstance(url, NoUrl) or re.fullmatch(r"https://git\.example[/?][!-~]*", url)
    assert isinstance(url, NoUrl) or not {".", ".."} & set(re.split("[?#]", url)[0].split("/"))


@given(pages, paths, st.tuples(lines, lines, lines))
def test_fast_and_careful_agree(
    given_pages: Pages, path: str, position: tuple[int | None, int | None, int | None]
) -> None:
    """The fast path gives the same URL as the careful one, each time."""
    found = links(given_pages)
    careful = found._careful_url(path, *position)
    assert careful == found.url(path, *position)
    assert careful == found.url(path, *position)


@given(st.sampled_from(VIEWS), paths)
def test_parts_of_paths_are_safe(view: str, path: str) -> None:
    """A template that splits a path, or puts it next to the host, gives no other host and no dot segment."""
    try:
        found = links(Pages(view=view))
    except ValidationError:
        assume(False)  # noqa: FBT003 - the usual form in Hypothesis
        raise
    url = found.url(path)
    assert isinstance(url, NoUrl) or (url.startswith(f"{HOST}/") and "/../" not in url)


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../b", "..", "./a", "a/.", "a/./b"])
def test_paths_outside_have_no_page(path: str) -> None:
    """An absolute path, or one with a dot segment, gives no link."""
    assert reason(links(Pages(view=VIEW)).url(path)) is Reason.PATH_OUTSIDE


@pytest.mark.parametrize("path", ["", "a\x00b", "a\ud800"])
def test_invalid_paths_have_no_page(path: str) -> None:
    """Empty paths, control characters and lone surrogates give no link."""
    assert reason(links(Pages(view=VIEW)).url(path)) is Reason.NOT_A_FILE


def test_a_template_cannot_change_the_host() -> None:
    """Text directly after the URL of a repository without a path would change the host, so that there is no link."""
    bare = UrlTemplates(pages=preset("sourcegraph").pages, repo_url=HOST)
    assert reason(bare.at("main", "branch")) is Reason.UNSAFE_URL
    shown = UrlTemplates(pages=Pages(view=VIEW, commit="{repo_url}.evil.example/{commit}"), repo_url=HOST)
    assert reason(shown.commit("c0ffee")) is Reason.UNSAFE_URL


def test_long_links_are_refused() -> None:
    """A link over the limit of 8,000 characters is unsafe."""
    assert reason(links(Pages(view=VIEW)).url("x" * MAX_URL)) is Reason.UNSAFE_URL


@pytest.mark.parametrize("line", [0, -1, MAX_LINE + 1])
def test_invalid_lines_give_no_anchor(line: int) -> None:
    """A line outside of the limits is ignored."""
    found = links(preset("github").pages)
    assert found.url("a.py") == found.url("a.py", line) == f"{REPO_URL}/blob/main/a.py"


def test_an_anchor_extends_the_query() -> None:
    """The ? of an anchor becomes & if the page has a query."""
    found = links(Pages(view="{repo_url}/{path}?at={ref}", anchor="?l={line}"))
    assert found.url("a.py", 3) == f"{REPO_URL}/a.py?at=main&l=3"


def test_a_page_per_kind_of_ref() -> None:
    """A kind of ref without its own template uses that for commits, else that for branches."""
    given_pages = Pages(view={"branch": "{repo_url}/b/{ref}/{path}", "commit": "{repo_url}/c/{ref}/{path}"})
    assert links(given_pages, "v1", "tag").url("a") == f"{REPO_URL}/c/v1/a"


def test_no_page_for_a_kind_of_ref() -> None:
    """A host with a template for tags only has no page for a branch."""
    templates = UrlTemplates(pages=Pages(view={"tag": VIEW}), repo_url=REPO_URL)
    assert reason(templates.at("main", "branch")) is Reason.NO_SOURCE_PAGES


@pytest.mark.parametrize(
    "fields",
    [
        {"view": "{repo_url}/{ref}"},
        {"view": {}},
        {"view": VIEW, "anchor": "{nope}"},
        {"view": "{base_url}{path}"},
        {"view": VIEW, "commit": "{repo_url}/{path}"},
        {"view": VIEW, "compare": "https://-/{base}/{head}"},
        {"view": VIEW, "commit": "{repo_url}/a b/{commit}"},
    ],
)
def test_unsafe_templates_are_refused(fields: dict[str, Any]) -> None:
    """A template that gives no safe link is refused on validation, not at the first link."""
    with pytest.raises(ValidationError):
        Pages(**fields)


@pytest.mark.parametrize(
    ("view", "lost"), [("{repo_url}?p={path|double}&r={ref}", "path"), ("{repo_url}/{path}?r={ref|double}", "ref")]
)
def test_irreversible_templates_are_refused(view: str, lost: str) -> None:
    """If a sample cannot be read back, the error names the lost value and the URL."""
    with pytest.raises(ValidationError, match=f"the {lost} of a hard sample is not read back from https://sample"):
        Pages(view=view)


def test_commits_and_refs_are_checked() -> None:
    """Invalid refs give no page of a commit or comparison."""
    templates = UrlTemplates(pages=preset("github").pages, repo_url=REPO_URL)
    assert reason(templates.commit("..")) is Reason.NO_REF
    assert reason(templates.compare("main", "a b")) is Reason.NO_REF


def test_a_missing_page_has_a_reason() -> None:
    """A host without a template for commits has no page of a commit."""
    templates = UrlTemplates(pages=Pages(view=VIEW), repo_url=REPO_URL)
    assert reason(templates.commit("c0ffee")) is Reason.NO_SOURCE_PAGES
