"""What is wrong with plugins, as the host sees them after it tried to load them."""

from typing import Final

from scmhost.plugins import PluginReport, PluginSettings
from scmhost.usecases.services import Services

from .findings import Finding, Findings, Severity

_ILL: Final[dict[str, Severity]] = {"broken": "error", "incompatible": "error", "suspended": "warning"}


def plugins_are_well(services: Services) -> Findings:
    """Each plugin that is named is ready; each that is installed is named."""
    for report in services.plugins.plugins:
        place = _place(services, report.name)
        if report.state in _ILL:
            yield Finding(_ILL[report.state], f"plugin {report.name}", report.reason, place=place)
        elif report.state == "off" and report.name not in services.plugins.settings.plugins:
            yield Finding("note", f"plugin {report.name}", "is installed, but not named", report.reason)
        for note in report.notes:
            yield Finding("note", f"plugin {report.name}", note, place=place)


def plugins_are_on_for_somebody(services: Services) -> Findings:
    """A plugin that is loaded serves at least one organization."""
    settings = services.plugins.settings
    for report in services.plugins.plugins:
        own = settings.of(report.name)
        if report.providers and not own.kill and _needs_flag(services, report) and not _serves(own):
            yield Finding(
                "warning",
                f"plugin {report.name}",
                "is loaded, but on for no organization",
                f"write default = true, allow or rollout under [plugins.{report.name}]",
                _place(services, report.name),
            )


def switches_that_surprise(services: Services) -> Findings:
    """What an operator may have forgotten: the emergency switches."""
    settings = services.plugins.settings
    for name, own in settings.plugins.items():
        if own.enabled and settings.off_by_environment(name):
            yield Finding(
                "warning",
                f"plugin {name}",
                "is switched off by the environment",
                "unset SCMHOST_PLUGINS_OFF to load it",
            )
        if own.kill:
            yield Finding(
                "warning",
                f"plugin {name}",
                "is off for everyone, by kill = true",
                "take the line out when the trouble is over",
                settings.source.place("plugins", name, "kill"),
            )
        both = sorted(map(str, set(own.allow.organizations) & set(own.deny.organizations)))
        if both:
            yield Finding(
                "warning",
                f"plugin {name}",
                f"allow and deny both name {', '.join(both)}; deny wins",
                "take it out of one of them",
                settings.source.place("plugins", name, "allow"),
            )


def _needs_flag(services: Services, report: PluginReport) -> bool:
    providers = map(services.plugins.provider, report.providers)
    return all(provider is not None and provider.requires_feature_flag for provider in providers)


def _serves(own: PluginSettings) -> bool:
    return own.default or bool(own.allow.organizations) or bool(own.rollout and own.rollout.percent)


def _place(services: Services, plugin: str) -> str:
    settings = services.plugins.settings
    return settings.source.place("plugins", plugin) if plugin in settings.plugins else ""
