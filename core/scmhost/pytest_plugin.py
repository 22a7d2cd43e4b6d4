"""A pytest plugin, loaded in every run if scmhost is installed: prints conformance reports at the end of a run."""

import sys
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of capabilities of each checked plugin."""
    # Only a test run that imported the suite has reports; others must not pay for importing it.
    testing = sys.modules.get("scmhost.sdk.testing")
    for name, report in testing.REPORTS.items() if testing else ():
        terminalreporter.section(f"{name}: capabilities, for your README")
        terminalreporter.write_line(report.markdown())
        for note in report.notes:
            terminalreporter.write_line(f"\nnote: {note}.")
