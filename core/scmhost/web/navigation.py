"""The tabs of an organization and of a project, in the order in which they are shown."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .visit import Visit


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
    Tab("people", "People", "/people", for_admins=True),
    Tab("tokens", "Tokens", "/tokens", for_admins=True),
    Tab("settings", "Settings", "/settings", for_admins=True),
)
HOST_TABS: Final = (
    Tab("plugins", "Plugins", ""),
    Tab("flags", "Flags", "/flags"),
    Tab("doctor", "Doctor", "/doctor"),
    Tab("audit", "Audit log", "/audit"),
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
    return [tab for tab in ORGANIZATION_TABS if visit.is_admin or not tab.for_admins]


def project_tabs(visit: "Visit") -> "Sequence[Tab]":
    """Return the tabs of a project that the person sees."""
    return [tab for tab in PROJECT_TABS if visit.is_admin or not tab.for_admins]
