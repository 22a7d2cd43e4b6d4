"""The credentials that calls of I/O hooks need, and where a provider's calls get them from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from pydantic import SecretStr

from scmhost.sdk import Installation, ProviderUnauthorized, ProviderUnavailable, RefreshedCredentials

from .config.redaction import credential_texts


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

    def configuration_version(self, installation: Installation) -> str:
        """Return the version of the plugin that stored an installation's configuration; empty if it is not known."""

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

    def configuration_version(self, _installation: Installation) -> str:
        """Return that it is not known."""
        return ""

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
