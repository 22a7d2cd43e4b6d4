"""Location to link: which ref, which lines, what comes out or why nothing does; and from a page to its location."""

from .basis import Basis, Confidence, FileBasis, MappingBasis, RefBasis, file_basis, ref_basis
from .bulk import BulkLinks
from .lines import usable_line, usable_lines
from .outcome import Link, NoLink, no_link, said
from .read_page import PageLocation, enclosing_urls, file_name_of, read_page, rest_below
from .ref import ChosenRef, RefSource, choose_ref

__all__ = [
    "Basis",
    "BulkLinks",
    "ChosenRef",
    "Confidence",
    "FileBasis",
    "Link",
    "MappingBasis",
    "NoLink",
    "PageLocation",
    "RefBasis",
    "RefSource",
    "choose_ref",
    "enclosing_urls",
    "file_basis",
    "file_name_of",
    "no_link",
    "read_page",
    "ref_basis",
    "rest_below",
    "said",
    "usable_line",
    "usable_lines",
]
