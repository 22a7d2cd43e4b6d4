"""A plugin that builds each URL itself. Some paths make it return text that cannot be encoded, or an unsafe URL."""

from collections.abc import Sequence

from plugins.archivist import scm_dispatch_repository, scm_offer_repositories  # noqa: F401 - hooks of this plugin too
from scmhost.sdk import (
    Feature,
    InstallationDraft,
    Location,
    NoUrl,
    Provider,
    ProviderForbidden,
    Repository,
    hookimpl,
)

SURROGATE = "\ud800"
FEATURES = frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK})


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="odd_text", name="Odd Text", features=FEATURES, requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="odd", external_id="1")


@hookimpl
def scm_source_url(repository: Repository, location: Location) -> str | NoUrl:
    if "bad_url" in location.path:
        return f"{repository.url}/{SURROGATE}"
    if "bad_message" in location.path:
        return NoUrl(message=f"no page {SURROGATE}")
    if "bad_error" in location.path:
        raise ProviderForbidden(f"not yours {SURROGATE}")
    if "script" in location.path:
        return "javascript:alert(1)"
    line = f"#L{location.line}" if location.line else ""
    return f"{repository.url}/{location.ref}/{location.path}{line}"
