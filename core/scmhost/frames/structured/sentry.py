"""Sentry's events: ``exception.values[].stacktrace.frames[]`` and the stacks of threads, in the order of the text."""

from collections.abc import Iterator
from typing import Any, Final

from scmhost.frames.frame import Frame
from scmhost.frames.languages import known_language, language_of
from scmhost.frames.paths import names_a_file

from .fields import every_object, number, objects, text

SIGNS: Final[tuple[str, ...]] = ('"frames"',)
WITH_TEXTS: Final = False

# The event's platform, where its word is not ours.
_LANGUAGES: Final = {"node": "javascript", "cocoa": "objectivec", "native": "c", "other": None}
_FAMILIES: Final = {
    "java": ("kotlin", "scala"),
    "objectivec": ("swift", "c", "cpp"),
    "c": ("cpp", "rust", "swift", "objectivec", "go"),
    "elixir": ("erlang",),
}


def read(document: Any) -> Iterator[Frame]:
    """The frames of every stack in the document."""
    platform = text(document, "platform") if isinstance(document, dict) else None
    for stack in every_object(document):
        for fields in objects(stack.get("frames")):
            frame = _frame(fields, text(fields, "platform") or platform)
            if frame and names_a_file(frame.path):
                yield frame


def _frame(fields: dict[str, Any], platform: str | None) -> Frame | None:
    path = text(fields, "filename", "abs_path", "absPath")
    if path is None:
        return None
    function = text(fields, "function", "name", "method")
    line, column = number(fields, "lineno", "lineNo"), number(fields, "colno", "colNo")
    return Frame(path, line, column, function, text(fields, "module"), _language(path, platform))


def _language(path: str, platform: str | None) -> str | None:
    word = _LANGUAGES.get(platform, platform) if platform else None
    return language_of(path, word, *_FAMILIES.get(word, ())) if word else known_language(path)
