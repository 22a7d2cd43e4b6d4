"""The services bundle that every use case gets."""

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import SecretStr

from scmhost.infra.clock import Clock, TokenBuckets
from scmhost.infra.db.engine import Store
from scmhost.infra.db.schema import PROBLEMS, SERVED
from scmhost.infra.errors import NotFound, Unavailable
from scmhost.infra.secret_box import NO_KEYS, SecretBox
from scmhost.infra.settings import DEFAULT_WEB, Limits, Quota, WebSettings
from scmhost.infra.telemetry import NO_TELEMETRY, Telemetry
from scmhost.plugins import PluginHost
from scmhost.sdk import Organization

T = TypeVar("T")

ActorKind = Literal["token", "person", "user", "file", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, for the audit log.

    Attributes:
        kind: ``token``: an API token; ``person``: a person who signed in; ``user``: a user of the machine, on the
            command line; ``file``: an unknown editor of plugins.toml; ``system``: scmhost itself.
        name: the name of the token, the person or the user.
        id: the id of the token or the person.
    """

    kind: ActorKind
    name: str
    id: int | None = None


SYSTEM: Final = Actor("system", "scmhost")


@dataclass(frozen=True, slots=True)
class Services:
    """The resources of one process that use cases need.

    Attributes:
        store: the database.
        plugins: the plugins and their providers.
        clock: the current time.
        limits: how much a request may send or read.
        webhook_key: the key from which webhook secrets are derived; None: webhooks are off.
        url: the address of this service in browsers, without a final slash; None if the operator has not set it.
        trusted_hosts: the hosts that requests may name while ``url`` is None; None: any, because the application
            around this one has checked it.
        register_webhooks: whether webhooks are registered at code hosts.
        cors_origins: the origins whose pages may read answers in a browser; ``*``: all.
        operators: slugs or ids of the organizations whose admins may see the state of the host.
        sync_hours: hours between two comparisons of repositories with their code host; 0: only on request.
        secret_box: encrypts the secrets of installations, with the keys of the operator.
        telemetry: receives the operations that are measured.
        web: the settings of the pages for people.
        actor: who makes the changes, for the audit log.
        buckets: the token buckets of rate limits.
        token_uses: the tokens and redirect keys that were used and whose time of use is not saved yet, by organization
            and id.
        local_tokens: the tokens of commands on this machine: their organization, and the user that they act for.
    """

    store: Store
    plugins: PluginHost
    clock: Clock
    limits: Limits
    webhook_key: SecretStr | None = None
    url: str | None = None
    trusted_hosts: frozenset[str] | None = None
    register_webhooks: bool = True
    operators: tuple[str | int, ...] = ()
    cors_origins: tuple[str, ...] = ()
    sync_hours: int = 24
    secret_box: SecretBox = NO_KEYS
    telemetry: Telemetry = NO_TELEMETRY
    web: WebSettings = DEFAULT_WEB
    actor: Actor = SYSTEM
    buckets: TokenBuckets = field(default_factory=TokenBuckets, repr=False)
    token_uses: set[tuple[int, int]] = field(default_factory=set, repr=False)
    local_tokens: dict[str, tuple[Organization, Actor]] = field(default_factory=dict, repr=False)
    # Shared by all copies of the services: for_actor() copies the reference.
    _shared: dict[type[Any], Any] = field(default_factory=dict, repr=False)

    def shared(self, kind: type[T]) -> T:
        """Return the instance of a class that all requests of this process share, such as a cache.

        The first call creates it, without arguments.
        """
        if kind not in self._shared:
            # dict.setdefault is atomic: if two threads create an instance at once, both get the same one.
            self._shared.setdefault(kind, kind())
        instance: T = self._shared[kind]
        return instance

    def quota_of(self, organization: Organization) -> Quota:
        """Return what an organization may use: its own keys in the settings, and those of all for the others."""
        quotas = self.limits.quotas
        own = quotas.organizations.get(organization.slug)
        if own is None:
            return quotas
        # The rate of requests is no quota, and is read where requests are counted.
        return quotas.model_copy(
            update=own.model_dump(exclude_unset=True, exclude={"organization_requests_per_minute"})
        )

    def for_actor(self, actor: Actor) -> Self:
        """Return the same services, with changes recorded under this actor."""
        return replace(self, actor=actor)


def check_database(services: Services) -> None:
    """Check that the database exists, and has tables that this version can serve.

    Raises:
        NotFound: there is no database yet.
        Unavailable: it does not answer, or its tables are of another version; the text says what to do.
    """
    check_database_exists(services)
    store = services.store
    state = store.schema_state()
    if state not in SERVED:
        raise Unavailable(f"database {store.url_without_password}: {PROBLEMS[state]}")


def check_database_exists(services: Services) -> None:
    """Check that the file of a SQLite database exists: opening a connection would create it.

    Raises:
        NotFound: there is none.
    """
    store = services.store
    if store.file is not None and not store.file.exists():
        raise NotFound(
            f"there is no database {store.file} yet; scmhost bootstrap makes it, with an organization, in "
            f"{store.file.absolute().parent}"
        )
