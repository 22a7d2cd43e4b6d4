"""Safe text for what plugin code raises, and the line of the plugin's own code where it happened.

A plugin's exception is foreign code and foreign text: ``str`` of it may raise, and the text may have megabytes, lone
surrogates or control characters of a terminal. Every text of a plugin that people may see passes ``safe_text``.
"""

import re
import sys
import sysconfig
import traceback
from collections.abc import Collection, Iterable
from pathlib import Path
from types import FrameType
from typing import Final

import pydantic

from scmhost import sdk
from scmhost.plugins.config.redaction import without
from scmhost.plugins.errors import FaultKind, Origin, PluginFault
from scmhost.sdk import HOOK_SPECS, ProviderError

LONGEST_TEXT: Final = 2_000
"""How many characters of a foreign text are kept."""

_UNPRINTABLE: Final = "a text that cannot be printed"
# Tab and line feed stay; everything else that a terminal obeys or UTF-8 cannot encode is escaped.
_UNSAFE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_EXITS: Final = (SystemExit, KeyboardInterrupt)
_SDK_ERRORS: Final = ProviderError.__module__
_PLAIN: Final = frozenset({int, float, type(None)})
_STDLIB: Final = sysconfig.get_path("stdlib")
# A frozen value raises inside of pydantic or the SDK; the line of the plugin that tried to change it is the cause.
_OURS: Final = (f"{Path(str(sdk.__file__)).parents[1]}/", f"{Path(pydantic.__file__).parent}/")


class BadResult(Exception):
    """The result of a hook does not match the contract."""


class AsyncTimeout(Exception):
    """An asynchronous hook exceeded its budget and was cancelled."""


class LoopBlocked(Exception):
    """The plugin blocks too many event loops; no further one is made."""


def safe_text(foreign: object, longest: int = LONGEST_TEXT, secrets: Collection[str] = ()) -> str:
    """Return the text of a foreign object, printable, of bounded length and without secrets. Never raises.

    Reading the text may run the plugin's code. Call this inside of the guard if the object is not a ``str``.
    """
    try:
        text = str(foreign)
        # ``str`` may return a subclass, whose methods are foreign code too.
        size, text = str.__len__(text), str.__getitem__(text, slice(longest + max(map(len, secrets), default=0)))
    except BaseException:  # noqa: BLE001 - the text of a foreign object may raise anything
        return _UNPRINTABLE
    # Before the text is cut: the half of a secret would not be found.
    text = without(text, secrets)[:longest]
    escaped = _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return escaped if size <= longest else f"{escaped[:longest]} ... ({size:,} characters)"


def exception_text(error: BaseException, secrets: Collection[str] = ()) -> str:
    """Return the type and the text of a foreign exception, like ``ValueError: no such page``."""
    # The descriptor of ``type`` itself: a metaclass may compute the name.
    name = safe_text(type.__dict__["__name__"].__get__(type(error)), 200, secrets)
    text = safe_text(_without_input(error) if secrets else error, secrets=secrets)
    return f"{name}: {text}" if text else name


def _without_input(error: BaseException) -> object:
    """Return the text of a pydantic error without the input: of a long one it has the beginning and the end."""
    if type(error) is not pydantic.ValidationError:
        return error
    items = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in items)


def safe_provider_error(error: ProviderError, secrets: Collection[str] = ()) -> ProviderError:
    """Return an error that a plugin raised on purpose with a safe text, as the nearest class of the SDK.

    The error itself is returned when it is an SDK class with a text that needs no change.
    """
    text = safe_text(error, secrets=secrets)
    kind: type[ProviderError] = next(
        base for base in type(error).__mro__ if issubclass(base, ProviderError) and base.__module__ == _SDK_ERRORS
    )
    # The causes of an error from a call with secrets stay behind: their texts were not made safe.
    if not secrets and type(error) is kind and error.args == (text,) and type(error.args[0]) is str:
        return error
    safe: ProviderError = Exception.__new__(kind)
    # Without ``__init__``: later versions of the SDK may give an error more than its text.
    vars(safe).update({name: value for name, value in vars(error).items() if type(value) in _PLAIN})
    safe.args = (text,) if text else ()
    return safe


def kind_and_detail(failure: BaseException, secrets: Collection[str] = ()) -> tuple[FaultKind, str]:
    """Return the kind of fault that an exception is, and a sentence with its text and line."""
    if isinstance(failure, BadResult):
        return "bad_result", without(str(failure), secrets)
    if isinstance(failure, AsyncTimeout | LoopBlocked):
        return "timed_out", str(failure)
    place = innermost_location((frame, line) for frame, line in traceback.walk_tb(failure.__traceback__))
    if isinstance(failure, _EXITS):
        return "exited", f"tried to end the process with {exception_text(failure, secrets)}{place}"
    return "raised", f"raised {exception_text(failure, secrets)}{place}"


def timeout_text(hook: str, seconds: float, place: str = "") -> str:
    """Return the sentence for a call that exceeded its budget, with a hint for hooks that do I/O."""
    does_io = hook in HOOK_SPECS and HOOK_SPECS[hook].kind == "io"
    hint = "; give what it waits for a shorter timeout" if does_io else ""
    return f"did not come back within its budget of {seconds:g} s{place}{hint}"


def timed_out(origin: Origin, seconds: float, *threads: int | None) -> PluginFault:
    """Return the fault of a call that exceeded its budget, with the line where it is now in one of these threads."""
    place = next((place for thread in threads if (place := current_location(thread))), "")
    return PluginFault(origin, "timed_out", timeout_text(origin.hook, seconds, place))


def current_location(thread: int | None) -> str:
    """Return `` (file:line)`` of the plugin's code that a thread runs now, or nothing."""
    # The thread still runs, so that its stack shows where it hangs.
    frame = sys._current_frames().get(thread or 0)  # noqa: SLF001 - the documented way to see another thread's frames
    stack = list(traceback.walk_stack(frame)) if frame is not None else []
    return innermost_location(reversed(stack))


def innermost_location(frames: Iterable[tuple[FrameType, int]]) -> str:
    """Return `` (file:line)`` of the innermost frame that is neither Python's nor the host's, or nothing."""
    places = [(frame.f_code.co_filename, line) for frame, line in frames]
    foreign = [place for place in places if _is_foreign(place[0])]
    return location_text(*foreign[-1]) if foreign else ""


def location_text(file: str, line: int) -> str:
    """Return `` (file:line)`` with the file from its package's folder on, without the long folders of ``sys.path``."""
    # At call time, because a plugin may be on a path that was added later.
    roots = (f"{Path(entry)}/" for entry in sys.path if entry)
    root = max((root for root in roots if file.startswith(root)), key=len, default="")
    return f" ({file.removeprefix(root)}:{line})"


def _is_foreign(file: str) -> bool:
    if file.startswith(("<", *_OURS)):
        return False
    return "site-packages" in file or not file.startswith(_STDLIB)
