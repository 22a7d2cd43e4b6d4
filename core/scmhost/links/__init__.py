"""Location to link: which ref, which lines, and what comes out, or why nothing does."""

from .bulk import BulkLinks
from .lines import usable_line, usable_lines
from .outcome import Link, NoLink, no_link
from .ref import ChosenRef, RefSource, choose_ref

__all__ = [
    "BulkLinks",
    "ChosenRef",
    "Link",
    "NoLink",
    "RefSource",
    "choose_ref",
    "no_link",
    "usable_line",
    "usable_lines",
]
