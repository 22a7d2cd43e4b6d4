"""What only the process that serves can tell: its own state, and what its plugins did."""

from collections.abc import Iterator
from typing import Any

from scmhost.admin.doctor.findings import Finding
from scmhost.cli.targets import ServerRefused, get_json, open_client

from .reading import Described

_SHARE = 0.01
_ENOUGH = 100
_SUSPENDED = (
    "mend what the fault names: the code host or the way there, else tell the plugin's author; "
    "the host tries the hook again by itself"
)
_UNAVAILABLE = "see whether its code host is up, and can be reached from the service"


def service_findings(url: str, token: str | None) -> Iterator[Finding]:
    """What is wrong with the service at an address."""
    try:
        with open_client(url, token) as client:
            yield from _of_readiness(url, get_json(client, "/readyz", also=503))
            for plugin in get_json(client, "/api/0/plugins/"):
                yield from _of_plugin(url, plugin)
    except ServerRefused as error:
        yield Finding("error", f"the service at {url}", str(error))


def _of_readiness(url: str, ready: dict[str, Any]) -> Iterator[Finding]:
    subject = f"the service at {url}"
    if ready["detail"]:
        yield Finding("error", subject, f"is not ready: {ready['detail']}")
    if ready["staleSince"]:
        problem = f"cannot use its switchboard as it is written since {ready['staleSince']}; older settings count"
        yield Finding("error", subject, problem, "mend the file; its log says what is wrong, and where")


def _of_plugin(url: str, plugin: Described) -> Iterator[Finding]:
    subject = f"plugin {plugin['name']} at {url}"
    if plugin["state"] in ("broken", "incompatible"):
        yield Finding("error", subject, plugin["reason"])
    for note in plugin["notes"]:
        yield Finding("note", subject, note)
    for item in plugin["suspensions"]:
        problem = f"{item['hook']} is suspended until {item['nextTry']}, after {item['faults']} faults in a row"
        yield Finding("warning", subject, f"{problem}; its last fault: {item['lastFault']}", _SUSPENDED)
    for hook in plugin["hooks"]:
        if hook["unavailable"]:
            yield Finding("warning", subject, _unavailable(hook), _UNAVAILABLE)
        if hook["calls"] >= _ENOUGH and hook["faults"] > hook["calls"] * _SHARE:
            problem = f"{hook['faults']} of {hook['calls']} calls of {hook['name']} failed"
            yield Finding("warning", subject, problem, "its log says how, in lines called plugin fault")


def _unavailable(hook: Described) -> str:
    count = hook["unavailable"]
    calls = "latest call" if count == 1 else f"latest {count} calls"
    return f"the {calls} of {hook['name']} found that the code host does not answer"
