"""What every use case works with."""

from dataclasses import dataclass, field

from pydantic import SecretStr

from scmhost.host import PluginHost
from scmhost.kernel.clock import Clock
from scmhost.kernel.limits import Limits
from scmhost.store.engine import Store
from scmhost.telemetry import SILENT, Telemetry

from .mapping_cache import MappingCache
from .page_cache import PageCache


@dataclass(frozen=True, slots=True)
class Services:
    """The store, the plugins, the time and the limits of one process, the key of its webhooks' secrets, who may see
    the host itself, and who is told of its work.
    """

    store: Store
    plugins: PluginHost
    clock: Clock
    limits: Limits
    webhook_key: SecretStr | None = None
    mappings: MappingCache = field(default_factory=MappingCache)
    pages: PageCache = field(default_factory=PageCache)
    operators: tuple[str | int, ...] = ()
    telemetry: Telemetry = SILENT
