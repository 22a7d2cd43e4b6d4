"""Matching a URL against a template: the reverse of rendering."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.sdk import Template, TemplateError
from scmhost.sdk.urls.matching import MatchLimits, ParsedUrl, TokenValues, match_template, parse_url, prefixes_of
from scmhost.sdk.urls.safety import MAX_URL
from scmhost.sdk.urls.templates import count_shapes
from strategies import hostile_text

HOST = "https://git.example"
names = st.text("ab.- %&=?#+é/", min_size=1, max_size=8).filter(lambda text: text[0] != "/" and text[-1] != "/")


def parsed(url: str) -> ParsedUrl:
    """Return the parts of a valid URL."""
    found = parse_url(url)
    assert found is not None
    return found


def match(template: str, url: str, limits: MatchLimits | None = None) -> list[TokenValues]:
    """Return all ways to match a URL."""
    return list(match_template(Template.parse(template), parsed(url), limits or MatchLimits()))


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://git.example/a", HOST),
        ("HTTPS://Git.Example/a", HOST),
        ("https://git.example:443/a", HOST),
        ("https://git.example:/a", HOST),
        ("http://git.example:80/a", "http://git.example"),
        ("http://git.example:443/a", "http://git.example:443"),
        ("https://ada:secret@git.example/a", HOST),
        ("  https://git.example/a\n", HOST),
        ("https://[::1]:8443/a", "https://[::1]:8443"),
    ],
)
def test_a_host_has_one_spelling(url: str, authority: str) -> None:
    """Case, default ports and users make no difference."""
    assert parsed(url).authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "git.example/a",
        "ftp://git.example/a",
        "javascript:alert(1)",
        "https://",
        "https:///a",
        "https://git.example/a\nb",
        "https://git.example/a\x00",
        "https://git.example/\ud800",
        "https://git.example/%ff",
        "https://git.example/?a=%ff",
        "https://git.example/?%ff=a",
        "https://git.example/#%ff",
        "https://a@b@git.example/x",
        "https://git.example/".ljust(MAX_URL + 1, "x"),
    ],
)
def test_other_texts_are_no_urls(url: str) -> None:
    """Text that no browser would open, or that is not UTF-8, has no parts."""
    assert parse_url(url) is None


@pytest.mark.parametrize(
    ("url", "path", "query", "fragment"),
    [
        ("https://git.example", "/", (), ""),
        ("https://git.example?a=1", "/", (("a", "1"),), ""),
        ("https://git.example/%61%2Fb/c%20d", "/a%2Fb/c%20d", (), ""),
        ("https://git.example/ü/'", "/%C3%BC/%27", (), ""),
        ("https://git.example/x?a=1&b=%26;c&d=", "/x", (("a", "1"), ("b", "&"), (None, "c"), ("d", "")), ""),
        ("https://git.example/x?&&a=b=c", "/x", (("a", "b=c"),), ""),
        ("https://git.example/x#L1?y#z", "/x", (), "L1%3Fy%23z"),
    ],
)
def test_parts_have_one_spelling(url: str, path: str, query: object, fragment: str) -> None:
    """Escapes are written in one way; an escaped slash stays different from a slash."""
    parts = parsed(url)
    assert (parts.path, parts.query, parts.fragment) == (path, query, fragment)


@pytest.mark.parametrize(("authority", "host"), [("https://h.example:80", "h.example"), ("https://[::1]", "[::1]")])
def test_the_host_has_no_port(authority: str, host: str) -> None:
    """The kind of a host is recognised by its name alone."""
    assert ParsedUrl(authority, "/", (), "").host == host


@given(hostile_text)
def test_any_text_is_parsed_or_not(text: str) -> None:
    """Pasted text never raises; parsed parts parse to themselves again."""
    for url in (text, f"{HOST}/{text}"):
        parts = parse_url(url)
        if parts is not None and not parts.query:
            again = parsed(f"{parts.authority}{parts.path}")
            assert (again.authority, again.path) == (parts.authority, parts.path)


@pytest.mark.parametrize(
    ("path", "prefixes"),
    [
        ("/", [""]),
        ("/a", [""]),
        ("/a/b", ["", "/a"]),
        ("/a/b/c/d/e/f", ["", "/a", "/a/b", "/a/b/c"]),
    ],
)
def test_up_to_three_segments_may_precede_a_hosts_pages(path: str, prefixes: list[str]) -> None:
    """The shortest prefix comes first, and the last segment is never a prefix."""
    assert list(prefixes_of(path)) == prefixes


def test_all_splits_of_ref_and_path_are_returned() -> None:
    """Two values with slashes side by side may be split at each slash, the shorter first value first."""
    found = match("https://git.example/x/{ref}/{path}", f"{HOST}/x/a/b/c/d")
    assert [(values["ref"], values["path"]) for values in found] == [("a", "b/c/d"), ("a/b", "c/d"), ("a/b/c", "d")]


def test_a_value_without_slashes_ends_at_the_first_one() -> None:
    """A commit or the name of a repository is one segment."""
    assert match("https://git.example/{repo}/x", f"{HOST}/a/b/x") == []
    assert match("https://git.example/{repo}/x", f"{HOST}/a/x") == [{"repo": "a"}]


def test_an_escaped_slash_belongs_to_its_segment() -> None:
    """A branch that is escaped as one segment is not confused with the path."""
    found = match("https://git.example/x/{ref|segment}/{path}", f"{HOST}/x/feature%2Fa/b/c")
    assert found == [{"ref": "feature/a", "path": "b/c"}]


@pytest.mark.parametrize("query", ["p=a/b&r=main", "r=main&p=a%2Fb", "x=1&r=main&y&p=a/b&p2=3", "p=a/b;r=main"])
def test_the_order_of_parameters_makes_no_difference(query: str) -> None:
    """Unknown parameters are ignored; both separators are accepted."""
    found = match("https://git.example/x?p={path}&r={ref}", f"{HOST}/x?{query}")
    assert found == [{"path": "a/b", "ref": "main"}]


@pytest.mark.parametrize("query", ["", "p=a", "r=main", "p=&r=main", "P=a&r=main"])
def test_each_parameter_of_the_template_is_required(query: str) -> None:
    """A missing or empty parameter is no match."""
    assert match("https://git.example/x?p={path}&r={ref}", f"{HOST}/x?{query}") == []


def test_a_repeated_parameter_may_mean_either_value() -> None:
    """Each occurrence is tried."""
    found = match("https://git.example/x?p={path}", f"{HOST}/x?p=a&p=b")
    assert [values["path"] for values in found] == ["a", "b"]


def test_a_path_in_a_query_may_lack_its_slash() -> None:
    """Some hosts write ``path=/a``, and accept ``path=a``."""
    for written in ("/a/b", "a/b", "%2Fa%2Fb"):
        assert match("https://git.example/x?path=/{path}", f"{HOST}/x?path={written}") == [{"path": "a/b"}]


def test_a_parameter_may_have_no_name() -> None:
    """A query may be one value, as ``?a/b.c``."""
    assert match("https://git.example/x?{path}", f"{HOST}/x?a/b.c") == [{"path": "a/b.c"}]


def test_both_occurrences_of_a_token_have_the_same_value() -> None:
    """A template that repeats a token matches only a URL that does too."""
    template = "https://git.example/{repo}/x/{repo}"
    assert match(template, f"{HOST}/a/x/a") == [{"repo": "a"}]
    assert match(template, f"{HOST}/a/x/b") == []


@pytest.mark.parametrize(
    ("text", "line"),
    [("1", 1), ("10000000", 10_000_000), ("007", 7), ("0", None), ("10000001", None), ("1e3", None), ("-1", None),
     ("\u0663", None), ("9" * 30, None), ("", None)],
)  # fmt: skip
def test_lines_are_numbers_within_the_limits(text: str, line: int | None) -> None:
    """Other texts are no line."""
    assert match("https://git.example/x?l={line}", f"{HOST}/x?l={text}") == ([{"line": line}] if line else [])


def test_an_increased_number_is_decreased_again() -> None:
    """The value is the line, not the text in the URL."""
    assert match("https://git.example/x?l={line+1}", f"{HOST}/x?l=5") == [{"line": 4}]
    assert match("https://git.example/x?l={line+1}", f"{HOST}/x?l=1") == []


@pytest.mark.parametrize(
    ("fragment", "values"),
    [("", {}), ("#L3", {"line": 3}), ("#L3-L5", {"line": 3, "end_line": 5})],
)
def test_optional_parts_match_or_are_left_out(fragment: str, values: dict[str, int]) -> None:
    """The variant with the most optional parts is tried first."""
    found = match("https://git.example/{path}[#L{line}[-L{end_line}]]", f"{HOST}/a{fragment}")
    assert found[0] == {"path": "a", **values}


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://git.example/{path|double}", f"{HOST}/a%20b"),
        ("https://git.example/{ref|segment}/x", f"{HOST}/a/b/x"),
        ("https://git.example/{path|phab}", f"{HOST}/a;b"),
        ("https://git.example/{path}", f"{HOST}//a"),
        ("https://git.example/{path}", f"{HOST}/a%0Ab"),
        ("https://git.example/{path}", f"{HOST}/a%7Fb"),
        ("https://git.example/{path}", "http://git.example/a"),
        ("https://git.example/{path}", "https://git.example.evil.example/a"),
        ("https://git.example:8443/{path}", f"{HOST}/a"),
    ],
)
def test_urls_that_the_template_cannot_give_do_not_match(template: str, url: str) -> None:
    """A value is read only if the template would render it in the same way."""
    assert match(template, url) == []


def test_the_path_of_a_phabricator_page_is_unescaped() -> None:
    """Doubled separators are single ones in the file's name."""
    assert match("https://git.example/{path|phab}", f"{HOST}/a;;b$$c") == [{"path": "a;b$c"}]


def test_the_base_url_includes_the_prefix() -> None:
    """Without a fixed prefix, up to three segments before the host's pages are tried."""
    found = match("{base_url}/r/{repo}", f"{HOST}/scm/git/r/app", MatchLimits(prefixes=None))
    assert found == [{"base_url": f"{HOST}/scm/git", "repo": "app"}]
    assert match("{base_url}/r/{repo}", f"{HOST}/scm/r/app") == []
    assert match("{base_url}/r/{repo}", f"{HOST}/scm/r/app", MatchLimits(prefixes=("/scm",))) != []


@pytest.mark.parametrize(("groups", "found"), [(1, 0), (2, 0), (3, 1), (20, 1)])
def test_owners_have_a_limited_number_of_segments(groups: int, found: int) -> None:
    """A host without nested groups has owners of one segment."""
    assert len(match("{base_url}/{owner}/{repo}", f"{HOST}/a/b/c/app", MatchLimits(groups))) == found


@given(st.fixed_dictionaries({"ref": names, "path": names, "repo": st.text("ab-é %", min_size=1, max_size=5)}))
def test_rendered_values_are_among_the_matches(values: dict[str, str]) -> None:
    """The matches of a rendered URL contain its values: in the path, in the query and as segments."""
    for text in (
        "https://git.example/{repo}/x/{ref}/-/{path}",
        "https://git.example/{repo}?f={path}&r={ref}",
        "https://git.example/{repo}/{ref|segment}/{path}",
        "https://git.example/{repo}/{ref|double}/{path}",
        "https://git.example/{repo}/{path|segment}#{ref}",
    ):
        url = Template.parse(text).render(dict(values))
        assert url is not None
        assert values in match(text, url)


@pytest.mark.parametrize(
    ("template", "url"),
    [
        ("https://git.example/{path}/{ref}/{branch}/{tag}/{dir}/{owner}", f"{HOST}" + "/a" * 400),
        ("https://git.example/{path}a{ref}a{branch}a{tag}b", f"{HOST}/" + "a" * 2_000),
        ("https://git.example/x?" + "&".join(f"p={{{name}}}" for name in ("path", "ref", "branch", "tag")),
         f"{HOST}/x?" + "&".join("p=a" for _ in range(300))),
    ],
)  # fmt: skip
def test_the_time_of_a_match_is_limited(template: str, url: str) -> None:
    """A hostile URL against an ambiguous template takes a bounded number of steps."""
    limits = MatchLimits()
    begun = time.process_time()
    list(match_template(Template.parse(template), parsed(url), limits))
    assert limits.steps < 20_000
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "template", ["https://git.example/{path}" + "[/{line}]" * 8, "https://git.example/" + "{path}/" * 41]
)
def test_templates_with_too_many_variants_match_nothing(template: str) -> None:
    """A template with more than 128 variants or 80 nodes is not read."""
    assert match(template, f"{HOST}/a") == []


@pytest.mark.parametrize("inner", ["[/{line}]", "[/{line}[-{end_line}]]"])
def test_variants_are_counted_before_they_are_made(inner: str) -> None:
    """Optional parts side by side inside another one are refused at once, however many they are."""
    for number in (30, 60):
        template = "https://git.example/{path}[x" + inner * number + "]"
        with pytest.raises(TemplateError, match="combinations"):
            Template.parse(template)
    nodes = Template.parse("https://git.example/{path}[x" + inner * 5 + "]").nodes
    assert count_shapes(nodes) == (2**5 if inner == "[/{line}]" else 3**5) + 1
