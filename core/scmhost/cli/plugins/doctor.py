"""``scmhost plugins doctor``."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from scmhost.cli.context import EXIT_FAILED, CommandContext, database_options, json_option, say, say_json

from .reading import service_options
from .words import wrapped

if TYPE_CHECKING:
    from scmhost.admin.doctor.findings import Finding

_COLOURS: Final[Mapping[str, str]] = {"error": "red", "warning": "yellow", "note": "cyan"}
_MANY: Final[Mapping[str, str]] = {"error": "errors", "warning": "warnings", "note": "notes"}


@click.command(name="doctor")
@database_options
@service_options
@json_option
@click.pass_obj
def command(
    context: CommandContext,
    *,
    config: str | None,
    database_url: str | None,
    url: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Look for whatever could be wrong: the switchboard, plugins, the database, and what stands in it.

    Each finding says what to do. Nothing is changed. With --url the service that runs there is asked too, for what
    only it knows: plugins that are suspended, settings that are stale. The exit code is 1 when there are errors.
    """
    found = _examined(context, config, database_url)
    if url:
        found = _with_service(found, url, token)
    counts = Counter[str](finding.severity for finding in found)
    if as_json:
        numbers = {many: counts[severity] for severity, many in _MANY.items()}
        say_json({"findings": [finding.described() for finding in found], **numbers})
    else:
        _say(found)
        say(_summary(counts))
    sys.exit(EXIT_FAILED if counts["error"] else 0)


def _examined(context: CommandContext, config: str | None, database_url: str | None) -> "Sequence[Finding]":
    from scmhost.admin.doctor import examine
    from scmhost.admin.doctor.findings import of_config_error, of_error
    from scmhost.infra.errors import ScmhostError
    from scmhost.plugins import ConfigError

    try:
        with context.open_host(config, database_url, look=True) as host:
            return examine(host.services)
    except ConfigError as error:
        return of_config_error(error)
    except ScmhostError as error:
        return [of_error("scmhost", error)]


def _with_service(found: "Sequence[Finding]", url: str, token: str | None) -> "Sequence[Finding]":
    """The findings of a service too, but for what is the same here."""
    from scmhost.admin.doctor import in_order

    from .service_checks import service_findings

    told = {finding.problem for finding in found}
    return in_order([*found, *(item for item in service_findings(url, token) if item.problem not in told)])


def _say(found: "Sequence[Finding]") -> None:
    for finding in found:
        place = f"  {finding.place}" if finding.place else ""
        say(f"{click.style(f'{finding.severity:<9}', fg=_COLOURS[finding.severity])}{finding.subject}{place}")
        for line in _lines(finding):
            say(line)


def _lines(finding: "Finding") -> Iterator[str]:
    yield wrapped(finding.problem, " " * 9)
    if finding.remedy:
        yield wrapped(f"-> {finding.remedy}", " " * 9)


def _summary(counts: "Counter[str]") -> str:
    told = [f"{counts[word]} {word if counts[word] == 1 else many}" for word, many in _MANY.items() if counts[word]]
    return ", ".join(told) or "Nothing is wrong."
