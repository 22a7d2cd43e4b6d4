"""The public names of the SDK: the contract, its values, and helpers for links. Plugins import from here only.

A name is imported from its module on first use. Measured in CPU time: the modules that most runs of ``scmhost link``
need load in 14 ms, the whole SDK with pydantic in 190 ms, which is longer than the whole command.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

# Type checkers and editors do not run ``__getattr__``.
if TYPE_CHECKING:
    from .commits import CommitDraft, FileChange, Push
    from .errors import (
        ApiError,
        ApiNotFound,
        ApiTooLarge,
        FileTooLarge,
        ProviderError,
        ProviderForbidden,
        ProviderUnauthorized,
        ProviderUnavailable,
        RateLimited,
        TemplateError,
        UrlError,
    )
    from .execution import read_answer, remaining_seconds
    from .files import BlamedLine
    from .hook_specs import (
        API_VERSION,
        HOOK_PREFIX,
        MAX_FILE_BYTES,
        PROJECT_NAME,
        HookPromise,
        HookSpec,
        hookimpl,
    )
    from .hooks import HOOK_SPECS, PROMISES
    from .http import ApiClient
    from .http_answers import ApiAnswer, BodyPages
    from .installing import RedirectTo
    from .provider import FEATURE_HOOKS, Feature, FeatureText, NoFields, Provider, ProviderMetadata
    from .reasons import NEXT_STEP, Reason
    from .secrets import RefreshedCredentials
    from .urls import escaping
    from .urls.page_reading import UrlCandidate
    from .urls.page_requests import PageRequest, page_url
    from .urls.page_templates import RenderedView
    from .urls.pages import Pages, RepositoryPages, UrlTemplates, read_any_url, read_own_url
    from .urls.presets import Preset, kind_of, preset, preset_kinds, read_url
    from .urls.ref_links import full_ref, looks_like_commit, ref_problem
    from .urls.remotes import Remote, read_remote
    from .urls.safety import authority_of, check_web_url, join_url, safe_link, safe_url
    from .urls.templates import Template
    from .values import (
        AddRequest,
        Claim,
        Command,
        Create,
        Decision,
        Existence,
        Installation,
        InstallationDraft,
        JsonObject,
        Location,
        LocationCandidate,
        NoUrl,
        Offer,
        OfferPage,
        Organization,
        PagePosition,
        RefKind,
        Refusal,
        Repository,
        RepositoryStatus,
        RepositoryUpdate,
        ResolvedRef,
        Value,
    )
    from .webhooks import DeliveryRoute, RegisteredWebhook, check_signature, same_secret

_NAMES_BY_MODULE: Final = {
    "commits": ("CommitDraft", "FileChange", "Push"),
    "errors": (
        "ApiError",
        "ApiNotFound",
        "ApiTooLarge",
        "FileTooLarge",
        "ProviderError",
        "ProviderForbidden",
        "ProviderUnauthorized",
        "ProviderUnavailable",
        "RateLimited",
        "TemplateError",
        "UrlError",
    ),
    "execution": ("read_answer", "remaining_seconds"),
    "files": ("BlamedLine",),
    # Importing ``hooks`` fills the table of specifications.
    "hooks": ("HOOK_SPECS", "PROMISES"),
    "hook_specs": (
        "API_VERSION",
        "HOOK_PREFIX",
        "MAX_FILE_BYTES",
        "PROJECT_NAME",
        "HookPromise",
        "HookSpec",
        "hookimpl",
    ),
    "http": ("ApiClient",),
    "http_answers": ("ApiAnswer", "BodyPages"),
    "installing": ("RedirectTo",),
    "provider": ("FEATURE_HOOKS", "Feature", "FeatureText", "NoFields", "Provider", "ProviderMetadata"),
    "reasons": ("NEXT_STEP", "Reason"),
    "secrets": ("RefreshedCredentials",),
    "urls.page_reading": ("UrlCandidate",),
    "urls.page_requests": ("PageRequest", "page_url"),
    "urls.page_templates": ("RenderedView",),
    "urls.pages": ("Pages", "RepositoryPages", "UrlTemplates", "read_any_url", "read_own_url"),
    "urls.presets": ("Preset", "kind_of", "preset", "preset_kinds", "read_url"),
    "urls.ref_links": ("full_ref", "looks_like_commit", "ref_problem"),
    "urls.remotes": ("Remote", "read_remote"),
    "urls.safety": ("authority_of", "check_web_url", "join_url", "safe_link", "safe_url"),
    # A module cannot be found as a name of its package before it is imported; ``templates`` imports this one.
    "urls.templates": ("Template", "escaping"),
    "values": (
        "AddRequest",
        "Claim",
        "Command",
        "Create",
        "Decision",
        "Existence",
        "Installation",
        "InstallationDraft",
        "JsonObject",
        "Location",
        "LocationCandidate",
        "NoUrl",
        "Offer",
        "OfferPage",
        "Organization",
        "PagePosition",
        "RefKind",
        "Refusal",
        "Repository",
        "RepositoryStatus",
        "RepositoryUpdate",
        "ResolvedRef",
        "Value",
    ),
    "webhooks": ("DeliveryRoute", "RegisteredWebhook", "check_signature", "same_secret"),
}
_MODULE_OF: Final = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    # Next time Python finds the name without this function.
    globals()[name] = value
    return value


# Written out, because type checkers do not evaluate an expression over the table above.
__all__ = [
    "API_VERSION",
    "FEATURE_HOOKS",
    "HOOK_PREFIX",
    "HOOK_SPECS",
    "MAX_FILE_BYTES",
    "NEXT_STEP",
    "PROJECT_NAME",
    "PROMISES",
    "AddRequest",
    "ApiAnswer",
    "ApiClient",
    "ApiError",
    "ApiNotFound",
    "ApiTooLarge",
    "BlamedLine",
    "BodyPages",
    "Claim",
    "Command",
    "CommitDraft",
    "Create",
    "Decision",
    "DeliveryRoute",
    "Existence",
    "Feature",
    "FeatureText",
    "FileChange",
    "FileTooLarge",
    "HookPromise",
    "HookSpec",
    "Installation",
    "InstallationDraft",
    "JsonObject",
    "Location",
    "LocationCandidate",
    "NoFields",
    "NoUrl",
    "Offer",
    "OfferPage",
    "Organization",
    "PagePosition",
    "PageRequest",
    "Pages",
    "Preset",
    "Provider",
    "ProviderError",
    "ProviderForbidden",
    "ProviderMetadata",
    "ProviderUnauthorized",
    "ProviderUnavailable",
    "Push",
    "RateLimited",
    "Reason",
    "RedirectTo",
    "RefKind",
    "RefreshedCredentials",
    "Refusal",
    "RegisteredWebhook",
    "Remote",
    "RenderedView",
    "Repository",
    "RepositoryPages",
    "RepositoryStatus",
    "RepositoryUpdate",
    "ResolvedRef",
    "Template",
    "TemplateError",
    "UrlCandidate",
    "UrlError",
    "UrlTemplates",
    "Value",
    "authority_of",
    "check_signature",
    "check_web_url",
    "escaping",
    "full_ref",
    "hookimpl",
    "join_url",
    "kind_of",
    "looks_like_commit",
    "page_url",
    "preset",
    "preset_kinds",
    "read_answer",
    "read_any_url",
    "read_own_url",
    "read_remote",
    "read_url",
    "ref_problem",
    "remaining_seconds",
    "safe_link",
    "safe_url",
    "same_secret",
]
