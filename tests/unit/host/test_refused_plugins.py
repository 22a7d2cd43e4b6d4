"""What the host says of plugins that it refuses, and that a healthy one beside them is none the worse."""

import sys
from typing import Any

import pytest

from hosting import ACME, GOOD, INSTALLATION, REPOSITORY, candidate, enabled, host_of, report_of
from loading import case_id, load_cases
from scmhost.host import PluginHost, Settings

CASES = load_cases("refused_plugins")


def host_for(case: dict[str, Any]) -> PluginHost:
    """A host with a healthy plugin, and after it the subject of the case."""
    plugins = {"good_forge": enabled(), "subject": enabled(order=200, settings=case.get("settings", {}))}
    subject = candidate("subject", case["entry"], api_range=case.get("api_range"))
    return PluginHost.open(Settings(plugins=plugins), candidates=[candidate("good_forge"), subject])


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_refusal_names_the_fault(case: dict[str, Any]) -> None:
    """A refused plugin is listed with what is wrong, where, and what to do."""
    host = host_for(case)
    report = report_of(host, "subject")
    host.close()
    assert report.state == case.get("state", "broken")
    assert [part for part in case["says"] if part not in report.reason] == []


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_refusal_hurts_no_other_plugin(case: dict[str, Any]) -> None:
    """A healthy plugin works as if the refused one were not there."""
    host = host_for(case)
    calls = host.calls("good_forge")
    page = calls and calls.commit_url(INSTALLATION, REPOSITORY, "abc")
    offered = [provider.key for provider in host.providers(ACME)]
    host.close()
    assert (page, offered) == ("https://forge.example/commit/abc", ["good_forge"])


def test_hanging_import_is_left_behind() -> None:
    """An import that never ends costs its time limit, and the report shows the line where it stands."""
    entries = {"good_forge": GOOD, "slow": "plugins.hangs_at_import"}
    settings = Settings(plugins={"good_forge": enabled(), "slow": enabled(order=200)})
    with host_of(entries, settings, import_seconds=0.2) as host:
        report, good = report_of(host, "slow"), report_of(host, "good_forge")
        sys.modules["plugins.hangs_at_import"].released.set()
    assert (report.state, good.state) == ("broken", "ready")
    assert "did not come back within its budget of 0.2 s" in report.reason
    assert "hangs_at_import.py:6" in report.reason
