"""The routes of redirects. A browser opens them: they need a key in the path, no token, and answer with pages."""

import re
from typing import Annotated, Final
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from scmhost.infra.errors import InvalidInput, NotFound, ScmhostError
from scmhost.infra.http import html_page
from scmhost.infra.rates import RateLimits, TooManyRequests
from scmhost.links.values import FrameQuery, no_link_message
from scmhost.mapping import FrameInfo
from scmhost.organizations.access import ServicesDep
from scmhost.sdk import Organization, Reason, ref_problem
from scmhost.services import Services

from .follow import Followed, RedirectRequest, follow
from .keys import organization_of
from .pages import page, style_sheet

router: Final = APIRouter(tags=["redirects"])

_LONGEST: Final = 4096
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
_PLACE: Final = re.compile(r"(?P<path>.+?):(?P<line>\d{1,9})(?::\d{1,9})?", re.ASCII | re.DOTALL)

_MENDED_BY_A_MAPPING: Final = frozenset(
    {
        Reason.NO_CODE_MAPPINGS,
        Reason.STACK_ROOT_MISMATCH,
        Reason.FILE_NOT_FOUND,
        Reason.PATH_OUTSIDE,
        Reason.NOT_IN_REPOSITORY,
        Reason.SEVERAL_FILES,
    }
)

_Text = Annotated[str, Field(max_length=_LONGEST)]


class RedirectQuery(BaseModel):
    """The query of a redirect. All fields but one that names the file are optional; other fields are ignored."""

    file: _Text = Field(default="", description="The frame's path; or `filename`, as Sentry calls it, or `loc`.")
    filename: _Text = ""
    line: _Text = Field(default="", description="The frame's line; or `lineNo`, as Sentry calls it.")
    line_no: _Text = Field(default="", alias="lineNo")
    column: _Text = Field(default="", description="Accepted, but pages of code hosts show no columns.")
    loc: _Text = Field(default="", description="`PATH:LINE[:COLUMN]`, for tools with one value for all.")
    release: _Text = ""
    commit: _Text = ""
    repo: _Text = Field(default="", description="The URL of the repository; then a relative path needs no mapping.")
    rev: _Text = Field(default="", description="The commit, with `repo`.")
    project: _Text = Field(default="", description="The project; or `projectSlug`. Without one all are tried.")
    project_slug: _Text = Field(default="", alias="projectSlug")
    module: _Text = ""
    platform: _Text = ""
    installation_id: _Text = Field(default="", alias="installationId", description="The sender, as Sentry names it.")

    def request(self) -> RedirectRequest:
        """Return the request that the query describes.

        Raises:
            InvalidInput: it names no file, or its line or commit is malformed.
        """
        path, line = self.file or self.filename, self.line or self.line_no
        if not path and self.loc:
            match = _PLACE.fullmatch(self.loc)
            path, line = (match["path"], match["line"]) if match else (self.loc, line)
        if not path:
            raise InvalidInput("The address names no file: it needs file=PATH, or loc=PATH:LINE.")
        # Sentry leaves the number out for a frame without one.
        if line and not _NUMBER.fullmatch(line):
            raise InvalidInput("The line in the address is no number.")
        commit = self.commit or self.rev
        problem = ref_problem(commit) if commit else None
        if problem:
            raise InvalidInput(f"{problem}.")
        # The rules of the JVM need both: the class has the folders, and the path is a name.
        info = FrameInfo(
            filename=path,
            module=self.module or None,
            abs_path=path if self.module else None,
            platform=self.platform or None,
        )
        frame = FrameQuery(info, int(line) if line else None, commit or None)
        return RedirectRequest(
            frame, self.project or self.project_slug or None, self.release or None, self.repo or None
        )


_Key = Annotated[str, Path(description="A key of `scmhost redirects create`.")]


@router.get("/r/{key}", response_class=Response, include_in_schema=False)
@router.get("/r/sentry/{key}", response_class=Response, include_in_schema=False)
def redirect(services: ServicesDep, key: _Key, query: Annotated[RedirectQuery, Query()]) -> Response:
    """Redirect a browser to the source of a frame; a page, if there are several places or none."""
    try:
        own, organization = organization_of(services, key, query.installation_id or None)
        services.shared(RateLimits).check("redirect", str(own.id), services.limits.redirects_per_minute)
        request = query.request()
        found = follow(services, organization, request)
    except NotFound as error:
        return _problem(404, error)
    except InvalidInput as error:
        return _problem(400, error)
    except TooManyRequests as error:
        answer = _problem(429, error)
        answer.headers["Retry-After"] = str(error.retry_after)
        return answer
    return _answer(services, organization, request, found)


def _answer(services: Services, organization: Organization, request: RedirectRequest, found: Followed) -> Response:
    if len(found.pages) == 1:
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        return RedirectResponse(found.pages[0].link.url, 302, headers)
    frame = request.frame
    place = f"{frame.info.filename}:{frame.line}" if frame.line else frame.info.filename
    if found.pages:
        return html_page(page("choose.html", organization=organization, place=place, pages=found.pages), styled=True)
    assert found.missing is not None  # noqa: S101 - without a page there is a reason
    missing = page(
        "missing.html",
        place=place,
        reason=no_link_message(found.missing),
        missing=found.missing,
        explained=found.explained,
        mapping_forms=_mapping_forms(services, organization, request, found),
    )
    return html_page(missing, 404, styled=True)


def _mapping_forms(
    services: Services, organization: Organization, request: RedirectRequest, found: Followed
) -> dict[int, str]:
    """Return the addresses of the pages on which an administrator makes the missing mapping, by project."""
    # Other reasons, such as an unclaimed repository, stay with any mapping.
    if not services.web.enabled or found.missing is None or found.missing.reason not in _MENDED_BY_A_MAPPING:
        return {}
    frame = request.frame
    fields = {"path": frame.info.filename, "line": frame.line, "module": frame.info.module}
    query = urlencode({name: value for name, value in (fields | {"platform": frame.info.platform}).items() if value})
    base = urlsplit(services.url or "").path
    above = f"{base}/organizations/{organization.slug}/projects"
    return {project.id: f"{above}/{project.slug}/mappings/new?{query}" for project, _ in found.explained}


def _problem(status: int, error: ScmhostError) -> Response:
    return html_page(page("problem.html", problem=str(error)), status, styled=True)


# At both, because the pages refer to it relatively: a proxy may serve scmhost below a path.
@router.get("/r/-/style.css", response_class=Response, include_in_schema=False)
@router.get("/r/sentry/-/style.css", response_class=Response, include_in_schema=False)
def style() -> Response:
    """The style sheet of the pages."""
    return Response(style_sheet(), media_type="text/css", headers={"Cache-Control": "public, max-age=86400"})
