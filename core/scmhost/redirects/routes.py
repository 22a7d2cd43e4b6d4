"""The routes of redirects, which a browser opens with a key in the path and no token, their pages, and their keys."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlencode, urlsplit

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from pydantic import AwareDatetime, BaseModel, Field

from scmhost.infra.api_routes import direct_router
from scmhost.infra.errors import InvalidInput, NotFound, ScmhostError, TooManyRequests, Unavailable
from scmhost.infra.http import Moment, Wire, documented, html_page, note_organization, read_query
from scmhost.links.values import FrameQuery, no_link_message
from scmhost.mapping import FrameInfo
from scmhost.organizations.access import (
    AuditedServices,
    ForIntegrations,
    ForLinks,
    NumericId,
    ServicesDep,
    limit_rate,
    parse_id,
    services_in,
)
from scmhost.sdk import Organization, Reason, ref_problem
from scmhost.services import Services

from .follow import Followed, RedirectRequest, follow
from .keys import create_key, key_problem, list_keys, organization_of, revoke_key
from .queries import RedirectKey

log = structlog.get_logger(__name__)

router: Final = direct_router(tags=["redirects"])

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


_PAGE: Final[Mapping[str, Any]] = {"content": {"text/html": {"schema": {"type": "string"}}}}
_DOCUMENTED: Final[Mapping[str, Any]] = {
    "openapi_extra": {**documented({"key": "A redirect key."}, RedirectQuery), "security": []},
    "responses": {
        200: {"description": "The source may be in several places: a page to choose one.", **_PAGE},
        302: {"description": "To the page of the source on its code host."},
        400: {"description": "The address is malformed: a page says how.", **_PAGE},
        404: {"description": "There is no link, or no such key: a page has the reason and the next step.", **_PAGE},
        429: {"description": "More than limits.redirects_per_minute; wait for Retry-After.", **_PAGE},
        503: {"description": "Temporarily unavailable; wait for Retry-After.", **_PAGE},
    },
}


@router.get("/r/{key}", response_class=Response, **_DOCUMENTED)
@router.get("/r/sentry/{key}", response_class=Response, **_DOCUMENTED)
def redirect(request: Request) -> Response:
    """Redirect a browser to the source of a frame; a page, if there are several places or none."""
    services = services_in(request)
    try:
        query = read_query(request, RedirectQuery)
        own, organization = organization_of(services, request.path_params["key"], query.installation_id or None)
        limit_rate(services, "key", own.id, services.limits.redirects_per_minute)
        note_organization(organization)
        wanted = query.request()
        found = follow(services, organization, wanted)
    except NotFound as error:
        return _problem(404, error, _ASK_FOR_A_KEY)
    except InvalidInput as error:
        return _problem(400, error, _CORRECT_THE_TOOL)
    except RequestValidationError as error:
        return _problem(400, f"{error.errors()[0]['loc'][-1]} in the address has more than {_LONGEST} characters.")
    except TooManyRequests as error:
        return _problem(429, error, retry_after=error.retry_after)
    except Unavailable as error:
        # The text has the address of the database.
        log.warning("database fault", error=str(error))
        return _problem(503, error.public or "The service cannot look up the source now.", _RELOAD, error.retry_after)
    return _answer(services, organization, wanted, found)


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
    # Other reasons, such as an unclaimed repository, or one that the address names and nobody added, stay.
    if not services.web.enabled or found.missing is None or found.missing.reason not in _MENDED_BY_A_MAPPING:
        return {}
    if request.repository and found.missing.reason is Reason.NOT_IN_REPOSITORY:
        return {}
    frame = request.frame
    fields = {"path": frame.info.filename, "line": frame.line, "module": frame.info.module}
    query = urlencode({name: value for name, value in (fields | {"platform": frame.info.platform}).items() if value})
    base = urlsplit(services.url or "").path
    above = f"{base}/organizations/{organization.slug}/projects"
    return {project.id: f"{above}/{project.slug}/mappings/new?{query}" for project, _ in found.explained}


def _problem(status: int, error: ScmhostError | str, next_step: str = "", retry_after: int | None = None) -> Response:
    answer = html_page(page("problem.html", problem=str(error), next_step=next_step), status, styled=True)
    if retry_after:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


# At both, because the pages refer to it relatively: a proxy may serve scmhost below a path.
@router.get("/r/-/style.css", response_class=Response, include_in_schema=False)
@router.get("/r/sentry/-/style.css", response_class=Response, include_in_schema=False)
def style() -> Response:
    """The style sheet of the pages."""
    return Response(style_sheet(), media_type="text/css", headers={"Cache-Control": "public, max-age=86400"})


class NewRedirectKey(BaseModel):
    """A redirect key to create."""

    name: str
    binds_sender: bool = Field(
        default=False, alias="bindsSender", description="Whether the key works only for the first sender that uses it."
    )
    expires_at: AwareDatetime | None = Field(default=None, alias="expiresAt", description="When it ends to work.")


class RedirectKeyOut(Wire):
    """A redirect key, without its text."""

    id: str
    name: str
    hint: str = Field(description="The last four characters of the key.")
    binds_sender: bool
    sender: str | None = Field(description="The only sender of a key that binds its sender, once there is one.")
    date_created: Moment
    date_revoked: Moment | None
    date_expires: Moment | None
    date_last_used: Moment | None = Field(description="When it was last used, to the minute or so.")


class NewRedirectKeyOut(RedirectKeyOut):
    """A new redirect key, with its text."""

    key: str = Field(description="The key, which cannot be read again.")


keys_router: Final = APIRouter(prefix="/api/0/organizations/{organization}/redirect-keys", tags=["redirect keys"])


@keys_router.get("/")
def redirect_keys_list(services: ServicesDep, organization: ForIntegrations) -> Sequence[RedirectKeyOut]:
    """The redirect keys of an organization, the oldest first, revoked ones too."""
    return [RedirectKeyOut(**_key_fields(key)) for key in list_keys(services, organization)]


@keys_router.post("/", status_code=201)
def redirect_keys_add(
    services: AuditedServices, organization: ForIntegrations, new: NewRedirectKey
) -> NewRedirectKeyOut:
    """Create a redirect key. The answer is the only one that contains it."""
    key, text = create_key(services, organization, new.name, binds_sender=new.binds_sender, expires_at=new.expires_at)
    return NewRedirectKeyOut(**_key_fields(key), key=text)


class RedirectToTest(RedirectQuery):
    """The query of a redirect, and the key in its path."""

    key: _Text = Field(default="", description="The key in the address, to see whether it works.")


class RedirectPageOut(Wire):
    """A page that a redirect may lead to."""

    url: str
    repository: str
    project: str | None = Field(description="The project whose mapping gives it; null if the address names the page.")
    confidence: str


class TestedRedirectOut(Wire):
    """What a redirect does."""

    status: int = Field(
        description="302: it leads to the only page; 200: a choice of pages; 404: a page with the reason."
    )
    pages: list[RedirectPageOut]
    reason: str | None
    message: str | None = Field(description="Why it leads nowhere, in a sentence.")
    next_step: str | None


@keys_router.post("/test/")
def redirect_keys_test(services: ServicesDep, organization: ForLinks, body: RedirectToTest) -> TestedRedirectOut:
    """What a redirect does, and why, without following it. The frame is not counted, and no sender is saved."""
    problem = key_problem(services, organization, body.key, body.installation_id or None) if body.key else None
    found = follow(services, organization, body.request(), counted=False)
    pages = [
        RedirectPageOut(
            url=page.link.url,
            repository=page.repository.name,
            project=page.project.slug if page.project else None,
            confidence=page.link.basis.confidence,
        )
        for page in found.pages
    ]
    missing = found.missing
    return TestedRedirectOut(
        status=404 if problem or not pages else 302 if len(pages) == 1 else 200,
        pages=pages,
        reason="redirect_key" if problem else missing.reason.value if missing else None,
        message=problem or (no_link_message(missing) if missing else None),
        next_step=_NEW_KEY if problem else missing.next_step if missing else None,
    )


_CORRECT_THE_TOOL: Final = "Correct the address in the settings of the tool that made this link."
_RELOAD: Final = "Reload this page in a moment."
_ASK_FOR_A_KEY: Final = (
    "Ask an administrator of scmhost for new settings of the tool that opened this page. The command scmhost channel "
    "print shows them, with a new key."
)
_NEW_KEY: Final = "Create another one with `scmhost redirects add`, and put it into the tool's address."


@keys_router.delete("/{key_id}/", status_code=204, response_class=Response)
def redirect_keys_revoke(services: AuditedServices, organization: ForIntegrations, key_id: NumericId) -> None:
    """Revoke a redirect key. Its URLs lead nowhere from now on."""
    revoke_key(services, organization, parse_id(key_id, "redirect key"))


def _key_fields(key: RedirectKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "name": key.name,
        "hint": key.hint,
        "binds_sender": key.binds_sender,
        "sender": key.sender,
        "date_created": key.created_at,
        "date_revoked": key.revoked_at,
        "date_expires": key.expires_at,
        "date_last_used": key.last_used_at,
    }


_FOLDER: Final = Path(__file__).with_name("templates")


def page(name: str, **values: Any) -> str:
    """Return a page of the templates as HTML."""
    return _environment().get_template(name).render(values)


def style_sheet() -> str:
    """Return the style sheet of the pages."""
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(default=True),
        # A misspelt name in a template is an error instead of a blank.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
