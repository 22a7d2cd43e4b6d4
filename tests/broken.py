"""What the host says of every broken sample plugin. ``python tests/broken.py`` writes it anew into the cases."""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final

import structlog
from structlog.testing import capture_logs

from hosting import GOOD, INSTALLATION, LOCATION, REPOSITORY, budget, candidate, host_of, report_of
from loading import CASES
from plugins import hostile
from scmhost.plugins import PluginFault, PluginHost, PluginReport, read_settings

REFUSED: Final = CASES / "refused_plugins" / "entries.json"
CALLS: Final = CASES / "hostile_plugins" / "calls.json"

_PLUGINS: Final = f"{Path(hostile.__file__).parent}/"
_FILE: Final = """\
schema = 1
[plugins.good_forge]
enabled = true
default = true
"""
_SUBJECT: Final = "[plugins.subject]\nenabled = true\norder = 200\n"
_ARGUMENTS: Final[Mapping[str, tuple[Any, ...]]] = MappingProxyType(
    {"commit_url": (REPOSITORY, "abc"), "offer_repositories": ((), ""), "file_exists": (REPOSITORY, LOCATION)}
)


def open_refused(case: Mapping[str, Any]) -> PluginHost:
    """A host with a healthy plugin, and after it the subject of a case."""
    distributions = case.get("distributions", ["acme-subject"])
    subjects = [
        candidate("subject", case["entry"], distribution=name, api_range=case.get("api_range"))
        for name in distributions
    ]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "plugins.toml"
        file.write_text(_FILE + case.get("text", _SUBJECT), encoding="utf-8")
        settings = read_settings(file, {})
    seconds = case.get("import_seconds", 10.0)
    host = PluginHost.open(settings, candidates=[candidate("good_forge"), *subjects], import_seconds=seconds)
    # What hangs at import may go on now: nobody waits for it any more.
    waiting = sys.modules.pop("plugins.hangs_at_import", None)
    if waiting is not None:
        waiting.released.set()
    return host


def reason(report: PluginReport) -> str:
    """What a report says, with paths as they are in this repository."""
    return _portable(report.reason)


@dataclass(frozen=True)
class Told:
    """What became of a call: the kind of fault, or the events of the log, and the words for it."""

    kind: str
    words: str


def call(case: Mapping[str, Any]) -> Told:
    """Call the plugin of a case."""
    entries = {"good_forge": GOOD, "subject": f"plugins.hostile:{case['entry']}"}
    with capture_logs() as logs, host_of(entries, promises=budget(case.get("seconds", 5.0))) as host:
        calls = host.calls(case["entry"])
        assert calls is not None
        ask: Callable[..., object] = getattr(calls, case["hook"])
        try:
            ask(INSTALLATION, *_ARGUMENTS[case["hook"]])
        except PluginFault as fault:
            return Told(fault.kind, _portable(str(fault)))
        finally:
            hostile.gate.open()
        notes = report_of(host, "subject").notes
    (entry,) = logs
    return Told(str(entry["event"]), str(entry.get("text") or notes[0]))


def _portable(text: str) -> str:
    """Paths without the folder in which this machine keeps them."""
    return _TEMPORARY.sub("", text.replace(_PLUGINS, ""))


_TEMPORARY: Final = re.compile(r"/\S*/(?=plugins\.toml)")


def _write(path: Path, answer: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    cases = [{**case, **answer(case)} for case in json.loads(path.read_text(encoding="utf-8"))]
    path.write_text(json.dumps(cases, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _refusal(case: Mapping[str, Any]) -> Mapping[str, Any]:
    host = open_refused(case)
    report = report_of(host, "subject")
    host.close()
    return {"state": report.state, "reason": reason(report)}


def main() -> None:
    """Write what the host says now into both files of cases, to be looked at before it is committed."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    _write(REFUSED, _refusal)
    structlog.reset_defaults()
    _write(CALLS, lambda case: vars(call(case)))


if __name__ == "__main__":
    main()
