"""Escaping of values by their place in a URL."""

from collections.abc import Callable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.sdk import escaping
from scmhost.sdk.urls.escaping import FILTERS

texts = st.text(st.characters(codec="utf-8"), max_size=30)
ESCAPING = [FILTERS[name] for name in ("path", "segment", "query", "query_slash", "fragment", "double", "phab")]
each_escaping = pytest.mark.parametrize("escape", ESCAPING, ids=lambda function: function.__name__)


@each_escaping
@given(value=texts)
def test_escaped_text_is_printable_ascii(escape: Callable[[str], str], value: str) -> None:
    """No blank, quote, bracket of HTML, backslash or letter outside of ASCII is left."""
    escaped = escape(value)
    assert escaped.isascii()
    assert not set(escaped) & set(" \"'<>\\^`{|}#?[]\t\r\n\x00\x7f")


@given(value=texts)
def test_a_percent_sign_is_always_escaped(value: str) -> None:
    """A value that looks escaped keeps its spelling: only text without an escape is unchanged by a second escaping."""
    for escape in (escaping.path, escaping.segment, escaping.query, escaping.query_slash):
        assert ("%" in escape(value)) is (escape(escape(value)) != escape(value))


@given(texts)
def test_single_escaping_is_reversible(value: str) -> None:
    """A host that decodes once gets the value."""
    for escape in (escaping.path, escaping.segment, escaping.query, escaping.query_slash):
        assert unquote(escape(value)) == value


@given(texts)
def test_double_escaping_needs_two_decodings(value: str) -> None:
    """A host that decodes twice gets the value."""
    assert unquote(unquote(escaping.double(value))) == value


@given(texts)
def test_a_path_stays_in_the_path(value: str) -> None:
    """No value begins a query or a fragment, or changes the host."""
    url = urlsplit(f"https://git.example/x/{escaping.path(value)}/y?q=1#f")
    assert (url.netloc, url.query, url.fragment) == ("git.example", "q=1", "f")
    assert unquote(url.path) == f"/x/{value}/y"


@given(texts)
def test_a_segment_stays_in_its_segment(value: str) -> None:
    """A slash in a value adds no segment."""
    assert urlsplit(f"https://git.example/{escaping.segment(value)}/b").path.count("/") == 2


@given(texts, texts)
def test_query_values_stay_in_their_parameters(one: str, other: str) -> None:
    """No value adds a parameter or changes its neighbour."""
    for escape in (escaping.query, escaping.query_slash):
        url = urlsplit(f"https://git.example/?a={escape(one)}&b={escape(other)}")
        assert parse_qsl(url.query, keep_blank_values=True) == [("a", one), ("b", other)]


@pytest.mark.parametrize(
    ("name", "value", "escaped"),
    [
        ("path", "a b/c#d?e%20", "a%20b/c%23d%3Fe%2520"),
        ("path", "!$&()*+,;=:@~", "!$&()*+,;=:@~"),
        ("path", "it's", "it%27s"),
        ("segment", "feature/a", "feature%2Fa"),
        ("query", "a/b&c=d+e", "a%2Fb%26c%3Dd%2Be"),
        ("query_slash", "a/b&c", "a/b%26c"),
        ("fragment", "L1/é", "L1/%C3%A9"),
        ("double", "a/b c", "a%252Fb%2520c"),
        ("phab", "a;b$1/c", "a;;b$$1/c"),
        ("lower", "Ä/B", "ä/b"),
        ("upper", "main", "MAIN"),
    ],
)
def test_each_filter_has_its_rule(name: str, value: str, escaped: str) -> None:
    """A filter escapes what would end its place, and nothing that is readable there."""
    assert FILTERS[name](value) == escaped


def test_filters_cannot_be_added() -> None:
    """A plugin cannot change the escaping of other plugins' templates."""
    with pytest.raises(TypeError):
        FILTERS["raw"] = str  # type: ignore[index]


@given(texts)
def test_an_apostrophe_is_always_escaped(value: str) -> None:
    """A link is safe in an attribute with single quotes."""
    assert all("'" not in escape(f"{value}'") for escape in ESCAPING)
    assert quote("'") in escaping.path(f"{value}'")
