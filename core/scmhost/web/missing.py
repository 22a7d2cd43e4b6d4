"""Frames without a link: how many over the last days, by reason and by the beginning of their paths."""

from typing import Final

from starlette.responses import Response

from scmhost.links.missing import OTHER_ROOTS, SHOWN_DAYS, missing_frames

from .visit import Visit, get

_MOST: Final = 200


def show_missing(visit: Visit) -> Response:
    """The counters of the organization, the most frequent first."""
    listed = missing_frames(visit.services, visit.organization, _MOST + 1)
    return visit.page_that_fits(
        "missing.html", (_MOST, 80, 30, 10), listed=listed, days=SHOWN_DAYS, other_roots=OTHER_ROOTS
    )


VIEWS: Final = (get("/organizations/{organization}/missing", show_missing),)
