"""Names of refs, and the URLs of one repository's files at one ref."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.sdk import Location, NoUrl, Pages, Reason, RefKind, UrlTemplates, full_ref, preset, ref_problem
from scmhost.sdk.urls.plain_links import MAX_LINE, MAX_PLAIN_PATH, PlainLinks, is_plain_path
from scmhost.sdk.urls.ref_links import (
    RefAt,
    RefLinks,
    checked_url,
    free_ref_problem,
    line_values,
    path_values,
    refuse_path,
    split_ref,
    with_anchor,
)
from strategies import hostile_text

REPO_URL = "https://git.example/team/app"
SHA = "0123456789abcdef0123456789abcdef01234567"


def links(pages: Pages, ref: str = "main", kind: RefKind = "branch") -> RefLinks:
    """Return the links of a sample repository."""
    found = UrlTemplates(pages=pages, repo_url=REPO_URL).at(ref, kind)
    assert isinstance(found, RefLinks)
    return found


@pytest.mark.parametrize(
    ("ref", "problem"),
    [
        ("", "the ref is empty"),
        ("a b", "a ref may not hold ' ' there"),
        ("a..b", "a ref may not hold '..' there"),
        ("a@{1}", "a ref may not hold '@{' there"),
        ("-a", "a ref may not hold '-' there"),
        ("/a", "a ref may not hold '/' there"),
        (".a", "a ref may not hold '.' there"),
        ("a/", "a ref may not hold '/' there"),
        ("a.", "a ref may not hold '.' there"),
        ("a//b", "a ref may not hold '//' there"),
        ("a/.b", "a ref may not hold '/.' there"),
        ("a.lock", "a ref may not hold '.lock' there"),
        ("a.lock/b", "a ref may not hold '.lock/' there"),
        ("@", "a ref may not hold '@' there"),
        ("a\x00", "a ref may not hold '\\x00' there"),
        ("a\ud800", "a ref may not hold '\\ud800' there"),
    ],
)
def test_the_problem_names_the_part_that_git_refuses(ref: str, problem: str) -> None:
    """The text shows the part, with control characters escaped."""
    assert ref_problem(ref) == problem


@pytest.mark.parametrize("ref", ["a b", "trunk@{1}", "-a", "a.lock", "~x^1", "a:b", "a?*["])
def test_other_systems_allow_other_names(ref: str) -> None:
    """Hosts of other systems than git have refs that git refuses."""
    assert ref_problem(ref) is not None
    assert free_ref_problem(ref) is None


@pytest.mark.parametrize("ref", ["", "..", "a/../b", "./a", "a/.", "a//b", "a/", "a\\b", "a\n", "\udfff"])
def test_no_system_allows_dot_segments(ref: str) -> None:
    """Empty segments, dot segments, control characters and half characters are refused on every host."""
    assert free_ref_problem(ref)


@given(hostile_text)
def test_what_is_refused_everywhere_is_refused_by_git(ref: str) -> None:
    """The rules of git are the stricter ones."""
    assert ref_problem(ref) is not None or free_ref_problem(ref) is None


@given(st.text("abc/.-@", min_size=1, max_size=10), st.sampled_from(["branch", "tag"]))
def test_a_full_name_is_split_again(ref: str, kind: RefKind) -> None:
    """The namespace gives the kind."""
    assert split_ref(full_ref(ref, kind)) == (ref, kind)


@pytest.mark.parametrize("ref", ["main", "HEAD", SHA, "refs", "refs/heads", "refs/pull/1/head", "heads/main"])
def test_other_names_have_no_kind(ref: str) -> None:
    """Only the namespaces of branches and tags give a kind."""
    assert split_ref(ref) == (ref, None)


def test_head_and_commits_have_no_namespace() -> None:
    """``HEAD`` and an id are their own full names."""
    assert (full_ref("HEAD", "branch"), full_ref(SHA, "commit")) == ("HEAD", SHA)


@pytest.mark.parametrize(
    ("at", "values"),
    [
        (RefAt(None, "none"), {}),
        (RefAt("main", "none"), {}),
        (RefAt(None, "none", SHA), {"commit": SHA}),
        (
            RefAt("main", "branch", SHA),
            {"commit": SHA, "ref": "main", "ref_full": "refs/heads/main", "ref_kind": "branch", "branch": "main"},
        ),
        (RefAt("v1", "tag"), {"ref": "v1", "ref_full": "refs/tags/v1", "ref_kind": "tag", "tag": "v1"}),
        (
            RefAt("12", "commit"),
            {
                "ref": "12",
                "ref_full": "12",
                "ref_kind": "commit",
                "commit": "12",
                "changelist": "12",
                "changeset": "12",
            },
        ),
    ],
)
def test_a_ref_gives_the_values_of_tokens(at: RefAt, values: dict[str, str]) -> None:
    """A ref has its kind's token; a commit is also a changeset or changelist of other systems."""
    assert at.values() == values


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a/b/c.tar.gz", ["a/b", "c.tar.gz", "c.tar", "gz", "c-tar-gz"]),
        ("README", ["", "README", "README", "", "readme"]),
        (".env", ["", ".env", ".env", "", "-env"]),
        ("a.d/x", ["a.d", "x", "x", "", "x"]),
        ("x.", ["", "x.", "x", "", "x-"]),
        ("Ünï cöde.PY", ["", "Ünï cöde.PY", "Ünï cöde", "PY", "-n-c-de-py"]),
    ],
)
def test_a_path_gives_the_values_of_tokens(path: str, parts: list[str]) -> None:
    """Folder, name, stem, extension, and the name as an anchor."""
    values = path_values(path)
    assert [values[name] for name in ("dir", "filename", "stem", "ext", "filename_slug")] == parts
    assert values["path"] == path


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((None, 5, 1, 1), None),
        ((0, 5, 1, 1), None),
        ((MAX_LINE + 1, None, None, None), None),
        ((3, None, None, None), (3, None, 3, 1, None, None)),
        ((3, 3, None, None), (3, None, 3, 1, None, None)),
        ((3, 2, None, None), (3, None, 3, 1, None, None)),
        ((3, 7, None, None), (3, 7, 7, 5, None, None)),
        ((3, MAX_LINE + 1, None, None), (3, None, 3, 1, None, None)),
        ((3, None, 2, 9), (3, None, 3, 1, 2, 9)),
        ((3, None, 0, 9), (3, None, 3, 1, None, None)),
        ((3, None, None, 9), (3, None, 3, 1, None, None)),
        ((3, None, 2, -1), (3, None, 3, 1, 2, None)),
    ],
)
def test_lines_give_the_values_of_tokens(given: Any, expected: tuple[int | None, ...] | None) -> None:
    """Without a valid line there is no anchor; a last line that is not after the first one is ignored."""
    names = ("line", "end_line", "last_line", "line_count", "column", "end_column")
    assert line_values(*given) == ({} if expected is None else dict(zip(names, expected, strict=True)))


@pytest.mark.parametrize(
    ("page", "anchor", "url"),
    [
        ("https://h/x", "", "https://h/x"),
        ("https://h/x", "#L1", "https://h/x#L1"),
        ("https://h/x#file", "#L1", "https://h/x#file"),
        ("https://h/x", "?l=1", "https://h/x?l=1"),
        ("https://h/x?a=b", "?l=1", "https://h/x?a=b&l=1"),
        ("https://h/x?a=b", "&l=1", "https://h/x?a=b&l=1"),
        ("https://h/x", "$1", "https://h/x$1"),
        ("https://h/x?as=source", "$1", "https://h/x$1?as=source"),
        ("https://h/x?v=1", ";2", "https://h/x;2?v=1"),
    ],
)
def test_an_anchor_joins_its_part_of_the_url(page: str, anchor: str, url: str) -> None:
    """An anchor may belong to the path, the query or the fragment."""
    assert with_anchor(page, anchor) == url


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", Reason.NOT_A_FILE),
        ("a\tb", Reason.NOT_A_FILE),
        ("a\x7f", Reason.NOT_A_FILE),
        ("\udfffa", Reason.NOT_A_FILE),
        ("/a", Reason.PATH_OUTSIDE),
        ("a/..", Reason.PATH_OUTSIDE),
        (".", Reason.PATH_OUTSIDE),
        ("...", None),
        ("..a/b..", None),
        ("a//b", None),
        ("a\\..\\b", None),
        (" ", None),
    ],
)
def test_a_path_may_be_refused(path: str, reason: Reason | None) -> None:
    """A path that leaves the repository, or cannot be a file's name, has no URL."""
    refused = refuse_path(path)
    assert (refused and refused.reason) == reason


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (None, Reason.NO_SOURCE_PAGES),
        ("https://git.example/a", None),
        ("https://git.example.evil.example/a", Reason.UNSAFE_URL),
        ("https://git.example/a/../b", Reason.UNSAFE_URL),
        ("https://git.example/\ud800", Reason.UNSAFE_URL),
    ],
)
def test_a_rendered_url_is_checked(url: str | None, reason: Reason | None) -> None:
    """A URL on another host, or with hidden characters, is not shown."""
    found = checked_url(url, "https://git.example")
    assert found == url if reason is None else isinstance(found, NoUrl) and found.reason is reason


PLAIN_SEGMENTS = st.text("abXY09_@+~.-", min_size=1, max_size=6)


@given(st.lists(PLAIN_SEGMENTS | hostile_text, min_size=1, max_size=4).map("/".join))
def test_plain_paths_need_no_escaping_and_no_check(path: str) -> None:
    """A plain path is the same after escaping, and no path that is refused is plain."""
    if is_plain_path(path):
        assert refuse_path(path) is None
        assert links(Pages(view="{repo_url}/{ref}/{path}")).page(path, {}) == f"{REPO_URL}/main/{path}"


@pytest.mark.parametrize("path", ["a", "src/app.py", "a-b/c_d.e~f@g+h", "-", "a.", "@", "~/x"])
def test_ordinary_paths_are_plain(path: str) -> None:
    """The quick path serves nearly all files."""
    assert is_plain_path(path)


@pytest.mark.parametrize(
    "path", ["", ".a", "a/.b", "a//b", "/a", "a/", "a b", "a%20", "é", "a\n", "a:b", "..", "a/../b"]
)
def test_other_paths_are_not_plain(path: str) -> None:
    """Dot files are left to the careful path too, because a dot may begin a dot segment."""
    assert not is_plain_path(path)


def test_plain_links_leave_the_rest_to_ref_links() -> None:
    """Long paths, rendered formats and unusual names have no quick URL."""
    plain = PlainLinks("https://h/", "?x", "#L", "", frozenset({"md"}))
    assert plain.url("a/b.py") == "https://h/a/b.py?x"
    assert plain.url("a/b.py", 3) == "https://h/a/b.py?x#L3"
    assert [plain.url("a.py", line) for line in (0, -1, MAX_LINE + 1)] == ["https://h/a.py?x"] * 3
    assert [plain.url(path) for path in ("a.MD", "md", "a b", ".env", "x" * (MAX_PLAIN_PATH + 1))] == [None] * 5
    assert plain.url("x" * MAX_PLAIN_PATH) == f"https://h/{'x' * MAX_PLAIN_PATH}?x"


presets = st.sampled_from(["github", "gitlab", "bitbucket_server", "gitiles", "cgit", "phabricator", "forgejo", "trac"])


@given(
    presets, st.lists(PLAIN_SEGMENTS, min_size=1, max_size=4).map("/".join), st.none() | st.integers(-1, MAX_LINE + 1)
)
def test_plain_links_equal_ref_links(kind: str, path: str, line: int | None) -> None:
    """The quick URL, where there is one, is the URL of all checks."""
    found = links(preset(kind).pages, SHA, "commit")
    quick = found.plain.url(path, line) if found.plain else None
    assert quick is None or quick == found.url(path, line) == found.page(path, line_values(line, None, None))


@pytest.mark.parametrize(
    "view",
    [
        "{repo_url}/{path}/{filename}",
        "{repo_url}/{path|double}",
        "{repo_url}/{path|lower}",
        "{repo_url}?p={path}",
        "{repo_url}/{dir}/{filename}",
    ],
)
def test_templates_that_change_a_path_have_no_quick_links(view: str) -> None:
    """Text that is escaped or split is always rendered by the template."""
    assert links(Pages(view=view)).plain is None


def test_an_anchor_that_belongs_before_the_query_has_no_quick_links() -> None:
    """The line is inserted in the middle of the page's URL."""
    found = links(Pages(view="{repo_url}/{path}?at={ref}", anchor="${line}"))
    assert found.plain is None
    assert found.url("a.py", 3) == f"{REPO_URL}/a.py$3?at=main"


def test_the_ref_of_a_location_is_ignored() -> None:
    """Links are prepared for one ref."""
    found = links(preset("github").pages)
    assert found.of(Location(ref="other", ref_kind="tag", path="a.py", line=3)) == f"{REPO_URL}/blob/main/a.py#L3"


@pytest.mark.parametrize(
    ("position", "anchor"),
    [
        ({"line": 3}, "#L3"),
        ({"line": 3, "end_line": 5}, "#L3-L5"),
        ({"line": 3, "column": 2}, "#L3"),
        ({"line": 3, "column": 2, "end_column": 9}, "#L3C2-L3C9"),
        ({"line": 3, "end_line": 5, "column": 2, "end_column": 9}, "#L3C2-L5C9"),
        ({"line": 3, "end_column": 9}, "#L3"),
        ({"column": 2, "end_column": 9}, ""),
    ],
)
def test_columns_need_both_ends(position: dict[str, int], anchor: str) -> None:
    """GitHub's anchor with columns needs both of them."""
    location = Location(ref="main", ref_kind="branch", path="a.py", **position)
    assert links(preset("github").pages).of(location) == f"{REPO_URL}/blob/main/a.py{anchor}"


def test_a_rendered_file_is_linked_by_its_source() -> None:
    """Only the source view has lines; the query for it comes before the anchor."""
    found = links(preset("github").pages)
    assert found.url("README.md", 3) == f"{REPO_URL}/blob/main/README.md?plain=1#L3"
    assert found.url("docs/a.MD") == f"{REPO_URL}/blob/main/docs/a.MD?plain=1"
    assert found.url("md") == f"{REPO_URL}/blob/main/md"


@pytest.mark.parametrize("kind", ["branch", "tag", "commit"])
def test_one_template_serves_all_kinds(kind: RefKind) -> None:
    """A template without a ref's kind is used for each."""
    assert links(Pages(view="{repo_url}/{ref}/{path}"), "v1", kind).url("a") == f"{REPO_URL}/v1/a"


def test_a_missing_value_gives_a_reason() -> None:
    """A template may need a value that only some locations have."""
    found = links(Pages(view="{repo_url}/{ref}/{line}/{path}"))
    url = found.url("a.py")
    assert isinstance(url, NoUrl)
    assert url.message == "the host's template needs a value that this location does not have"
    assert found.url("a.py", 3) == f"{REPO_URL}/main/3/a.py"
