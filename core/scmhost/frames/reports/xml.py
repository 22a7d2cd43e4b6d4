"""Reports in XML: JUnit's and other test runners' results, Checkstyle's and other linters' findings.

The markup is read by its own rules, without a parser: nothing is expanded or fetched, a document that is cut off or
broken gives what it has up to there, and each position is exact.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Final, NamedTuple

from scmhost.frames.diagnostics.file_names import has_file_name
from scmhost.frames.frame import Frame, FrameMatch, known_language
from scmhost.frames.physical_lines import PhysicalLine

from .json_forms import text
from .places import Offsets, Surroundings, lines_of_xml, own_path, plain_fields, plain_name, read_place

_TEST_ROOTS: Final = ("testsuites", "testsuite", "testrun", "testresults", "assemblies", "assembly")
# The place of a test that failed counts only if no text in it has one.
_TESTS: Final = ("testcase", "test")
_FINDING_ROOTS: Final = (
    "checkstyle",
    "pmd",
    "results",
    "issues",
    "jslint",
    "lint",
    "report",
    "csslint",
    "bugcollection",
)
_BEGINNING: Final = re.compile(
    r"\s*(?:<\?xml\s[^<>]{0,200}>\s*)?(?:<!--[^<>]{0,1000}-->\s*)?<([A-Za-z][\w-]{0,30})[\s>]"
)
_DECLARATION: Final = re.compile(r"\s*<\?xml\s")
_TAG: Final = re.compile(
    r"<(/?)([A-Za-z_][\w:.-]{0,100})(?=[\s/>])([^<>\"']*(?:\"[^\"]*\"[^<>\"']*|'[^']*'[^<>\"']*)*)>"
)
_ATTRIBUTE: Final = re.compile(r"([A-Za-z_][\w:.-]{0,100})\s{0,5}=\s{0,5}(?:\"([^\"]*)\"|'([^']*)')")
# Ruff and ESLint name the file as the suite, and begin the text of each failure with the place.
_PLACE_IN_SUITE: Final = re.compile(r"\s*line (?P<line>\d{1,9}), col (?P<column>\d{1,9}), (?P<message>.*)")
_CDATA: Final = "<![CDATA["
_DEEPEST: Final = 200


class FallbackMatch(NamedTuple):
    """A match that counts only if no text before ``end``, a line and a position in it, has a frame."""

    match: FrameMatch
    end: tuple[int, int]


@dataclass(slots=True)
class Element:
    """An element that is open.

    Attributes:
        fields: its attributes by their plain names.
        place: its own place, if it has one.
        failed: whether it is a test that failed.
    """

    name: str
    fields: dict[str, Any]
    place: FrameMatch | None = None
    failed: bool = False


@dataclass(slots=True)
class XmlReport:
    """What a document has: places in attributes, lines of texts, and places of tests whose texts come first."""

    frames: list[FrameMatch] = field(default_factory=list)
    lines: list[PhysicalLine] = field(default_factory=list)
    fallbacks: list[FallbackMatch] = field(default_factory=list)


def begins_xml(line: str) -> bool:
    """Return whether a text with this first line may be a report in XML."""
    return _DECLARATION.match(line) is not None or _root(line) is not None


def read_xml(document: str) -> XmlReport | None:
    """Read a report; return None for a document with another root element."""
    root = _root(document)
    return _Reader(document, is_test=root in _TEST_ROOTS).read() if root else None


def _root(document: str) -> str | None:
    match = _BEGINNING.match(document)
    name = plain_name(match[1]) if match else None
    return name if name in _TEST_ROOTS or name in _FINDING_ROOTS else None


class _Reader:
    def __init__(self, document: str, *, is_test: bool) -> None:
        self._document = document
        self._is_test = is_test
        self._offsets = Offsets(document)
        self._open: list[Element] = []
        self._report = XmlReport()

    def read(self) -> XmlReport:
        at = 0
        for match, begin, end in _pieces(self._document):
            if match is None:
                self._take_text(begin, end)
            elif match[1]:
                self._close(plain_name(match[2]), match.end())
            else:
                self._begin(match)
                if match[3].endswith("/"):
                    self._close(plain_name(match[2]), match.end())
            at = end
        while self._open:
            self._close(self._open[-1].name, at)
        return self._report

    def _begin(self, match: re.Match[str]) -> None:
        attributes = {found[1]: unescape(found[2] or found[3] or "") for found in _ATTRIBUTE.finditer(match[3])}
        element = Element(plain_name(match[2]), plain_fields(attributes))
        parent = self._open[-1] if self._open else None
        if element.name in ("failure", "error") and parent and parent.name in _TESTS:
            parent.failed = True
            self._take_message(match)
        else:
            self._take_place(element, parent, match)
        if len(self._open) < _DEEPEST:
            self._open.append(element)

    def _take_message(self, match: re.Match[str]) -> None:
        """Take the attribute's text of an element without a text of its own."""
        following = self._document[match.end() : match.end() + 2]
        for found in _ATTRIBUTE.finditer(match[3]) if match[3].endswith("/") or following == "</" else ():
            if found[1] == "message":
                group = 2 if found[2] is not None else 3
                self._take_text(match.start(3) + found.start(group), match.start(3) + found.end(group))

    def _take_place(self, element: Element, parent: Element | None, match: re.Match[str]) -> None:
        if element.name == "sourceline":
            # SpotBugs: the other ones are those of classes and methods.
            if parent is None or parent.name != "buginstance":
                return
            element.fields.update(path=element.fields.get("sourcepath"), line=element.fields.get("start"))
        path = _file(parent) if parent and parent.place is None else None
        message = text(parent.fields, "message", "msg", "type") if parent else None
        frame = read_place(element.fields, own_path(element.fields), Surroundings(path, message))
        if frame is None:
            return
        # The path may be an attribute of the element around this one; the place is then the element's beginning.
        start = self._document.find(frame.path, match.start(), match.end())
        line, column = self._offsets.place(max(start, match.start()))
        end = column + len(frame.path if start >= 0 else match[2]) + (start < 0)
        element.place = FrameMatch(frame._replace(function=None, module=None, kind="diagnostic"), line, column, end)
        if element.name not in _TESTS:
            self._report.frames.append(element.place)

    def _take_text(self, begin: int, end: int) -> None:
        if not self._is_test or end <= begin:
            return
        suite = next((element for element in reversed(self._open) if element.name == "testsuite"), None)
        place = _PLACE_IN_SUITE.match(self._document, begin, end) if suite else None
        path = text(suite.fields, "name") if suite and place else None
        if path and place and has_file_name(path):
            numbers = int(place["line"]), int(place["column"])
            message = unescape(place["message"]).strip()
            frame = Frame(path, *numbers, language=known_language(path), kind="diagnostic", message=message)
            # The path is an attribute of the suite, so the position is the element around the text.
            line, column = self._offsets.place(self._document.rfind("<", 0, place.start("line")))
            self._report.frames.append(FrameMatch(frame, line, column, column + len("<failure")))
            for test in self._open:
                test.failed = False
        else:
            self._report.lines += lines_of_xml(self._document[begin:end], *self._offsets.place(begin))

    def _close(self, name: str, end: int) -> None:
        if not self._open or self._open[-1].name != name:
            return
        element = self._open.pop()
        if element.name in _TESTS and element.place and element.failed:
            self._report.fallbacks.append(FallbackMatch(element.place, self._offsets.place(end)))


def _file(element: Element) -> str | None:
    return text(element.fields, "name") if element.name == "file" else own_path(element.fields)


def _pieces(document: str) -> Iterator[tuple[re.Match[str] | None, int, int]]:
    """Yield tags as matches, and texts as their spans, up to the end or to markup that is broken."""
    at = 0
    while at < len(document):
        begin = document.find("<", at)
        begin = begin if begin >= 0 else len(document)
        if document[at:begin].strip():
            yield None, at, begin
        if document.startswith(_CDATA, begin):
            at = _end(document, "]]>", begin)
            yield None, begin + len(_CDATA), at - 3
        elif document.startswith("<!--", begin):
            at = _end(document, "-->", begin)
        elif document.startswith("<?", begin):
            at = _end(document, "?>", begin)
        else:
            match = _TAG.match(document, begin)
            if match is None:
                return
            yield match, begin, match.end()
            at = match.end()


def _end(document: str, mark: str, begin: int) -> int:
    end = document.find(mark, begin)
    return end + len(mark) if end >= 0 else len(document) + len(mark)
