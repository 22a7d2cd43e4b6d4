"""Which URLs scmhost accepts from users, and which it shows in browsers."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from scmhost.sdk.errors import UrlError

# Many servers refuse a request line of more than 8 KiB.
MAX_URL: Final = 8_000
"""The most characters that a URL may have."""

# Characters that are invisible, or that reorder the displayed text (bidirectional controls).
_INVISIBLE: Final = r"\x00-\x20\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
# A lone surrogate cannot be encoded as UTF-8: one in a link would break the whole answer that contains it.
_UNSAFE: Final = re.compile(rf"[{_INVISIBLE}\ud800-\udfff\\<>\"`{{|}}^]")
# Browsers resolve such segments, so that the URL leads to another page than the template's.
_DOT_SEGMENT: Final = re.compile(r"[^?#]*?/\.\.?(?:[/?#]|$)")
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.ASCII)


def check_web_url(url: str) -> str:
    """Return a configured URL without its trailing slashes.

    Raises:
        UrlError: the URL is not http or https, has no host, has a user part, a fragment, a space, a backslash,
            a control character or a lone surrogate, or is longer than 8,000 characters.
    """
    _split(url)
    # Templates append to the URL, and after a fragment everything is part of the fragment.
    if "#" in url:
        raise UrlError("the URL has a fragment; leave out the # and what follows")
    return url.rstrip("/")


def join_url(base: str, name: str) -> str:
    """Join a base URL and a name with exactly one slash.

    Raises:
        UrlError: see ``check_web_url``.
    """
    return f"{check_web_url(base)}/{name.strip('/')}"


def authority_of(url: str) -> str:
    """Return the ``scheme://host[:port]`` of a URL, in lower case.

    Raises:
        UrlError: see ``check_web_url``.
    """
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def safe_url(url: str) -> bool:
    """Return whether a finished URL is safe in a browser: absolute, http or https, no user part, nothing hidden."""
    try:
        _split(url)
    except UrlError:
        return False
    return True


def safe_link(url: str, authority: str) -> bool:
    """Return whether a rendered URL is safe to show.

    A safe URL has the given authority (``scheme://host[:port]``, lower case), no control character, no lone
    surrogate, no ``.`` or ``..`` segment, and at most 8,000 characters.
    """
    head = url[: len(authority)].lower()
    # Without a boundary, https://git.example would also accept https://git.example.evil.example.
    boundary = url[len(authority) : len(authority) + 1]
    if head != authority or boundary not in ("", "/", "?", "#") or len(url) > MAX_URL:
        return False
    return not _UNSAFE.search(url) and not _DOT_SEGMENT.match(url)


def _split(url: str) -> SplitResult:
    """Split a URL, or raise ``UrlError`` if it breaks a rule.

    Unsafe characters are checked first, because urlsplit removes tabs and line ends silently.
    """
    if len(url) > MAX_URL:
        raise UrlError(f"the URL is longer than {MAX_URL} characters")
    if _UNSAFE.search(url):
        raise UrlError(
            "the URL has a space, a backslash, a quote, a brace or a control character, or one that is not seen; "
            "escape it as %XX"
        )
    try:
        parts = urlsplit(url)
        # Reading the port raises ValueError if it is out of range.
        port_is_fine = parts.port != 0
    except ValueError:
        raise UrlError("the URL's host or port cannot be read") from None
    if parts.scheme not in ("http", "https"):
        raise UrlError(f"the URL begins with {parts.scheme or 'no scheme'!r}; only http and https are allowed")
    # Such a link would spread a password, and user@host is a common disguise of a host.
    if "@" in parts.netloc:
        raise UrlError("the URL carries a user name or password; leave that part out")
    host = parts.netloc if parts.port is None else parts.netloc.rpartition(":")[0]
    # A name outside of ASCII can look like another one; its punycode cannot.
    if not port_is_fine or not host.isascii() or not _HOST.fullmatch(host.lower()):
        raise UrlError("the URL names no host in ASCII letters; write it as https://host/path")
    return parts
