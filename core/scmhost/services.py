"""The services bundle that every use case gets."""

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import SecretStr

from scmhost.infra.clock import Clock
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import NotFound, Unavailable
from scmhost.infra.limits import Limits
from scmhost.infra.telemetry import SILENT, Telemetry
from scmhost.plugins import PluginHost

T = TypeVar("T")

ActorKind = Literal["token", "user", "file", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something: a token, a user of the host's machine, whoever wrote a file, or scmhost itself."""

    kind: ActorKind
    name: str
    id: int | None = None


SYSTEM: Final = Actor("system", "scmhost")


@dataclass(frozen=True, slots=True)
class Services:
    """The store, the plugins, the time and the limits of one process, and the key of its webhooks' secrets.

    ``actor`` is who changes things through them, as the audit log tells it. ``operators`` are the organizations that
    may see the host itself, and ``telemetry`` is told of its work.
    """

    store: Store
    plugins: PluginHost
    clock: Clock
    limits: Limits
    webhook_key: SecretStr | None = None
    operators: tuple[str | int, ...] = ()
    telemetry: Telemetry = SILENT
    actor: Actor = SYSTEM
    _shared: dict[type[Any], Any] = field(default_factory=dict, repr=False)

    def shared(self, kind: type[T]) -> T:
        """Return the one instance of a class that all requests of this process share, such as a cache of a subject.

        It is made without arguments at the first call.
        """
        # dict.setdefault is atomic: of two that are made at once, one is kept.
        found: T = self._shared.get(kind) or self._shared.setdefault(kind, kind())
        return found

    def for_actor(self, actor: Actor) -> Self:
        """The same for somebody in particular."""
        return replace(self, actor=actor)


def check_database(services: Services) -> None:
    """That there is a database, with the tables of this version.

    Raises:
        NotFound: there is none yet.
        Unavailable: it does not answer, or its tables are of another version.
    """
    store = services.store
    if store.file is not None and not store.file.exists():
        raise NotFound(f"there is no database {store.file} yet; scmhost bootstrap makes it, with an organization")
    if not store.is_current():
        raise Unavailable(f"the tables of {store.url_without_password} are not of this version; run scmhost migrate")
