"""The credentials that hooks get, which one worker at a time renews.

Workers share the database only. The right to renew is a lease there, as for jobs; the others wait for the new secrets.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from cachetools import FIFOCache
from pydantic import SecretStr, ValidationError

from scmhost.infra.clock import Clock
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import Unavailable
from scmhost.infra.secret_box import KeyLost, SecretBox
from scmhost.plugins import NeedsAttention, PluginFault
from scmhost.plugins.credentials import Credentials, Refresh
from scmhost.sdk import (
    Installation,
    ProviderError,
    ProviderUnauthorized,
    ProviderUnavailable,
    RefreshedCredentials,
)

from . import queries
from .queries import SealedSecrets
from .sealing import LOST, seal, unseal

EARLY: Final = timedelta(minutes=1)
"""How long before they expire credentials are renewed: longer than a call that uses them."""

LEASE: Final = timedelta(seconds=30)
"""How long a worker may renew; after that another one does. Longer than the budget of the hook."""

PAUSE: Final = timedelta(minutes=5)
"""How long refused credentials are not used. Then one call tries them again."""

FRESH: Final = timedelta(seconds=5)
"""How long a process uses what it has read: a request may call hooks for hundreds of files."""

_ENTER_ANEW: Final = "enter new ones in its configuration, or install it again"
_TRANSIENT: Final = frozenset({"timed_out", "busy", "suspended"})
_MOST_CACHED: Final = 1_000
_WAIT_SECONDS: Final = 0.1
_SAVE_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class _CachedSecrets:
    sealed: SealedSecrets | None
    read_at: datetime


class InstallationCredentials:
    """The credential store of a process. Safe to use from many threads.

    Args:
        store: the database.
        clock: the time by which secrets expire.
        box: encrypts and decrypts.
        pause: waits for some seconds.
    """

    def __init__(self, store: Store, clock: Clock, box: SecretBox, pause: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._clock = clock
        self._box = box
        self._pause = pause
        self._cached: FIFOCache[int, _CachedSecrets] = FIFOCache(_MOST_CACHED)
        self._lock = Lock()

    def get(self, installation: Installation, refresh: Refresh | None, patience: float) -> Credentials:
        """Return the credentials of an installation, renewed if they are about to expire.

        Raises:
            NeedsAttention: they cannot be decrypted, or the code host has refused them.
            ProviderUnavailable, PluginFault: they have expired, and cannot be renewed now.
        """
        sealed = self._recent(installation)
        if sealed is None:
            return Credentials()
        now = self._clock.now()
        if sealed.problem and sealed.problem_at and sealed.problem_at <= now < sealed.problem_at + PAUSE:
            raise _attention(installation, sealed.problem)
        held = self._opened(installation, sealed)
        if refresh is None or sealed.expires_at is None or now < sealed.expires_at - EARLY:
            return held
        try:
            return self._renewed(installation, sealed, refresh, patience, "they have expired")
        except NeedsAttention:
            raise
        except (ProviderUnavailable, PluginFault):
            # They are renewed early, and still work for a while.
            if now < sealed.expires_at:
                return held
            raise

    def stored(self, installation: Installation) -> Credentials:
        """Return the credentials of an installation as they are stored.

        Raises:
            NeedsAttention: they cannot be decrypted.
        """
        sealed = self._recent(installation)
        return self._opened(installation, sealed) if sealed else Credentials()

    def configuration_version(self, installation: Installation) -> str:
        """Return the version of the plugin that stored an installation's configuration; empty if it is not known."""
        with self._store.read() as tx:
            return queries.configuration_version(tx, installation.organization_id, installation.id)

    def renew(
        self,
        installation: Installation,
        refused: Credentials,
        refresh: Refresh | None,
        patience: float,
        error: ProviderUnauthorized,
    ) -> Credentials:
        """Return other credentials than those that the code host has refused.

        Raises:
            NeedsAttention: there are none.
            ProviderUnavailable, PluginFault: they cannot be renewed now.
        """
        sealed = self._read(installation)
        if sealed is None:
            raise error
        # Another worker may have renewed them since the call began.
        if sealed.version != refused.version:
            return self._opened(installation, sealed)
        if refresh is None:
            raise self._refused(installation, sealed, str(error))
        return self._renewed(installation, sealed, refresh, patience, str(error))

    def reject(self, installation: Installation, refused: Credentials, error: ProviderUnauthorized) -> NeedsAttention:
        """Record that the code host refuses renewed credentials, too; return the error for the caller."""
        sealed = self._read(installation)
        if sealed is None or sealed.version != refused.version:
            return NeedsAttention(str(error))
        return self._refused(installation, sealed, str(error))

    def confirm(self, installation: Installation, held: Credentials) -> None:
        """Record that the code host accepts credentials that it had refused before."""
        sealed = self._read(installation)
        if sealed is not None and sealed.version == held.version and sealed.problem:
            with self._store.write() as tx:
                queries.accept_secrets(tx, sealed)
            self._forget(installation)

    def _renewed(
        self, installation: Installation, sealed: SealedSecrets, refresh: Refresh, patience: float, why: str
    ) -> Credentials:
        """Renew credentials, or wait for the worker that does. ``why`` is the reason, if they cannot be renewed."""
        deadline = time.monotonic() + patience
        while not self._lease(sealed):
            current = self._read(installation)
            if current is None:
                raise _attention(installation, "it has no secrets any more")
            # Another worker has renewed them, or a person has entered others.
            if current.version != sealed.version:
                return self._opened(installation, current)
            if current.problem_at != sealed.problem_at and current.problem:
                raise _attention(installation, current.problem)
            # The other worker has failed, and the next one would, too.
            if current.leased_until is None or time.monotonic() >= deadline:
                raise ProviderUnavailable(f"The credentials of {installation.name!r} cannot be renewed now; try again.")
            self._pause(_WAIT_SECONDS)
        return self._refresh(installation, sealed, refresh, why)

    def _lease(self, sealed: SealedSecrets) -> bool:
        now = self._clock.now()
        with self._store.write() as tx:
            return queries.lease_secrets(tx, sealed, now, now + LEASE)

    def _refresh(self, installation: Installation, sealed: SealedSecrets, refresh: Refresh, why: str) -> Credentials:
        held = self._opened(installation, sealed)
        try:
            fresh = refresh(installation, held)
        # The code host did not answer: the secrets may still be good, so that no problem is recorded.
        except ProviderUnavailable:
            self._end_lease(installation, sealed, None)
            raise
        except PluginFault as fault:
            problem = f"its plugin cannot renew its credentials ({fault.detail})"
            self._end_lease(installation, sealed, None if fault.kind in _TRANSIENT else problem)
            raise
        except ProviderError as error:
            raise self._refused(installation, sealed, str(error)) from error
        if fresh is None:
            raise self._refused(installation, sealed, why)
        try:
            # Merged, because some code hosts return a new access token and keep the refresh token.
            secrets = RefreshedCredentials.model_validate({"secrets": {**held.secrets, **fresh.secrets}}).secrets
        except ValidationError:
            raise self._refused(installation, sealed, "its plugin returned too many secrets") from None
        return self._saved(installation, sealed, secrets, fresh.expires_at)

    def _saved(
        self,
        installation: Installation,
        sealed: SealedSecrets,
        secrets: Mapping[str, SecretStr],
        expires_at: datetime | None,
    ) -> Credentials:
        encrypted, key_id = seal(self._box, installation, secrets)
        for attempt in range(1, _SAVE_ATTEMPTS + 1):
            try:
                with self._store.write() as tx:
                    saved = queries.replace_secrets(tx, sealed, encrypted, key_id, expires_at)
                break
            except Unavailable:
                # Many hosts accept the old ones only once: what is not saved is lost.
                if attempt == _SAVE_ATTEMPTS:
                    raise
                self._pause(1.0)
        self._forget(installation)
        if saved:
            return Credentials(secrets, sealed.version + 1)
        # A person has entered others meanwhile.
        return self.stored(installation)

    def _refused(self, installation: Installation, sealed: SealedSecrets, why: str) -> NeedsAttention:
        reason = why.rstrip(". ") or "without a reason"
        problem = f"the code host refuses its credentials ({reason}); {_ENTER_ANEW}"
        self._end_lease(installation, sealed, problem)
        return _attention(installation, problem)

    def _end_lease(self, installation: Installation, sealed: SealedSecrets, problem: str | None) -> None:
        with self._store.write() as tx:
            queries.end_lease(tx, sealed, problem, self._clock.now())
        self._forget(installation)

    def _opened(self, installation: Installation, sealed: SealedSecrets) -> Credentials:
        try:
            secrets = unseal(self._box, installation, sealed)
        except KeyLost:
            raise _attention(installation, LOST) from None
        return Credentials(secrets, sealed.version, doubted=sealed.problem is not None)

    def _recent(self, installation: Installation) -> SealedSecrets | None:
        with self._lock:
            cached = self._cached.get(installation.id)
        # A clock that was set back must not keep an entry for longer.
        if cached and cached.read_at <= self._clock.now() < cached.read_at + FRESH:
            return cached.sealed
        return self._read(installation)

    def _read(self, installation: Installation) -> SealedSecrets | None:
        now = self._clock.now()
        with self._store.read() as tx:
            rows = queries.sealed_secrets(tx, installation.organization_id, [installation.id])
        sealed = rows.get(installation.id)
        with self._lock:
            self._cached[installation.id] = _CachedSecrets(sealed, now)
        return sealed

    def _forget(self, installation: Installation) -> None:
        with self._lock:
            self._cached.pop(installation.id, None)


def _attention(installation: Installation, problem: str) -> NeedsAttention:
    return NeedsAttention(f"Installation {installation.name!r} needs attention: {problem}.")
