"""``scmhost plugins doctor``: find problems on this machine, and in a running service."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from scmhost.cli.context import EXIT_FAILED, CommandContext, database_options, echo, echo_json, json_option, wrapped

from .show import PluginRecord, service_options

if TYPE_CHECKING:
    from scmhost.admin.doctor import Finding

_COLOURS: Final[Mapping[str, str]] = {"error": "red", "warning": "yellow", "note": "cyan"}
_PLURALS: Final[Mapping[str, str]] = {"error": "errors", "warning": "warnings", "note": "notes"}
# A hook with at least so many calls is reported if more than this share of them failed.
_MIN_CALLS: Final = 100
_MAX_FAULT_SHARE: Final = 0.01
_SUSPENDED: Final = (
    "fix the cause that the fault names: the code host, or the network; otherwise report it to the plugin's author; "
    "the hook is retried automatically"
)
_PAUSED: Final = "its requests wait until then; if this repeats, give its provider a token with a higher limit"
_UNAVAILABLE: Final = "check that its code host is up, and that the service can reach it"


@click.command(name="doctor")
@database_options
@service_options
@json_option
@click.pass_obj
def doctor(
    context: CommandContext,
    *,
    config: str | None,
    database_url: str | None,
    url: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Find problems of the configuration, the plugins and the database, with what to do about each.

    Nothing is changed. With --url a running service is checked too: only its process has suspended hooks and stale
    settings. The exit code is 1 if there are errors.
    """
    findings = _local_findings(context, config, database_url)
    if url:
        findings = _with_service(findings, url, token)
    counts = Counter[str](finding.severity for finding in findings)
    if as_json:
        numbers = {plural: counts[severity] for severity, plural in _PLURALS.items()}
        echo_json({"findings": [finding.described() for finding in findings], **numbers})
    else:
        _print(findings, counts)
    # Warnings and notes do not fail a deployment.
    sys.exit(EXIT_FAILED if counts["error"] else 0)


def _local_findings(context: CommandContext, config: str | None, database_url: str | None) -> "Sequence[Finding]":
    from scmhost.admin.doctor import config_error_findings, error_finding, run_checks
    from scmhost.infra.errors import ScmhostError
    from scmhost.plugins import ConfigError

    try:
        with context.open_host(config, database_url, inspect_only=True) as host:
            return run_checks(host.services)
    # What prevents the start is itself a finding, with what to do about it.
    except ConfigError as error:
        return config_error_findings(error)
    except ScmhostError as error:
        return [error_finding("scmhost", error)]


def _with_service(findings: "Sequence[Finding]", url: str, token: str | None) -> "Sequence[Finding]":
    """Add the findings of a service, without those that are the same here."""
    from scmhost.admin.doctor import worst_first

    # The service mostly has the same configuration file.
    problems = {finding.problem for finding in findings}
    return worst_first([*findings, *(item for item in _service_findings(url, token) if item.problem not in problems)])


def _service_findings(url: str, token: str | None) -> "Iterator[Finding]":
    from scmhost.admin.doctor import Finding
    from scmhost.cli.targets import ServerClient, ServerError

    try:
        client = ServerClient.open(url, token)
        # A service that is not ready answers 503 with the reason.
        yield from _readiness_findings(url, client.get("/readyz", accept_status=503))
        for plugin in client.get("/api/0/plugins/"):
            yield from plugin_findings(url, plugin)
    except ServerError as error:
        yield Finding("error", f"the service at {url}", str(error))
    except (LookupError, TypeError):
        # Another program answers with JSON of its own.
        yield Finding("error", f"the service at {url}", "its answers are not those of scmhost", "check --url")


def _readiness_findings(url: str, ready: Mapping[str, Any]) -> "Iterator[Finding]":
    from scmhost.admin.doctor import Finding

    subject = f"the service at {url}"
    if ready["detail"]:
        yield Finding("error", subject, f"is not ready: {ready['detail']}")
    if ready["staleSince"]:
        problem = f"its plugins.toml is invalid since {ready['staleSince']}; it uses the previous settings"
        yield Finding("error", subject, problem, "fix the file; the service's log has the line and the problem")


def plugin_findings(url: str, plugin: PluginRecord) -> "Iterator[Finding]":
    """Yield the problems of a plugin in a running service."""
    from scmhost.admin.doctor import Finding

    subject = f"plugin {plugin['name']} at {url}"
    if plugin["state"] in ("broken", "incompatible"):
        yield Finding("error", subject, plugin["reason"])
    for note in plugin["notes"]:
        yield Finding("note", subject, note)
    for item in plugin["suspensions"]:
        problem = f"{item['hook']} is suspended until {item['nextTry']}, after {item['faults']} faults in a row"
        yield Finding("warning", subject, f"{problem}; its last fault: {item['lastFault']}", _SUSPENDED)
    # A service of an older version has no such list.
    for pause in plugin.get("pauses", ()):
        problem = f"the code host of integration {pause['integrationId']} limits requests for {pause['seconds']} s more"
        yield Finding("warning", subject, problem, _PAUSED)
    for hook in plugin["hooks"]:
        if hook["unavailable"]:
            count = hook["unavailable"]
            calls = "latest call" if count == 1 else f"latest {count} calls"
            problem = f"in the {calls} of {hook['name']} the code host did not answer"
            yield Finding("warning", subject, problem, _UNAVAILABLE)
        if hook["calls"] >= _MIN_CALLS and hook["faults"] > hook["calls"] * _MAX_FAULT_SHARE:
            problem = f"{hook['faults']} of {hook['calls']} calls of {hook['name']} failed"
            yield Finding("warning", subject, problem, 'the service\'s log has each one as "plugin fault"')


def _print(findings: "Sequence[Finding]", counts: "Counter[str]") -> None:
    from scmhost.checkout.formats import printable

    for finding in findings:
        place = f"  {finding.place}" if finding.place else ""
        # The rest may have names of anything.
        severity = click.style(f"{finding.severity:<9}", fg=_COLOURS[finding.severity])
        echo(f"{severity}{printable(finding.subject + place)}", has_colours=True)
        echo(wrapped(finding.problem, " " * 9))
        if finding.remedy:
            echo(wrapped(f"-> {finding.remedy}", " " * 9))
    summary = [f"{counts[one]} {one if counts[one] == 1 else many}" for one, many in _PLURALS.items() if counts[one]]
    echo(", ".join(summary) or "No problems found.")
