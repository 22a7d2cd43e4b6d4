"""Templates, the tabs that they show, security headers, and the files that pages load."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse, Response

from scmhost import __version__
from scmhost.sdk import looks_like_commit, safe_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .visit import Visit

_ROOM: Final = Path(__file__).parent
FILES: Final = {
    "scmhost.css": "text/css",
    "scmhost.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""The files that pages load from ``/-/``, with their types."""

SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    # Everything is a file of this service: nothing inline, nothing of another host.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Code hosts must not learn which organization a reader comes from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_A_YEAR: Final = 31_536_000
_SHA1_LENGTH: Final = 40
_TEN_MS: Final = 0.01


def html(visit: "Visit", template: str, status: int, **values: Any) -> Response:
    """Return a page as an answer."""
    return HTMLResponse(rendered(visit, template, **values), status, SECURITY_HEADERS)


def rendered(visit: "Visit", template: str, **values: Any) -> str:
    """Return a page as text."""
    given = {"visit": visit, "url": visit.url, "file": lambda name: file_url(visit, name), "version": __version__}
    return _environment().get_template(template).render(given | values)


def rendered_file(template: str, **values: Any) -> str:
    """Return a page for a file: it has its style inside, and no links to other pages of a service."""
    given = {"style": _content("scmhost.css").decode(), "version": __version__}
    return _environment().get_template(template).render(given | values)


def file_url(visit: "Visit", name: str) -> str:
    """Return the address of a file that pages load. It changes with the content, so that browsers may keep the file."""
    return visit.url(f"/-/{name}", v=_digest(name))


def file_answer(name: str) -> Response:
    """Return a file that pages load."""
    headers = {"Cache-Control": f"public, max-age={_A_YEAR}, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(_content(name), headers=headers, media_type=FILES[name])


@cache
def _content(name: str) -> bytes:
    return (_ROOM / "static" / name).read_bytes()


@cache
def _digest(name: str) -> str:
    return hashlib.sha256(_content(name)).hexdigest()[:12]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_ROOM / "templates"),
        autoescape=select_autoescape(default=True),
        # A misspelt name in a template is an error instead of a blank.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clip": _clip,
        "count": _count,
        "day": _day,
        "milliseconds": _milliseconds,
        "moment": _moment,
        "ref": _ref,
        "segment": segment,
    }
    environment.tests["web_url"] = _is_web_url
    environment.globals |= {
        "host_tabs": HOST_TABS,
        "organization_tabs": organization_tabs,
        "project_tabs": project_tabs,
    }
    return environment


def _is_web_url(text: str | None) -> bool:
    """Return whether a text that somebody sent may be the address of a link."""
    return bool(text) and safe_url(text or "")


def _day(when: datetime | None) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d") if when else "never"


def _moment(when: datetime | None) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if when else "never"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= _TEN_MS else f"{seconds * 1000:.1f} ms"


def _count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``3 | count("frame")``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _clip(text: str, most: int = 160) -> str:
    """Return a text without its middle, if it is too long for a page."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}...{text[-half:]}"


def segment(text: str) -> str:
    """Return a text as a segment of a path."""
    return quote(text, safe="")


def _ref(text: str) -> str:
    """Return a branch, a tag, or the beginning of a commit."""
    return text[:12] if looks_like_commit(text) and len(text) >= _SHA1_LENGTH else _clip(text, 60)


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of an organization or of a project.

    Attributes:
        key: names the page in templates, which mark its tab.
        title: the text of the tab.
        path: what follows the path of the organization or the project.
        for_admins: whether only administrators see it.
    """

    key: str
    title: str
    path: str
    for_admins: bool = False


ORGANIZATION_TABS: Final = (
    Tab("projects", "Projects", ""),
    Tab("repositories", "Repositories", "/repositories"),
    Tab("installations", "Code hosts", "/installations"),
    Tab("releases", "Releases", "/releases"),
    Tab("missing", "Frames without a link", "/missing"),
    Tab("limits", "Limits", "/limits"),
    Tab("people", "People", "/people", for_admins=True),
    Tab("tokens", "Tokens", "/tokens", for_admins=True),
    Tab("settings", "Settings", "/settings", for_admins=True),
)
HOST_TABS: Final = (
    Tab("plugins", "Plugins", ""),
    Tab("flags", "Flags", "/flags"),
    Tab("doctor", "Doctor", "/doctor"),
    Tab("audit", "Audit log", "/audit"),
    Tab("people", "People", "/people"),
    Tab("jobs", "Jobs", "/jobs"),
)
"""The tabs of the host, for its administrators."""

PROJECT_TABS: Final = (
    Tab("trace", "Links of a trace", ""),
    Tab("mappings", "Code mappings", "/mappings"),
    Tab("settings", "Settings", "/settings", for_admins=True),
)


def organization_tabs(visit: "Visit") -> "Sequence[Tab]":
    """Return the tabs of an organization that the person sees."""
    return _visible(visit, ORGANIZATION_TABS)


def project_tabs(visit: "Visit") -> "Sequence[Tab]":
    """Return the tabs of a project that the person sees."""
    return _visible(visit, PROJECT_TABS)


def _visible(visit: "Visit", tabs: "Sequence[Tab]") -> "Sequence[Tab]":
    return [tab for tab in tabs if visit.is_admin or not tab.for_admins]
