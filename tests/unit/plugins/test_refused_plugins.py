"""What the host says of plugins that it refuses, and that a healthy one beside them is none the worse."""

from typing import Any

import pytest

from broken import open_refused, reason
from hosting import ACME, INSTALLATION, REPOSITORY, report_of
from loading import case_id, load_cases

CASES = load_cases("refused_plugins")


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_refusal_says_what_is_wrong_where_and_what_to_write(case: dict[str, Any]) -> None:
    """A refused plugin is listed in these words, and a healthy one works as if the refused one were not there."""
    host = open_refused(case)
    report = report_of(host, "subject")
    calls = host.calls("good_forge")
    page = calls and calls.commit_url(INSTALLATION, REPOSITORY, "abc")
    offered = [provider.key for provider in host.providers(ACME)]
    host.close()
    assert (report.state, reason(report)) == (case["state"], case["reason"])
    assert (page, offered) == ("https://forge.example/commit/abc", ["good_forge"])
