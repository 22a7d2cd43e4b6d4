"""The plugin host: finds plugins, decides which are loaded and for whom, and calls them behind a guard."""

from .breakers import Suspension
from .calls import ProviderCalls
from .counters import Count
from .discovery import Candidate
from .errors import BadPlugin, ConfigError, HostError, PluginFault, ProviderOff
from .plugin_host import PluginHost
from .reports import PluginReport
from .schema import PluginSettings, Settings
from .settings import read_settings
from .switchboard import Switchboard
from .switches import Step, Switch

__all__ = [
    "BadPlugin",
    "Candidate",
    "ConfigError",
    "Count",
    "HostError",
    "PluginFault",
    "PluginHost",
    "PluginReport",
    "PluginSettings",
    "ProviderCalls",
    "ProviderOff",
    "Settings",
    "Step",
    "Suspension",
    "Switch",
    "Switchboard",
    "read_settings",
]
