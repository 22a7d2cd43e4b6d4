"""``scmhost url``, ``remote`` and ``read-url``: URLs of pages and repositories, as JSON lines."""

from collections.abc import Callable
from typing import Final, TypeVar

import click
from pydantic import BaseModel

from scmhost.sdk import NoUrl, PageRequest, TemplateError, UrlError, page_url, read_remote, read_url

from .json_lines import Answer, LineRequest, answer_lines, jsonl_option, refusal

RequestT = TypeVar("RequestT", bound=BaseModel)

URL_LINES: Final = """
\b
Each line in:  {"kind", "remote" or "base_url" and "repo", "template", "type", "ref", "ref_kind", "path", "line",
                "end_line", "column", "end_column", "base", "head"}
Each line out: {"url"} or {"error", "reason"}
"""
REMOTE_LINES: Final = """
\b
Each line in:  {"remote", "kind"}
Each line out: {"host", "port", "owner", "repo", "path", "kind", "web_url"} or {"error", "reason"}
"""
READ_URL_LINES: Final = """
\b
Each line in:  {"url", "kind", "refs"}
Each line out: {"candidates": [{"repo", "ref", "ref_kind", "path", "line", "end_line"}]} or {"error", "reason"}
"""


class RemoteRequest(LineRequest):
    """A remote, and the kind of its host if the host name does not show it."""

    remote: str
    kind: str | None = None


class PageUrlRequest(LineRequest):
    """A page's URL, the kind of its host if the host name does not show it, and the known refs."""

    url: str
    kind: str | None = None
    refs: tuple[str, ...] | None = None


@click.command(name="url", epilog=URL_LINES)
@jsonl_option
def urls(*, _jsonl: bool) -> None:
    """Build URLs of pages on code hosts.

    A line has the repository (a remote, or a base URL and a path), the kind of host or a template, and the page.
    """
    _answer_lines(PageRequest, _url)


@click.command(name="remote", epilog=REMOTE_LINES)
@jsonl_option
def remotes(*, _jsonl: bool) -> None:
    """Parse remote URLs of repositories. Users, passwords and tokens are removed."""
    _answer_lines(RemoteRequest, _remote)


@click.command(name="read-url", epilog=READ_URL_LINES)
@jsonl_option
def read_urls(*, _jsonl: bool) -> None:
    """Find the repository, ref and path of page URLs on code hosts, most likely first."""
    _answer_lines(PageUrlRequest, _candidates)


def _url(request: PageRequest) -> Answer | NoUrl:
    url = page_url(request)
    # A page that the host does not have is a normal answer, not an error of the request.
    return url if isinstance(url, NoUrl) else {"url": url}


def _remote(request: RemoteRequest) -> Answer:
    return read_remote(request.remote, request.kind or None).model_dump(mode="json", exclude={"base_url"})


def _candidates(request: PageUrlRequest) -> Answer:
    candidates = read_url(request.url, request.kind or None, request.refs or ())
    return {"candidates": [candidate.model_dump(mode="json") for candidate in candidates]}


def _answer_lines(request: type[RequestT], answer: Callable[[RequestT], Answer | NoUrl]) -> None:
    """Answer each line of standard input; an invalid URL or template gets a refusal with the SDK's message."""

    def answer_or_refuse(parsed: RequestT) -> Answer:
        try:
            result = answer(parsed)
        except UrlError as error:
            return refusal("bad_url", str(error))
        except TemplateError as error:
            return refusal("bad_template", str(error))
        if isinstance(result, NoUrl):
            return refusal(result.reason.value, result.message or "the host's templates have no such page")
        return result

    answer_lines(request, answer_or_refuse)
