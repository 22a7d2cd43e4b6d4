"""All that a plugin author imports: the contract, its values, and the helpers that make good links."""

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
    UrlCandidate,
    Value,
)
from .version import API_VERSION
from .webhooks import check_signature, same_secret

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
