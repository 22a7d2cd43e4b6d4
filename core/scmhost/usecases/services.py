"""What every use case works with."""

from dataclasses import dataclass, field, replace
from typing import Final, Self

from pydantic import SecretStr

from scmhost.kernel.clock import Clock
from scmhost.kernel.limits import Limits
from scmhost.plugins import PluginHost
from scmhost.store.engine import Store
from scmhost.store.values import Actor
from scmhost.telemetry import SILENT, Telemetry

from .mapping_cache import MappingCache
from .page_cache import PageCache
from .silences import Silences

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
    mappings: MappingCache = field(default_factory=MappingCache)
    pages: PageCache = field(default_factory=PageCache)
    silences: Silences = field(default_factory=Silences)
    operators: tuple[str | int, ...] = ()
    telemetry: Telemetry = SILENT
    actor: Actor = SYSTEM

    def for_actor(self, actor: Actor) -> Self:
        """The same for somebody in particular."""
        return replace(self, actor=actor)
