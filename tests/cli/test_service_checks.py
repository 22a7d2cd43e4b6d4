"""What the doctor says of the plugins of a service."""

from typing import Any

from scmhost.cli.plugins.doctor import plugin_findings

URL = "https://scmhost.example.com"


def hook(**told: Any) -> dict[str, Any]:
    return {"name": "scm_file_exists", "calls": 9, "faults": 0, "refusals": 0, "unavailable": 0, **told}


def plugin(**told: Any) -> dict[str, Any]:
    return {"name": "quarry", "state": "ready", "reason": "", "notes": [], "suspensions": [], "hooks": [hook()], **told}


def test_nothing_is_said_of_a_plugin_that_is_well() -> None:
    """A refusal now and then is how a plugin says no."""
    assert not list(plugin_findings(URL, plugin(hooks=[hook(refusals=3)])))


def test_a_host_that_does_not_answer_is_told() -> None:
    """A polite plugin has no fault, so its latest calls tell that its code host is away."""
    (one,) = plugin_findings(URL, plugin(hooks=[hook(refusals=1, unavailable=1)]))
    (many,) = plugin_findings(URL, plugin(hooks=[hook(refusals=6, unavailable=6)]))
    assert one.problem == "the latest call of scm_file_exists found that the code host does not answer"
    assert many.problem == "the latest 6 calls of scm_file_exists found that the code host does not answer"
    assert (many.severity, many.subject) == ("warning", f"plugin quarry at {URL}")
    assert "see whether its code host is up" in many.remedy


def test_a_suspended_hook_has_its_last_fault_and_a_way_out() -> None:
    """The fault is what is the matter; the remedy says what to do."""
    pause = {"hook": "scm_file_exists", "nextTry": "12:00", "faults": 5, "lastFault": "hung"}
    (told,) = plugin_findings(URL, plugin(state="suspended", suspensions=[pause]))
    assert told.problem == "scm_file_exists is suspended until 12:00, after 5 faults in a row; its last fault: hung"
    assert "hung" not in told.remedy
    assert "mend what the fault names" in told.remedy
