"""Links from templates: what comes out, and what never does."""

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from scmhost.sdk import NoUrl, Pages, Reason, RefKind, UrlTemplates, preset, preset_kinds
from scmhost.sdk.urls.ref_links import MAX_LINE, RefLinks
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
    """The links of a sample repository."""
    found = UrlTemplates(pages=given_pages, repo_url=REPO_URL).at(ref, kind)
    assert isinstance(found, RefLinks)
    return found


def reason(url: str | NoUrl) -> Reason | None:
    """Why there is no URL, if there is none."""
    return url.reason if isinstance(url, NoUrl) else None


@given(pages, hostile_text, st.sampled_from(["branch", "tag", "commit"]), paths, st.tuples(lines, lines, lines))
def test_links_are_safe(
    given_pages: Pages, ref: str, kind: RefKind, path: str, place: tuple[int | None, int | None, int | None]
) -> None:
    """Whatever an event says, a link leads to the configured host and to no other page than the template's."""
    found = UrlTemplates(pages=given_pages, repo_url=REPO_URL).at(ref, kind)
    url = found.url(path, *place) if isinstance(found, RefLinks) else found
    assert isinstance(url, NoUrl) or re.fullmatch(r"https://git\.example[/?][!-~]*", url)
    assert isinstance(url, NoUrl) or not {".", ".."} & set(re.split("[?#]", url)[0].split("/"))


@given(pages, paths, st.tuples(lines, lines, lines))
def test_fast_and_careful_agree(
    given_pages: Pages, path: str, place: tuple[int | None, int | None, int | None]
) -> None:
    """A link that is quickly made is the one that would be made with care, the first time and again."""
    found = links(given_pages)
    careful = found._careful_url(path, *place)
    assert careful == found.url(path, *place)
    assert careful == found.url(path, *place)


@given(st.sampled_from(VIEWS), paths)
def test_parts_of_paths_are_safe(view: str, path: str) -> None:
    """A template that takes a path apart or puts it beside the host gives no way out."""
    try:
        found = links(Pages(view=view))
    except ValidationError:
        assume(False)  # noqa: FBT003 - hypothesis's own form
        raise
    url = found.url(path)
    assert isinstance(url, NoUrl) or (url.startswith(f"{HOST}/") and "/../" not in url)


@pytest.mark.parametrize("path", ["/etc/passwd", "a/../b", "..", "./a", "a/.", "a/./b"])
def test_paths_outside_have_no_page(path: str) -> None:
    """A path that could lead out of the repository gets no link."""
    assert reason(links(Pages(view=VIEW)).url(path)) is Reason.PATH_OUTSIDE


@pytest.mark.parametrize("path", ["", "a\x00b", "a\ud800"])
def test_what_is_no_path_has_no_page(path: str) -> None:
    """Text that cannot be a file's name gets no link."""
    assert reason(links(Pages(view=VIEW)).url(path)) is Reason.NOT_A_FILE


def test_a_repository_without_a_path_gets_no_other_host() -> None:
    """What a template writes right after a repository's URL stays in its path, or there is no link."""
    bare = UrlTemplates(pages=preset("sourcegraph").pages, repo_url=HOST)
    assert reason(bare.at("main", "branch")) is Reason.UNSAFE_URL  # type: ignore[arg-type]
    shown = UrlTemplates(pages=Pages(view=VIEW, commit="{repo_url}.evil.example/{commit}"), repo_url=HOST)
    assert reason(shown.commit("c0ffee")) is Reason.UNSAFE_URL


def test_long_links_are_not_handed_out() -> None:
    """A link over the limit of browsers and proxies is none."""
    assert reason(links(Pages(view=VIEW)).url("x" * MAX_URL)) is Reason.UNSAFE_URL


@pytest.mark.parametrize("line", [0, -1, MAX_LINE + 1])
def test_lines_that_no_file_has_give_no_anchor(line: int) -> None:
    """A line that is not known does not lead to a wrong one."""
    found = links(preset("github").pages)
    assert found.url("a.py") == found.url("a.py", line) == f"{REPO_URL}/blob/main/a.py"


def test_a_question_mark_comes_once() -> None:
    """An anchor that begins a query goes on with the page's query where there is one."""
    found = links(Pages(view="{repo_url}/{path}?at={ref}", anchor="?l={line}"))
    assert found.url("a.py", 3) == f"{REPO_URL}/a.py?at=main&l=3"


@given(pages, paths, lines)
def test_links_below_a_folder_agree(given_pages: Pages, path: str, line: int | None) -> None:
    """A file's link through its folder is the one through its whole path, or is left to that."""
    found = links(given_pages)
    folder, slash, name = path.rpartition("/")
    below = found.below(folder + slash)
    assert below is None or below.url(name, line) in (None, found.url(path, line))


def test_folders_that_need_care_have_no_links_of_their_own() -> None:
    """A long or odd folder, and a format that is shown rendered, are looked at path by path."""
    found = links(preset("github").pages)
    assert [found.below(folder) for folder in ("a b/", "../", "/", "x" * 400 + "/")] == [None] * 4
    below = found.below("docs/")
    assert below is not None
    assert [below.url(name, 3) for name in ("a.md", ".env", "a b.py")] == [None] * 3
    assert below.url("a.c", 3) == found.url("docs/a.c", 3) == f"{REPO_URL}/blob/main/docs/a.c#L3"
    assert below.url("a.c") == found.url("docs/a.c")


def test_a_page_per_kind_of_ref() -> None:
    """A kind of ref without its own template takes the commit's, else the branch's."""
    given_pages = Pages(view={"branch": "{repo_url}/b/{ref}/{path}", "commit": "{repo_url}/c/{ref}/{path}"})
    assert links(given_pages, "v1", "tag").url("a") == f"{REPO_URL}/c/v1/a"


def test_no_page_for_a_kind_of_ref() -> None:
    """A host whose templates show tags only has no page for a branch."""
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
def test_templates_are_tried_when_they_are_written(fields: dict[str, Any]) -> None:
    """A template that can give no safe link is refused at once, not at the first link."""
    with pytest.raises(ValidationError):
        Pages(**fields)


@pytest.mark.parametrize(
    ("view", "lost"), [("{repo_url}?p={path|double}&r={ref}", "path"), ("{repo_url}/{path}?r={ref|double}", "ref")]
)
def test_templates_are_read_back_when_they_are_written(view: str, lost: str) -> None:
    """A template out of which not the same comes as went in is refused, with what is lost and a URL to look at."""
    with pytest.raises(ValidationError, match=f"the {lost} of a hard sample is not read back from https://sample"):
        Pages(view=view)


def test_commits_and_refs_are_checked() -> None:
    """Pages of commits are as safe as pages of files."""
    templates = UrlTemplates(pages=preset("github").pages, repo_url=REPO_URL)
    assert reason(templates.commit("..")) is Reason.NO_REF
    assert reason(templates.compare("main", "a b")) is Reason.NO_REF


def test_a_missing_page_has_a_reason() -> None:
    """A host without a template for commits has no page for them, and that is said."""
    templates = UrlTemplates(pages=Pages(view=VIEW), repo_url=REPO_URL)
    assert reason(templates.commit("c0ffee")) is Reason.NO_SOURCE_PAGES
