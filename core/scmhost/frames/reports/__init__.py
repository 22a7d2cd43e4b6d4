"""Frames in documents that tools send: JSON and XML, as a whole text or one JSON record on each line.

Most texts have no document, so that ``documents`` is imported with the first text that may be one: it takes a tenth of
the start of ``scmhost link``.
"""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .documents import Record, Report

_RECORD: Final = re.compile(r"\{\s?\"")


def begins_xml(line: str) -> bool:
    """Return whether a text with this first line may be a report in XML."""
    if line.lstrip()[:1] != "<":
        return False
    from .xml import begins_xml

    return begins_xml(line)


def read_report(text: str) -> "Report | None":
    """Read a text that is one document of a known form; return None for any other text."""
    if text.lstrip()[:1] not in ("{", "[", "<"):
        return None
    from .documents import read_report

    return read_report(text)


def read_records(block: str, first: int) -> "list[Record]":
    """Return the lines of a block that are JSON records with frames; ``first`` is the number of its first line."""
    if not _RECORD.search(block):
        return []
    from .documents import read_records

    return read_records(block, first)
