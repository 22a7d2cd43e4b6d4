"""The reports and faults of every broken sample plugin. ``python tests/broken.py`` rewrites them in the cases."""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import MappingProxyType
from typing import Any, Final

from hosting import GOOD, INSTALLATION, LOCATION, REPOSITORY, budget, candidate, host_of, logged, report_of
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
    """Open a host with a healthy plugin, and after it the subject of a case."""
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
    # Release a module that hangs at import: nothing waits for it any more.
    waiting = sys.modules.pop("plugins.hangs_at_import", None)
    if waiting is not None:
        waiting.released.set()
    return host


def reason(report: PluginReport) -> str:
    """Return the reason of a report, with paths relative to this repository."""
    return _portable(report.reason)


@dataclass(frozen=True)
class HookFault:
    """The fault of a call: its kind and its text."""

    kind: str
    words: str


def call(case: Mapping[str, Any]) -> HookFault:
    """Call the plugin of a case and return its fault."""
    entries = {"good_forge": GOOD, "subject": f"plugins.hostile:{case['entry']}"}
    with host_of(entries, specs=budget(case.get("seconds", 5.0))) as host:
        calls = host.calls(case["entry"])
        assert calls is not None
        ask = partial(getattr(calls, case["hook"]), INSTALLATION, *_ARGUMENTS[case["hook"]])
        try:
            return fault_of(host, ask)
        finally:
            hostile.gate.open()


def fault_of(host: PluginHost, ask: Callable[[], object]) -> HookFault:
    """Return the fault of a call. A pure hook that hangs blocks its caller, so its fault is read from the log."""
    raised: list[HookFault] = []

    def caller() -> None:
        try:
            ask()
        except PluginFault as fault:
            raised.append(HookFault(fault.kind, _portable(str(fault))))

    thread = Thread(target=caller, daemon=True)
    with logged() as logs:
        thread.start()
        while thread.is_alive():
            thread.join(0.01)
            # Reading the list of plugins detects overdue calls.
            _ = host.plugins
            late = [line for line in logs if thread.is_alive() and line.get("kind") == "timed_out"]
            if late:
                owner = f"plugin {late[0]['plugin']!r} (acme-{late[0]['plugin']})"
                return HookFault("timed_out", _portable(f"{owner}, {late[0]['hook']}: {late[0]['error']}"))
    return raised[0]


def _portable(text: str) -> str:
    """Return a text without the folders of this machine."""
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
    """Update the reports and faults in both files of cases, for review before a commit."""
    logging.disable(logging.CRITICAL)
    _write(REFUSED, _refusal)
    logging.disable(logging.NOTSET)
    _write(CALLS, lambda case: vars(call(case)))


if __name__ == "__main__":
    main()
