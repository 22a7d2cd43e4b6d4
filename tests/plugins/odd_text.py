"""A plugin that builds each URL itself. Some paths make it return text that cannot be encoded, or an unsafe URL."""

from collections.abc import Sequence

from scmhost.sdk import (
    AddRequest,
    Claim,
    Feature,
    InstallationDraft,
    Location,
    NoUrl,
    Offer,
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
def scm_offer_repositories() -> Sequence[Offer]:
    return ()


@hookimpl
def scm_dispatch_repository(request: AddRequest) -> Claim:
    return Claim(external_id=request.identifier)


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
