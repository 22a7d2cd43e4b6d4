"""Rules for configured URLs and finished links."""

from typing import Any

import pytest
from hypothesis import given

from loading import case_id, load_cases
from scmhost.sdk import UrlError, authority_of, check_web_url, join_url, safe_link, safe_url
from scmhost.sdk.urls.safety import MAX_URL
from strategies import hostile_text

REFUSED = load_cases("urls")


@pytest.mark.parametrize("case", REFUSED, ids=case_id)
def test_refuses(case: dict[str, Any]) -> None:
    """An unsafe URL is refused; the message names the rule."""
    with pytest.raises(UrlError, match=case["contains"]):
        check_web_url(case["url"])


@pytest.mark.parametrize("case", [case for case in REFUSED if "#" not in case["url"]], ids=case_id)
def test_refused_urls_are_not_safe(case: dict[str, Any]) -> None:
    """Finished URLs have the same rules, but may have a fragment."""
    assert not safe_url(case["url"])


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://git.example/team/app/", "https://git.example"),
        ("HTTP://Git.Example:8080/x?y=1", "http://git.example:8080"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_accepts(url: str, authority: str) -> None:
    """Valid URLs are unchanged except for slashes at the end."""
    assert url.rstrip("/") == check_web_url(url)
    assert authority == authority_of(url)


def test_passwords_are_not_repeated() -> None:
    """The message contains neither user name nor password, so that it may be logged."""
    with pytest.raises(UrlError) as caught:
        check_web_url("https://ada:secret@git.example/x")
    assert "secret" not in str(caught.value)
    assert "ada" not in str(caught.value)


def test_long_urls_are_refused() -> None:
    """A URL has at most 8,000 characters."""
    assert not safe_url("https://git.example/" + "x" * MAX_URL)


@pytest.mark.parametrize("name", ["app", "/app", "app/", "/app/"])
def test_joins_with_one_slash(name: str) -> None:
    """Slashes around the name are removed."""
    assert join_url("https://git.example/team/", name) == "https://git.example/team/app"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://git.example", True),
        ("https://GIT.example/x#L1", True),
        ("https://git.example?x=/../y", True),
        ("https://git.example/x#/../y", True),
        ("https://git.example/a/../b", False),
        ("https://git.example/a/..", False),
        ("https://git.example/./a", False),
        ("https://git.example/a/...", True),
        ("https://git.example.evil.example/x", False),
        ("https://git.example@evil.example/x", False),
        ("https://git.example:8443/x", False),
        ("http://git.example/x", False),
        ("https://git.example/a b", False),
    ],
)
def test_links_stay_on_their_host(url: str, safe: bool) -> None:
    """A safe link is on the configured host, and has no dot segments."""
    assert safe is safe_link(url, "https://git.example")


@given(hostile_text)
def test_checked_urls_are_safe(text: str) -> None:
    """A valid configured URL is a safe finished URL."""
    try:
        url = check_web_url(f"https://git.example/{text}")
    except UrlError:
        return
    assert safe_url(url)


@pytest.mark.parametrize("code", [0xD800, 0xDC80, 0xDFFF])
def test_half_a_character_is_refused(code: int) -> None:
    """A lone surrogate cannot be sent, so that one link would break the whole answer."""
    url = f"https://git.example/a{chr(code)}b"
    assert not safe_url(url)
    assert not safe_link(url, "https://git.example")
    with pytest.raises(UrlError, match="not seen"):
        check_web_url(url)


@given(hostile_text)
def test_safe_urls_can_be_sent(text: str) -> None:
    """A safe URL is text that UTF-8 can hold, without blanks and quotes."""
    url = f"https://git.example/{text}"
    if safe_url(url):
        assert url.encode()
        assert not set(url) & set(' "<>\\`{}|^\r\n\t')
