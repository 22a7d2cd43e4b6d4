"""What the calls of a provider need of an installation: its credentials, and a configuration that its model accepts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Final, Protocol, get_args

from pydantic import BaseModel, JsonValue, SecretStr, ValidationError

from scmhost.sdk import Installation, InstallationDraft, ProviderUnauthorized, ProviderUnavailable, RefreshedCredentials
from scmhost.sdk.secrets import MASK, secret_fields

from .config.redaction import credential_texts

# A secret that is shorter may occur in other values by chance.
_SHORTEST: Final = 6


class NeedsAttention(ProviderUnavailable):
    """The installation cannot be used until a person acts. The text has the reason and the next step."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets of an installation.

    Attributes:
        secrets: the secrets by name.
        version: changes with the secrets; 0 if the installation has none.
        doubted: whether the code host has refused them a while ago.
    """

    secrets: Mapping[str, SecretStr] = field(default_factory=dict)
    version: int = 0
    doubted: bool = False

    @property
    def texts(self) -> frozenset[str]:
        """The texts that must not appear in errors."""
        return credential_texts(self.secrets.values())

    def given_to(self, installation: Installation) -> Installation:
        """Return the installation as I/O hooks get it."""
        return installation.model_copy(update={"secrets": self.secrets}) if self.secrets else installation


Refresh = Callable[[Installation, Credentials], RefreshedCredentials | None]
"""Calls ``scm_refresh_credentials`` for an installation with these credentials."""


class CredentialStore(Protocol):
    """Where the credentials of installations are stored. ``patience`` is in seconds.

    Every method may raise ``NeedsAttention``, or ``ProviderUnavailable`` if another worker renews for too long.
    """

    def get(self, installation: Installation, refresh: Refresh | None, patience: float) -> Credentials:
        """Return the credentials of an installation, renewed if they are about to expire."""

    def stored(self, installation: Installation) -> Credentials:
        """Return the credentials of an installation as they are stored."""

    def renew(
        self,
        installation: Installation,
        refused: Credentials,
        refresh: Refresh | None,
        patience: float,
        error: ProviderUnauthorized,
    ) -> Credentials:
        """Return other credentials than those that the code host has refused."""

    def reject(self, installation: Installation, refused: Credentials, error: ProviderUnauthorized) -> NeedsAttention:
        """Record that the code host refuses renewed credentials, too; return the error for the caller."""

    def confirm(self, installation: Installation, held: Credentials) -> None:
        """Record that the code host accepts credentials that it had refused before."""


class NoCredentials:
    """The credential store of a host whose installations have no secrets."""

    def get(self, _installation: Installation, _refresh: Refresh | None, _patience: float) -> Credentials:
        """Return no credentials."""
        return Credentials()

    def stored(self, _installation: Installation) -> Credentials:
        """Return no credentials."""
        return Credentials()

    def renew(
        self,
        _installation: Installation,
        _refused: Credentials,
        _refresh: Refresh | None,
        _patience: float,
        error: ProviderUnauthorized,
    ) -> Credentials:
        """Raise the error: there is nothing to renew."""
        raise error

    def reject(self, _installation: Installation, _refused: Credentials, error: ProviderUnauthorized) -> NeedsAttention:
        """Return the error."""
        return NeedsAttention(str(error))

    def confirm(self, _installation: Installation, _held: Credentials) -> None:
        """Do nothing: there are no credentials."""


NO_CREDENTIALS: Final = NoCredentials()
"""The credential store of a plugin host without a database."""


def model_input(
    model: type[BaseModel], configuration: Mapping[str, JsonValue], secrets: Mapping[str, SecretStr]
) -> dict[str, Any]:
    """Return a stored configuration as its model reads it: with its secrets, and by the names of a form.

    A field that was null is not stored.
    """
    own = secret_fields(model)
    values: dict[str, Any] = {**configuration, **{name: secret for name, secret in secrets.items() if name in own}}
    for name, info in model.model_fields.items():
        if name not in values and info.is_required() and NoneType in get_args(info.annotation):
            values[name] = None
    return {field_key(model, name): value for name, value in values.items()}


def field_key(model: type[BaseModel], name: str) -> str:
    """Return the key of a field in the input of its model."""
    info = model.model_fields.get(name)
    alias = info.validation_alias or info.alias if info else None
    return alias if isinstance(alias, str) else name


def separated(model: type[BaseModel] | None, draft: InstallationDraft) -> InstallationDraft:
    """Return a draft in which the secret fields of a configuration are secrets."""
    own = secret_fields(model) & draft.configuration.keys() if model else frozenset()
    moved = {name: SecretStr(value) for name in own if isinstance(value := draft.configuration[name], str)}
    if not own:
        return draft
    kept = {name: value for name, value in draft.configuration.items() if name not in own}
    update = {"configuration": kept, "secrets": {**moved, **draft.secrets}}
    return InstallationDraft.model_validate(draft.model_copy(update=update))


def mask_problem(draft: InstallationDraft) -> str | None:
    """Return where a draft has the mask of a secret in place of its value, as JSON of a model has it."""
    for place, text in _draft_texts(draft):
        if text == MASK:
            return f"{place} is the mask of a SecretStr, not its value; return the SecretStr in secrets instead"
    return None


def leak_problem(draft: InstallationDraft) -> str | None:
    """Return where a draft shows one of its secrets."""
    for place, text in _draft_texts(draft):
        for name, secret in draft.secrets.items():
            value = secret.get_secret_value()
            if len(value) >= _SHORTEST and value in text:
                return f"{place} contains the secret {name!r}; return it in secrets only"
    return None


def first_problem(error: ValidationError) -> str:
    """Return the first error of a model in one clause, without values."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]


def _draft_texts(draft: InstallationDraft) -> Iterator[tuple[str, str]]:
    yield from (("name", draft.name), ("external_id", draft.external_id))
    yield from _texts(draft.metadata, "metadata")
    yield from _texts(draft.configuration, "configuration")


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    """Yield every text in JSON with its place. A key comes before its value, whose place contains it."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield f"{place} has a key that", name
            yield from _texts(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, place)
