"""A visit: a request of a browser with its person, its form, and the answers to it; and the views that answer it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from scmhost.infra.db.base import is_id
from scmhost.infra.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from scmhost.infra.http import note_organization, service_url
from scmhost.infra.logs import note_person
from scmhost.infra.paging import PageQuery, read_cursor
from scmhost.organizations import create
from scmhost.organizations.people import known_person
from scmhost.organizations.people_queries import SignedIn
from scmhost.organizations.queries import Project
from scmhost.organizations.sessions import actor_of, find_session, visible_organizations, without_session
from scmhost.sdk import Organization
from scmhost.services import Services

from .cookies import CookieState, named_by_proxy
from .rendering import html

FORM_TOKEN: Final = "form_token"  # noqa: S105 - the name of a field
LARGEST_PAGE: Final = 60_000
"""The largest page, in bytes: it loads fast on a telephone too, and nobody reads more."""

_MOST_FIELDS: Final = 200
_LONGEST_QUERY: Final = 2_000
# The browser gets the next page with GET, so that loading it again sends no form again.
_SEE_OTHER: Final = 303

Form = Mapping[str, str]


class Visit:
    """A request of a browser, for views."""

    def __init__(self, request: Request, form: Form) -> None:
        self.request = request
        self.form = form
        self.services: Services = request.app.state.services
        self.cookie = CookieState(self.services, request)

    @cached_property
    def base(self) -> str:
        """The path below which a proxy serves scmhost, without a final slash."""
        path = urlsplit(self.services.url).path if self.services.url else str(self.request.scope.get("root_path", ""))
        return path.rstrip("/")

    def url(self, path: str, /, **query: object) -> str:
        """Return the address of a page of scmhost in a browser."""
        chosen = {key: value for key, value in query.items() if value not in (None, "")}
        return f"{self.base}{path}{'?' if chosen else ''}{urlencode(chosen)}"

    def address(self, path: str) -> str:
        """Return the whole address of a page of scmhost, to give to others."""
        return f"{service_url(self.request)}{path}"

    def below_base(self, path: str) -> str:
        """Return a path of a browser as a path of this service, without that of the proxy."""
        is_below = self.base and path.startswith(f"{self.base}/")
        return path.removeprefix(self.base) if is_below else path

    @cached_property
    def signed_in(self) -> SignedIn | None:
        """The person, if somebody is signed in.

        Raises:
            Forbidden: a header names a person, and is not from a proxy that may.
        """
        named = named_by_proxy(self.services.web, self.request)
        if named:
            found: SignedIn | None = without_session(self.services, known_person(self.services, named))
        else:
            found = find_session(self.services, self.cookie.secret) if self.cookie.secret else None
        if found:
            note_person(found.person.id)
        return found

    @property
    def person(self) -> SignedIn:
        """The person.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        if self.signed_in is None:
            raise Unauthenticated("Sign in to see this page.")
        return self.signed_in

    @cached_property
    def acting(self) -> Services:
        """The services for changes: the audit log names the person."""
        return self.services.for_actor(actor_of(self.person.person))

    @cached_property
    def organizations(self) -> list[Organization]:
        """The organizations that the person sees."""
        return visible_organizations(self.services, self.person)

    @cached_property
    def organization(self) -> Organization:
        """The organization in the path.

        Raises:
            NotFound: there is none that the person sees. Whether it exists is not revealed.
        """
        slug, person = self.path("organization"), self.person
        unknown = NotFound(f"There is no organization {slug!r} that you may see.")
        try:
            organization = create.find_organization(self.services, slug)
        except NotFound:
            raise unknown from None
        if not person.sees(organization.id):
            raise unknown
        note_organization(organization)
        return organization

    @property
    def organization_path(self) -> str:
        """The path of the page of the organization."""
        return f"/organizations/{self.organization.slug}"

    @property
    def project_path(self) -> str:
        """The path of the page of the project."""
        return f"{self.organization_path}/projects/{self.project.slug}"

    @cached_property
    def project(self) -> Project:
        """The project in the path, of the organization in the path."""
        return create.find_project(self.services, self.organization, self.path("project"))

    @property
    def is_admin(self) -> bool:
        """Whether the person administers the organization in the path."""
        return self.person.administers(self.organization.id)

    def require_admin(self) -> Organization:
        """Return the organization in the path, if the person administers it.

        Raises:
            Forbidden: the person does not.
        """
        if not self.is_admin:
            raise Forbidden(f"Only administrators of {self.organization.slug!r} may do that; ask one of them.")
        return self.organization

    def require_host_admin(self) -> None:
        """Check that the person administers the host.

        Raises:
            Forbidden: the person does not.
        """
        if not self.person.person.host_admin:
            raise Forbidden("Only administrators of this host may do that; ask one of them.")

    def path(self, name: str) -> str:
        """Return a parameter of the path."""
        return str(self.request.path_params[name])

    def path_id(self, name: str) -> int:
        """Return an id in the path.

        Raises:
            NotFound: it is no id.
        """
        return as_number(self.path(name))

    def query(self, name: str) -> str:
        """Return a parameter of the query, or an empty text. The end of a long one is cut: pages repeat it."""
        return self.request.query_params.get(name, "")[:_LONGEST_QUERY]

    def page_query(self, size: int) -> PageQuery:
        """Return the page of a list that the query names."""
        return read_cursor(self.query("cursor") or None, size)

    def field(self, name: str) -> str:
        """Return a field of the form without blanks around it, or an empty text."""
        return self.form.get(name, "").strip()

    def field_id(self, name: str) -> int:
        """Return an id in the form.

        Raises:
            InvalidInput: it is no id.
        """
        try:
            return as_number(self.field(name))
        except NotFound:
            raise InvalidInput("Choose one of the list.", name) from None

    def page_that_fits(self, template: str, sizes: Sequence[int], status: int = 200, **values: Any) -> Response:
        """Return a page with as many items as fit into a page; ``sizes`` are tried in order, as ``most``."""
        for most in sizes:
            answer = self.page(template, status, most=most, **values)
            if len(answer.body) <= LARGEST_PAGE:
                break
        return answer

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page as the answer."""
        return html(self, template, status, **values)

    def redirect(self, path: str, message: str = "", /, **query: object) -> Response:
        """Send the browser to another page, which shows a message."""
        if message:
            self.cookie.add_message(message)
        return RedirectResponse(self.url(path, **query), _SEE_OTHER)

    def to_sign_in(self) -> Response:
        """Send the browser to the page where people sign in, and afterwards back."""
        # A form cannot be sent again from a link.
        here = self.request.url.path if self.request.method == "GET" else ""
        query = f"?{self.request.url.query}" if here and self.request.url.query else ""
        return self.redirect("/sign-in", next=f"{here}{query}")


def read_fields(body: bytes) -> Form:
    """Return the fields of a form that a browser sent. Of several with the same name, the last one counts.

    Raises:
        InvalidInput: it has too many fields, or is no UTF-8.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise InvalidInput("The form cannot be read.") from None
    return dict(pairs)


def local_path(text: str) -> str:
    """Return the path of this service that a text names, or that of the start page."""
    # A browser reads // and /\\ as the beginning of another host.
    is_local = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_local else "/"


def as_number(text: str) -> int:
    """Return an id.

    Raises:
        NotFound: it is none.
    """
    if not is_id(text):
        raise NotFound(f"There is nothing with the id {text[:40]!r}.")
    return int(text)


@dataclass(frozen=True, slots=True)
class View:
    """A page, or what a form does. Each module of pages lists its own as ``VIEWS``.

    Attributes:
        method: GET or POST. A POST has the token of its form.
        path: the path, with parameters in braces.
        show: answers the visit.
    """

    method: str
    path: str
    show: Callable[[Visit], Response]


def get(path: str, show: Callable[[Visit], Response]) -> View:
    """Return a view that shows a page."""
    return View("GET", path, show)


def post(path: str, show: Callable[[Visit], Response]) -> View:
    """Return a view that answers a form."""
    return View("POST", path, show)
