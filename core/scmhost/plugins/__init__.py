"""The plugin host: finds plugins, decides which are loaded and for whom they are on, and calls them behind a guard."""

from .calls import ProviderCalls
from .config.reading import read_settings
from .config.schema import PluginSettings, Settings
from .credentials import NeedsAttention
from .discovery import Candidate
from .errors import BadPlugin, ConfigError, HostError, PluginFault, ProviderOff
from .flag_rules import FlagDecision, Step
from .isolation.circuit_breaker import Count, Suspension
from .plugin_host import ConfigurationStatus, PluginHost
from .registry import PluginReport

__all__ = [
    "BadPlugin",
    "Candidate",
    "ConfigError",
    "ConfigurationStatus",
    "Count",
    "FlagDecision",
    "HostError",
    "NeedsAttention",
    "PluginFault",
    "PluginHost",
    "PluginReport",
    "PluginSettings",
    "ProviderCalls",
    "ProviderOff",
    "Settings",
    "Step",
    "Suspension",
    "read_settings",
]
