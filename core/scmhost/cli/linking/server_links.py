"""Links for frames from a server, over HTTP."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from scmhost.cli.targets import ServerRefused, open_client, post_json
from scmhost.frames import Found
from scmhost.frames.source_paths import JVM

from .formats import Shown, frame_facts
from .linked_text import Tally

if TYPE_CHECKING:
    import httpx2

# A request's answer is some hundred bytes for each frame.
_AT_ONCE: Final = 1000
_UNASKED: Final = "server_unavailable"


class ServerLinks:
    """Links frames as the server does. If it fails on the way, the rest of the text comes without links."""

    facts: Mapping[str, object] = {}

    def __init__(self, client: "httpx2.Client", path: str, options: Mapping[str, Any]) -> None:
        self._client = client
        self._path = path
        self._fixed = {name: options[name] for name in ("release", "commit") if options[name]}
        self._fault: ServerRefused | None = None

    def check(self) -> None:
        """Ask for nothing.

        Raises:
            ServerRefused: the server is not there, or would refuse every frame.
        """
        self._ask(())

    def link(self, frames: Sequence[Found]) -> Sequence[Shown]:
        """What becomes of frames, in their order."""
        batches = (frames[at : at + _AT_ONCE] for at in range(0, len(frames), _AT_ONCE))
        return [shown for batch in batches for shown in self._linked(batch)]

    def remarks(self, tally: Tally) -> Sequence[str]:
        """How many frames have links, and what the server's fault was."""
        return [*tally.lines(), *([f"error: {self._fault}"] if self._fault else [])]

    def _linked(self, frames: Sequence[Found]) -> list[Shown]:
        if self._fault is None:
            try:
                return [_shown(found, answer) for found, answer in zip(frames, self._ask(frames), strict=True)]
            except ServerRefused as fault:
                self._fault = fault
        return [_unasked(found) for found in frames]

    def _ask(self, frames: Sequence[Found]) -> Sequence[Mapping[str, Any]]:
        body = {**self._fixed, "frames": [_sent(found) for found in frames]}
        answers: list[Mapping[str, Any]] = post_json(self._client, self._path, body)["frames"]
        return answers


@contextmanager
def open_server(options: Mapping[str, Any]) -> Iterator[ServerLinks]:
    """The links of the server, organization and project that the options name."""
    path = f"/api/0/projects/{quote(options['org'], safe='')}/{quote(options['project'], safe='')}/trace-links/"
    with open_client(options["url"], options["token"]) as client:
        source = ServerLinks(client, path, options)
        # A wrong token, project or release is told before any text is read.
        source.check()
        yield source


def _sent(found: Found) -> dict[str, object]:
    """A frame with the keys of events. On the JVM it prints a file's name, and its folders as a class."""
    frame = found.frame
    sent: dict[str, object] = {"filename": frame.path, "module": frame.module, "lineNo": frame.line}
    return {**sent, "absPath": frame.path, "platform": "java"} if frame.language in JVM else sent


def _shown(found: Found, answer: Mapping[str, Any]) -> Shown:
    link = answer["link"] or {}
    url = link.get("url")
    facts = {
        **frame_facts(found),
        "sourcePath": answer["sourcePath"],
        "url": url,
        "ref": link.get("ref"),
        "refSource": link.get("refSource"),
        "confidence": answer["confidence"],
        "reason": answer["reason"],
        "message": answer["message"],
        "nextStep": answer["nextStep"],
    }
    return Shown(found, url, facts, answer["reason"] or "", answer["message"] or "", answer["nextStep"] or "")


def _unasked(found: Found) -> Shown:
    return Shown(found, None, {**frame_facts(found), "url": None, "reason": _UNASKED}, _UNASKED)
