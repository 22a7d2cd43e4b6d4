"""Location to link: which ref, which lines, what comes out or why nothing does; and from a page to its location."""

from typing import TYPE_CHECKING

from scmhost.sdk.lazy import lazy_names

if TYPE_CHECKING:
    from .basis import Basis, FileBasis, MappingBasis, RefBasis, file_basis, ref_basis
    from .bulk import BulkLinks
    from .lines import usable_line, usable_lines
    from .outcome import Link, NoLink, no_link, said
    from .page_reading import PageLocation, enclosing_urls, file_name_of, read_page
    from .ref import ChosenRef, RefSource, choose_ref

__getattr__ = lazy_names(
    __name__,
    {
        "basis": ("Basis", "FileBasis", "MappingBasis", "RefBasis", "file_basis", "ref_basis"),
        "bulk": ("BulkLinks",),
        "lines": ("usable_line", "usable_lines"),
        "outcome": ("Link", "NoLink", "no_link", "said"),
        "page_reading": ("PageLocation", "enclosing_urls", "file_name_of", "read_page"),
        "ref": ("ChosenRef", "RefSource", "choose_ref"),
    },
)

__all__ = [
    "Basis",
    "BulkLinks",
    "ChosenRef",
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
    "said",
    "usable_line",
    "usable_lines",
]
