"""The reasons of refused plugins, and a healthy plugin beside them."""

from typing import Any

import pytest

from broken import open_refused, reason
from hosting import ACME, INSTALLATION, REPOSITORY, report_of
from loading import case_id, load_cases

CASES = load_cases("refused_plugins")


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_refused_plugin_has_its_reason(case: dict[str, Any]) -> None:
    """A refused plugin is listed with problem, place and next step, and a healthy one works as usual."""
    host = open_refused(case)
    report = report_of(host, "subject")
    calls = host.calls("good_forge")
    page = calls and calls.commit_url(INSTALLATION, REPOSITORY, "abc")
    offered = [provider.key for provider in host.providers(ACME)]
    host.close()
    assert (report.state, reason(report)) == (case["state"], case["reason"])
    assert (page, offered) == ("https://forge.example/commit/abc", ["good_forge"])
