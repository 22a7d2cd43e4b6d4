"""What a token may do. The names and the table are those of Sentry's API."""

from collections.abc import Mapping
from typing import Final, Literal

ALL_SCOPES: Final = (
    "org:read",
    "org:write",
    "org:admin",
    "org:integrations",
    "org:ci",
    "project:read",
    "project:write",
    "project:admin",
    "project:releases",
)

ScopeClass = Literal[
    "organization", "integrations", "loose", "releases", "path_parsing", "project", "links", "host", "audit"
]

_ORG_ANY: Final = frozenset({"org:read", "org:write", "org:admin"})
_ORG_WRITE: Final = frozenset({"org:write", "org:admin"})
_PROJECT_ANY: Final = frozenset({"project:read", "project:write", "project:admin"})
_RELEASE_WRITE: Final = frozenset({"project:write", "project:admin", "project:releases", "org:ci"})
_INTEGRATIONS: Final = frozenset({"org:integrations"})
_DELETE_INTEGRATIONS: Final = frozenset({"org:admin", "org:integrations"})
_PROJECT_WRITE: Final = frozenset({"project:write", "project:admin"})

SCOPES: Final[Mapping[ScopeClass, Mapping[str, frozenset[str]]]] = {
    "organization": {
        "GET": _ORG_ANY,
        "POST": _ORG_WRITE,
        "PUT": _ORG_WRITE,
        "DELETE": frozenset({"org:admin"}),
    },
    "integrations": {
        "GET": _ORG_ANY | _INTEGRATIONS,
        "POST": _ORG_WRITE | _INTEGRATIONS,
        "PUT": _ORG_WRITE | _INTEGRATIONS,
        "DELETE": _DELETE_INTEGRATIONS,
    },
    "loose": {
        "GET": _ORG_ANY | _INTEGRATIONS | {"org:ci"},
        "POST": _ORG_ANY | _INTEGRATIONS,
        "PUT": _ORG_ANY | _INTEGRATIONS,
        "DELETE": _DELETE_INTEGRATIONS,
    },
    "releases": {
        "GET": _PROJECT_ANY | {"project:releases", "org:ci"},
        "POST": _RELEASE_WRITE,
        "PUT": _RELEASE_WRITE,
        "DELETE": frozenset({"project:admin", "project:releases"}),
    },
    "audit": {"GET": frozenset({"org:admin"})},
    "path_parsing": {"POST": frozenset({"org:read", "project:write", "project:admin"})},
    # Reads whose question is too long for a URL: whoever may ask for one link may ask for those of a trace.
    "links": {"POST": _PROJECT_ANY},
    "project": {
        "GET": _PROJECT_ANY,
        "POST": _PROJECT_WRITE,
        "PUT": _PROJECT_WRITE,
        "DELETE": frozenset({"project:admin"}),
    },
    # Not Sentry's: what is of no organization. The operator says which organizations may see it at all.
    "host": {"GET": frozenset({"org:admin"})},
}
"""For each class of endpoint and method: the scopes of which one suffices."""
