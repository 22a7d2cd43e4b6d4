"""Tokens, filters, optional parts and limits of the template language."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scmhost.sdk import Template, TemplateError
from scmhost.sdk.urls.templates import (
    FILE_PAGES,
    FILE_TOKENS,
    HOST_TOKENS,
    LONG_TOKENS,
    MAX_TEMPLATE,
    NUMBER_TOKENS,
    PAGE_NAMES,
    REF_TOKENS,
    REPOSITORY_TOKENS,
    ROOT_TOKENS,
    TEXT_TOKENS,
    OptionalPart,
    TemplateToken,
    tokens_of,
)

ROOT = {"repo_url": "https://h.example/r", "base_url": "https://h.example"}


def render(template: str, **values: str | int | None) -> str | None:
    """Render a template of a sample repository."""
    return Template.parse(template).render({**ROOT, **values})


def error_of(template: str) -> TemplateError:
    """Return the error of a wrong template."""
    with pytest.raises(TemplateError) as caught:
        Template.parse(template)
    return caught.value


@pytest.mark.parametrize("token", sorted(TEXT_TOKENS - ROOT_TOKENS))
def test_each_text_token_gives_its_value(token: str) -> None:
    """A token is replaced by the value of the same name."""
    assert render(f"{{repo_url}}/{{{token}}}", **{token: "x1"}) == "https://h.example/r/x1"


@pytest.mark.parametrize("token", sorted(NUMBER_TOKENS))
def test_each_number_token_can_count_on(token: str) -> None:
    """Only numbers can be increased."""
    assert render(f"{{repo_url}}/{{{token}}}/{{{token}+2}}", **{token: 7}) == "https://h.example/r/7/9"


@pytest.mark.parametrize("token", sorted(TEXT_TOKENS - ROOT_TOKENS - {"prefix"}))
@pytest.mark.parametrize("value", [None, ""])
def test_without_a_value_there_is_no_url(token: str, value: str | None) -> None:
    """A required token without a value gives no URL, and never an empty segment."""
    needed = f"{{repo_url}}/x/{{{token}}}"
    if token == "owner":
        assert render(f"{needed}/y", owner=value) == "https://h.example/r/x/y"
    assert render(needed, **{token: value}) is None


def test_an_empty_prefix_is_a_value() -> None:
    """A host whose pages begin at the root has an empty prefix."""
    assert render("{base_url}{prefix}/x", prefix="") == "https://h.example/x"
    assert render("{base_url}{prefix}/x", prefix="/git") == "https://h.example/git/x"
    assert render("{base_url}{prefix}/x") is None


@pytest.mark.parametrize(
    ("alias", "values", "rendered"),
    [
        ("line_plus_1", {"line": 3}, "4"),
        ("end_line_plus_1", {"last_line": 3}, "4"),
        ("seed", {"owner": "a"}, "a"),
        ("rid", {"repo": "b"}, "b"),
        ("gist_id", {"repo": "b"}, "b"),
        ("package", {"repo": "b"}, "b"),
        ("version", {"ref": "1.0"}, "1.0"),
    ],
)
def test_tokens_have_other_names(alias: str, values: dict[str, str | int], rendered: str) -> None:
    """Some hosts have their own word for a token."""
    assert render(f"{{repo_url}}/x-{{{alias}}}", **values) == f"https://h.example/r/x-{rendered}"


@pytest.mark.parametrize(
    ("number", "segment"),
    [("1", "a"), ("2", "b c"), ("3", "d"), ("-1", "d"), ("-3", "a"), ("4", None), ("-4", None), ("99", None)],
)
def test_segments_of_a_repositorys_path_are_numbered(number: str, segment: str | None) -> None:
    """Segments are counted from 1, or from the end with a minus sign; a missing one is no value."""
    url = render(f"{{base_url}}/{{repo_path:{number}}}", repo_path="a/b c/d")
    assert url == (None if segment is None else f"https://h.example/{segment.replace(' ', '%20')}")


@pytest.mark.parametrize(("length", "short"), [("1", "0"), ("7", "0123456"), ("99", "0123456789")])
def test_a_length_shortens(length: str, short: str) -> None:
    """Some hosts show short commit ids in their URLs."""
    assert render(f"{{repo_url}}/{{commit:{length}}}", commit="0123456789") == f"https://h.example/r/{short}"


def test_a_shortened_value_is_escaped_afterwards() -> None:
    """Cutting cannot cut an escape in two."""
    assert render("{repo_url}/{path:2}", path="a b") == "https://h.example/r/a%20"


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("{repo_url}/{ref}?p={path}#{path}", "https://h.example/r/a/b%23c?p=x%2F%3F%20y#x/%3F%20y"),
        ("{repo_url}/{ref|segment}", "https://h.example/r/a%2Fb%23c"),
        ("{repo_url}?{path|path}", "https://h.example/r?x/%3F%20y"),
        ("{repo_url}/{ref|upper}", "https://h.example/r/A/B%23C"),
        ("{repo_url}/{ref|upper|segment}", "https://h.example/r/A%2FB%23C"),
        ("{repo_url}?a={ref|lower}", "https://h.example/r?a=a%2Fb%23c"),
        ("{repo_url}?a=1?{path}", "https://h.example/r?a=1?x%2F%3F%20y"),
        ("{repo_url}#a?{path}", "https://h.example/r#a?x/%3F%20y"),
    ],
)
def test_the_position_or_a_filter_selects_the_escaping(template: str, url: str) -> None:
    """The first ? begins the query and the first # the fragment; a filter overrides the position."""
    assert render(template, ref="a/b#c", path="x/? y") == url


def test_urls_of_the_configuration_are_not_escaped() -> None:
    """The repository's URL is already a URL."""
    assert Template.parse("{repo_url}/{path}").render({"repo_url": "https://h.example/a%20b", "path": "c"}) == (
        "https://h.example/a%20b/c"
    )


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, "https://h.example/r/x"),
        ({"line": 3}, "https://h.example/r/x#L3"),
        ({"line": 3, "end_line": 5}, "https://h.example/r/x#L3-L5"),
        ({"end_line": 5}, "https://h.example/r/x"),
        ({"line": 3, "end_line": 5, "column": 2}, "https://h.example/r/x#L3-L5C2"),
        ({"line": 3, "column": 2}, "https://h.example/r/x#L3"),
    ],
)
def test_optional_parts_may_be_nested(values: dict[str, int], url: str) -> None:
    """A part is left out with everything inside if one of its own tokens has no value."""
    assert render("{repo_url}/x[#L{line}[-L{end_line}[C{column}]]]", **values) == url


def test_an_owner_is_optional_with_its_slash() -> None:
    """A repository without an owner has no empty segment."""
    template = Template.parse("{base_url}/{owner}/{repo}")
    assert isinstance(template.nodes[2], OptionalPart)
    assert template.render({**ROOT, "repo": "app"}) == "https://h.example/app"
    assert template.render({**ROOT, "repo": "app", "owner": "a/b"}) == "https://h.example/a/b/app"


def test_a_doubled_bracket_is_a_literal_one() -> None:
    """A single bracket in a URL is written twice."""
    assert render("{repo_url}/a[[1?x={path}", path="p") == "https://h.example/r/a[1?x=p"


@pytest.mark.parametrize(
    ("template", "problem", "hint"),
    [
        ("{repo_url}/{Path}", "unknown token {Path}", "the tokens are account, base, "),
        ("{repo_url}/{ path }", "unknown token { path }", "the tokens are"),
        ("{repo_url}/{path|}", "unknown token {path|}", "the tokens are"),
        ("{repo_url}/{path:100}", "unknown token {path:100}", "the tokens are"),
        ("{repo_url}/{line+10}", "unknown token {line+10}", "the tokens are"),
        ("{repo_url}/{line-1}", "unknown token {line-1}", "the tokens are"),
        ("{repo_url}/{repo_path:\u0663}", "unknown token {repo_path:\u0663}", "the tokens are"),
        ("{repo_url}/{path|html|path}", "unknown filter 'html'", "the filters are path, segment, query"),
        ("{repo_url}/a]]b", "a ] without its [", "write %5D"),
        ("{repo_url}/[a[b]]", "[...] without a token would always or never show", "leave out the brackets"),
        ("{repo_url}/[[{path}]", "a ] without its [", "write %5D"),
        ("{repo_url}/{{path}}", "a { without its partner", "write %7B or %7D"),
        ("{repo_path}/{path}", "the scheme and host are not fixed", "begin with {repo_url}"),
        (" {repo_url}/{path}", "the scheme and host are not fixed", "begin with {repo_url}"),
        ("{repo_url|lower}/{path}", "the scheme and host are not fixed", "begin with {repo_url}"),
        ("//git.example/{path}", "the scheme and host are not fixed", "begin with {repo_url}"),
        ("HTTPS://git.example/{path}", "the scheme and host are not fixed", "begin with {repo_url}"),
        ("https://git.example:{line}/{path}", "the scheme and host are not fixed", "begin with {repo_url}"),
        ("https://git.example:\u0663/{path}", "the scheme and host are not fixed", "begin with {repo_url}"),
        ("https://git.example", "the scheme and host are not fixed", "begin with {repo_url}"),
        ("", "the scheme and host are not fixed", "begin with {repo_url}"),
    ],
)
def test_the_error_has_the_problem_and_a_hint(template: str, problem: str, hint: str) -> None:
    """The message has the wrong part as it was written, and how to correct it."""
    error = error_of(template)
    assert error.problem == problem
    assert hint in str(error)
    assert error.template == template


@pytest.mark.parametrize(
    "template",
    [
        "https://git.example/",
        "http://git.example:8080/{path}",
        "{scheme}://{web_host}/{path}",
        "{scheme}://{web_host}[:{port}][{prefix}]/x/{path}",
        "https://git.example:{port}{prefix}/{path}",
        "{base_url}",
    ],
)
def test_the_host_may_be_literal_or_configured(template: str) -> None:
    """All forms of a fixed host are accepted."""
    assert Template.parse(template).text == template


@pytest.mark.parametrize("text", ["#L{line}", "?l={line}", "", "&l={line}", "{line}", "$L{line}"])
def test_an_anchor_needs_no_host(text: str) -> None:
    """An anchor is appended to a page's URL."""
    assert Template.parse(text, rooted=False).text == text
    assert not text or Template.parse(text, rooted=False).tokens == {"line"}


def test_an_anchor_that_begins_with_a_hash_is_a_fragment() -> None:
    """The position of an anchor is that of its first character."""
    assert [token.escapes for text in ("#{path}", "{path}", "?{path}") for token in _tokens(text)] == [
        ("fragment",),
        ("path",),
        ("query",),
    ]


def _tokens(anchor: str) -> list[TemplateToken]:
    return [node for node in Template.parse(anchor, rooted=False).nodes if isinstance(node, TemplateToken)]


def test_a_template_has_a_limited_length() -> None:
    """The longest template is accepted, and one more character is not."""
    fits = "{repo_url}/".ljust(MAX_TEMPLATE, "x")
    assert Template.parse(fits).text == fits
    assert error_of(fits + "x").problem == f"longer than {MAX_TEMPLATE} characters"


def test_deeply_nested_parts_are_rendered() -> None:
    """Twenty parts may be inside each other; one more is refused, however deep Python can go."""
    nested = "{repo_url}/x" + "[{line}" * 20 + "]" * 20
    assert render(nested, line=1) == "https://h.example/r/x" + "1" * 20
    assert render(nested) == "https://h.example/r/x"
    for depth in (21, 240):
        with pytest.raises(TemplateError, match="nested more than 20 times"):
            render("{repo_url}/x" + "[{line}" * depth + "]" * depth)


def test_a_parsed_template_is_kept() -> None:
    """Templates are parsed once for many links."""
    assert Template.parse("{repo_url}/kept/{path}") is Template.parse("{repo_url}/kept/{path}")


pieces = st.sampled_from(["{repo_url}", "{base_url}", "https://h.example/", "{path}", "{ref|segment}", "{line+1}"])
noise = st.text(alphabet="[]{}|:+-?#/x1 {path}", max_size=8)


@given(st.lists(pieces | noise, max_size=8).map("".join))
@example("{repo_url}[[[{path}]")
@example("{repo_url}/{path}[[")
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Any text gives a template whose URL begins with a configured host, or a ``TemplateError``."""
    try:
        template = Template.parse(text)
    except TemplateError:
        return
    url = template.render({**ROOT, "path": "p", "ref": "a/b", "line": 3})
    assert url is None or url.startswith("https://h.example")


@given(
    st.sampled_from(
        ["{repo_url}/{ref}/{path}[#{line}]", "{base_url}/{owner}/{repo}/{path}?r={ref}", "{base_url}/{repo}[/{ref}]"]
    ),
    st.dictionaries(st.sampled_from(["owner", "repo", "ref", "path"]), st.text("ab/ #?%", max_size=5)),
    st.sets(st.sampled_from(["owner", "repo", "ref", "path"])),
)
def test_values_may_be_bound_in_any_order(text: str, values: dict[str, str], early: set[str]) -> None:
    """Filling in some values first gives the same URL."""
    template = Template.parse(text)
    some = {name: value for name, value in values.items() if name in early}
    assert template.bind({**ROOT, **some}).render(values) == template.render({**ROOT, **values})


def test_binding_refuses_a_longer_host() -> None:
    """Text directly after a URL without a path would become part of the host."""
    for suffix in (".evil.example/{path}", "{path}", "-x/{path}", "@evil.example/{path}"):
        with pytest.raises(TemplateError, match="is a host alone, and goes on in the text after it; put a / between"):
            Template.parse("{repo_url}" + suffix).bind({"repo_url": "https://h.example", "path": ".evil.example"})


@pytest.mark.parametrize("suffix", ["/{path}", "?p={path}", "#{path}", "[/{path}]", ""])
def test_binding_accepts_a_border_after_the_host(suffix: str) -> None:
    """A slash, a question mark or a hash ends a host."""
    bound = Template.parse("{repo_url}" + suffix).bind({"repo_url": "https://h.example", "path": "p"})
    assert (bound.render({}) or "").startswith("https://h.example")


def test_optional_parts_are_removed_by_token() -> None:
    """An anchor without columns is made from one with columns."""
    template = Template.parse("#{line}[-{end_line}][.{column}]", rooted=False)
    shorter = template.without(frozenset({"column"}))
    assert shorter.tokens == {"line", "end_line"}
    assert shorter.render({"line": 1, "end_line": 2, "column": 3}) == "#1-2"


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("{repo_url}/tree/{ref}/{path}", "https://h.example/r/tree/main"),
        ("{repo_url}/{path}?at={ref}", "https://h.example/r?at=main"),
        ("{repo_url}?p={path}&r={ref}", "https://h.example/r?p=&r=main"),
        ("{repo_url}/tree/{ref}", "https://h.example/r/tree/main"),
    ],
)
def test_the_page_of_the_root_folder_has_no_path(template: str, url: str) -> None:
    """The path is left out together with the slash before it."""
    assert Template.parse(template).without_path().render({**ROOT, "ref": "main"}) == url


@pytest.mark.parametrize(
    ("token", "whole"),
    [("{path}", True), ("{path|segment}", True), ("{path:7}", False), ("{path|lower}", False), ("{line+1}", True)],
)
def test_a_whole_value_can_be_read_back(token: str, whole: bool) -> None:
    """A shortened value or one in another case cannot be recovered from the URL."""
    assert [item.is_whole for item in tokens_of(f"https://h.example/{token}")] == [whole]


def test_tokens_are_listed_in_order_with_repetitions() -> None:
    """The list has the tokens of optional parts too."""
    names = [token.name for token in tokens_of("{repo_url}/{path}[#{line}[-{end_line}]]{path}")]
    assert names == ["repo_url", "path", "line", "end_line", "path"]


def test_tokens_have_one_group_each() -> None:
    """The groups of tokens do not overlap, and tokens with slashes are text tokens."""
    groups = [REPOSITORY_TOKENS, REF_TOKENS, FILE_TOKENS, NUMBER_TOKENS]
    assert sum(map(len, groups)) == len(frozenset().union(*groups))
    assert ROOT_TOKENS | HOST_TOKENS <= REPOSITORY_TOKENS
    assert LONG_TOKENS <= TEXT_TOKENS


def test_pages_of_files_come_first() -> None:
    """URLs are matched with pages of files before pages of repositories."""
    assert PAGE_NAMES[: len(FILE_PAGES)] == FILE_PAGES
    assert {"root", "commit", "compare", "change_request"} == set(PAGE_NAMES) - set(FILE_PAGES)
