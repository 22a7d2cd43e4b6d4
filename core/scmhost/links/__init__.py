"""Location to link: which ref, which lines, what comes out or why nothing does; and from a page to its location."""

from typing import TYPE_CHECKING

from scmhost.sdk.lazy import lazy_names

if TYPE_CHECKING:
    from .bulk import BulkLinks
    from .lines import usable_line, usable_lines
    from .outcome import Link, NoLink, no_link
    from .page_reading import PageLocation, enclosing_urls, file_name_of, read_page
    from .ref import ChosenRef, RefSource, choose_ref

__getattr__ = lazy_names(
    __name__,
    {
        "bulk": ("BulkLinks",),
        "lines": ("usable_line", "usable_lines"),
        "outcome": ("Link", "NoLink", "no_link"),
        "page_reading": ("PageLocation", "enclosing_urls", "file_name_of", "read_page"),
        "ref": ("ChosenRef", "RefSource", "choose_ref"),
    },
)

__all__ = [
    "BulkLinks",
    "ChosenRef",
    "Link",
    "NoLink",
    "PageLocation",
    "RefSource",
    "choose_ref",
    "enclosing_urls",
    "file_name_of",
    "no_link",
    "read_page",
    "usable_line",
    "usable_lines",
]
