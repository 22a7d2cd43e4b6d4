"""All that a plugin author imports: the contract, its values, and the helpers that make good links.

A name is imported from its module when it is first asked for, so that who wants little waits little.
"""

from typing import TYPE_CHECKING

from .lazy import lazy_names

if TYPE_CHECKING:
    from . import escaping
    from .errors import ProviderError, ProviderForbidden, ProviderUnavailable, TemplateError, UrlError
    from .markers import HOOK_PREFIX, PROJECT_NAME, PROMISES, HookPromise, hookimpl
    from .page_requests import PageRequest, page_url
    from .page_urls import read_own_url, read_url
    from .pages import Pages, RenderedView, UrlTemplates
    from .presets import Preset, preset, preset_kinds
    from .provider import FEATURE_HOOKS, Feature, FeatureText, NoFields, Provider, ProviderMetadata
    from .reasons import NEXT_STEP, Reason
    from .recognition import kind_of
    from .refs import full_ref, looks_like_commit, ref_problem
    from .remotes import Remote, read_remote
    from .repository_pages import RepositoryPages, read_any_url
    from .templates import Template
    from .urls import authority_of, check_web_url, join_url, safe_link, safe_url
    from .values import (
        AddRequest,
        Claim,
        Command,
        CommitDraft,
        Create,
        Decision,
        Existence,
        FileChange,
        Installation,
        InstallationDraft,
        JsonObject,
        Location,
        LocationCandidate,
        NoUrl,
        Offer,
        Organization,
        Push,
        RefKind,
        Refusal,
        Repository,
        RepositoryStatus,
        ResolvedRef,
        UrlCandidate,
        Value,
    )
    from .version import API_VERSION
    from .webhooks import check_signature, same_secret

__getattr__ = lazy_names(
    __name__,
    {
        "": ("escaping",),
        "errors": ("ProviderError", "ProviderForbidden", "ProviderUnavailable", "TemplateError", "UrlError"),
        "markers": ("HOOK_PREFIX", "PROJECT_NAME", "PROMISES", "HookPromise", "hookimpl"),
        "page_requests": ("PageRequest", "page_url"),
        "page_urls": ("read_own_url", "read_url"),
        "pages": ("Pages", "RenderedView", "UrlTemplates"),
        "presets": ("Preset", "preset", "preset_kinds"),
        "provider": ("FEATURE_HOOKS", "Feature", "FeatureText", "NoFields", "Provider", "ProviderMetadata"),
        "reasons": ("NEXT_STEP", "Reason"),
        "recognition": ("kind_of",),
        "refs": ("full_ref", "looks_like_commit", "ref_problem"),
        "remotes": ("Remote", "read_remote"),
        "repository_pages": ("RepositoryPages", "read_any_url"),
        "templates": ("Template",),
        "urls": ("authority_of", "check_web_url", "join_url", "safe_link", "safe_url"),
        "values": (
            "AddRequest",
            "Claim",
            "Command",
            "CommitDraft",
            "Create",
            "Decision",
            "Existence",
            "FileChange",
            "Installation",
            "InstallationDraft",
            "JsonObject",
            "Location",
            "LocationCandidate",
            "NoUrl",
            "Offer",
            "Organization",
            "Push",
            "RefKind",
            "Refusal",
            "Repository",
            "RepositoryStatus",
            "ResolvedRef",
            "UrlCandidate",
            "Value",
        ),
        "version": ("API_VERSION",),
        "webhooks": ("check_signature", "same_secret"),
    },
)

__all__ = [
    "API_VERSION",
    "FEATURE_HOOKS",
    "HOOK_PREFIX",
    "NEXT_STEP",
    "PROJECT_NAME",
    "PROMISES",
    "AddRequest",
    "Claim",
    "Command",
    "CommitDraft",
    "Create",
    "Decision",
    "Existence",
    "Feature",
    "FeatureText",
    "FileChange",
    "HookPromise",
    "Installation",
    "InstallationDraft",
    "JsonObject",
    "Location",
    "LocationCandidate",
    "NoFields",
    "NoUrl",
    "Offer",
    "Organization",
    "PageRequest",
    "Pages",
    "Preset",
    "Provider",
    "ProviderError",
    "ProviderForbidden",
    "ProviderMetadata",
    "ProviderUnavailable",
    "Push",
    "Reason",
    "RefKind",
    "Refusal",
    "Remote",
    "RenderedView",
    "Repository",
    "RepositoryPages",
    "RepositoryStatus",
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
    "read_any_url",
    "read_own_url",
    "read_remote",
    "read_url",
    "ref_problem",
    "safe_link",
    "safe_url",
    "same_secret",
]
