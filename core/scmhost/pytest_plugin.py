"""A pytest plugin, loaded in every run if scmhost is installed: it imports nothing until it is used.

It prints conformance reports of plugins, and writes a job summary on request.
"""

import os
import sys
from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the options of the job summary."""
    group = parser.getgroup("scmhost")
    group.addoption(
        "--scmhost-summary",
        action="store_true",
        help="Write the failed tests, with links to the source, to GitHub's job summary ($GITHUB_STEP_SUMMARY).",
    )
    # An option of its own: with an optional value, the name of a test file after it would be taken as the file.
    group.addoption(
        "--scmhost-summary-file", metavar="FILE", help="Write the same summary, in Markdown, to FILE instead."
    )


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Print the table of capabilities of each checked plugin, and write the job summary."""
    # Only a test run that imported the suite has reports; others must not pay for importing it.
    testing = sys.modules.get("scmhost.sdk.testing")
    for name, report in testing.REPORTS.items() if testing else ():
        terminalreporter.section(f"{name}: capabilities, for your README")
        terminalreporter.write_line(report.markdown())
        for note in report.notes:
            terminalreporter.write_line(f"\nnote: {note}.")
    file = config.getoption("scmhost_summary_file", None)
    # The workers of pytest-xdist have a part of the tests; the process that started them has all.
    if hasattr(config, "workerinput"):
        return
    if file or config.getoption("scmhost_summary", None):
        try:
            _write_summary(file, terminalreporter.stats, config)
        except Exception as error:  # noqa: BLE001 - the result of a test run must not depend on its summary
            terminalreporter.write_line(f"scmhost: no job summary: {error}")


def _write_summary(file: str | None, stats: Any, config: Any) -> None:
    target = file or os.environ.get("GITHUB_STEP_SUMMARY")
    if not target:
        raise LookupError("GITHUB_STEP_SUMMARY is not set; name a file with --scmhost-summary-file")
    from scmhost.checkout.job_summary import job_summary

    failed = [_failed_test(report, config) for name in ("error", "failed") for report in stats.get(name, ())]
    text = job_summary(failed, {name: len(reports) for name, reports in stats.items()})
    # GitHub joins what the commands of a step append.
    with open(target, "w" if file else "a", encoding="utf-8") as stream:  # noqa: PTH123 - without importing pathlib
        stream.write(text)


def _failed_test(report: Any, config: Any) -> Any:
    """Return a failed test from pytest's report; one on a file that cannot be imported has no place in its error."""
    from scmhost.checkout.job_summary import FailedTest

    path, index, _ = report.location
    crash = getattr(report.longrepr, "reprcrash", None)
    traceback = getattr(report.longrepr, "reprtraceback", None)
    # The innermost first: what failed may be in a package, and the call of it in this repository.
    calls = [getattr(entry, "reprfileloc", None) for entry in reversed(traceback.reprentries if traceback else ())]
    # A relative path is relative to the folder in which pytest was started.
    started = config.invocation_params.dir
    places = [(str(started / place.path), place.lineno) for place in (crash, *calls) if place]
    places.append((str(config.rootpath / path), index + 1 if index is not None else None))
    message = crash.message.partition("\n")[0] if crash else ""
    return FailedTest(report.nodeid, places, message, report.longreprtext)
