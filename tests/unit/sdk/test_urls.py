"""URLs that people configure, and links that are handed out."""

from typing import Any

import pytest
from hypothesis import given

from loading import case_id, load_cases
from scmhost.sdk import UrlError, authority_of, check_web_url, join_url, safe_link, safe_url
from scmhost.sdk.urls import MAX_URL
from strategies import hostile_text

REFUSED = load_cases("urls")


@pytest.mark.parametrize("case", REFUSED, ids=case_id)
def test_refuses(case: dict[str, Any]) -> None:
    """A URL that hides something or leads elsewhere is refused with the rule that it breaks."""
    with pytest.raises(UrlError, match=case["says"]):
        check_web_url(case["url"])


@pytest.mark.parametrize("case", [case for case in REFUSED if "#" not in case["url"]], ids=case_id)
def test_refused_urls_are_not_handed_out(case: dict[str, Any]) -> None:
    """What nobody may configure, no provider may hand out; only a fragment is fine in a finished URL."""
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
def test_takes(url: str, authority: str) -> None:
    """Web URLs are taken as they are, less slashes at the end."""
    assert url.rstrip("/") == check_web_url(url)
    assert authority == authority_of(url)


def test_passwords_are_not_repeated() -> None:
    """An error about a URL can be logged."""
    with pytest.raises(UrlError) as caught:
        check_web_url("https://ada:secret@git.example/x")
    assert "secret" not in str(caught.value)
    assert "ada" not in str(caught.value)


def test_long_urls_are_refused() -> None:
    """No URL is longer than browsers and proxies take."""
    assert not safe_url("https://git.example/" + "x" * MAX_URL)


@pytest.mark.parametrize("name", ["app", "/app", "app/", "/app/"])
def test_joins_with_one_slash(name: str) -> None:
    """A base URL and a name meet at one slash, however they are written."""
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
    """A link leads to the configured host, to the page that the template meant."""
    assert safe is safe_link(url, "https://git.example")


@given(hostile_text)
def test_checked_urls_are_safe(text: str) -> None:
    """A URL that may be configured may be handed out."""
    try:
        url = check_web_url(f"https://git.example/{text}")
    except UrlError:
        return
    assert safe_url(url)
