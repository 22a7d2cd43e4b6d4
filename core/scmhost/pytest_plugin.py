"""Loaded by pytest wherever scmhost is installed: tells about conformance at the end of a run that asked for it."""

import sys
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The table of capabilities, for the plugin's README."""
    testing = sys.modules.get("scmhost.sdk.testing")
    for name, report in testing.REPORTS.items() if testing else ():
        terminalreporter.section(f"{name}: capabilities, for your README")
        terminalreporter.write_line(report.markdown())
        for note in report.notes:
            terminalreporter.write_line(f"\nnote: {note}.")
