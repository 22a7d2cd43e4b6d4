"""Pages on the wire: the Link header in the form that Sentry's clients parse."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query, Request, Response

from scmhost.kernel.paging import Page, read_cursor

from .context import ServicesOf

T = TypeVar("T")


class Paging:
    """Which page is wanted, and how to answer with it."""

    def __init__(
        self,
        request: Request,
        response: Response,
        services: ServicesOf,
        cursor: Annotated[str | None, Query(description="A cursor from a Link header; empty: the first page.")] = None,
        per_page: Annotated[int | None, Query(ge=1, le=100, description="Objects on a page.")] = None,
    ) -> None:
        most = services.limits.page_size
        self.request = read_cursor(cursor, min(per_page or most, most))
        self._url = str(request.url.remove_query_params("cursor"))
        self._response = response

    def answer(self, page: Page[Any], items: Sequence[T]) -> Sequence[T]:
        """The items, with the Link header set."""
        joint = "&" if "?" in self._url else "?"
        self._response.headers["Link"] = ", ".join(
            f'<{self._url}{joint}cursor={cursor}>; rel="{rel}"; results="{str(there).lower()}"; cursor="{cursor}"'
            for rel, there, cursor in (
                ("previous", page.has_previous, page.previous_cursor),
                ("next", page.has_next, page.next_cursor),
            )
        )
        return items


Wanted = Annotated[Paging, Depends()]
