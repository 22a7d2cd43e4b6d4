"""Providers and installations: the catalogue, what an installation needs, its repositories, webhook and removal."""

from collections.abc import Callable, Mapping
from typing import Final

from starlette.responses import Response

from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.installations.install import catalogue, get_installation, list_installations
from scmhost.installations.install_steps import pending_installation
from scmhost.installations.queries import StoredInstallation
from scmhost.installations.sealing import attention_reasons
from scmhost.installations.webhooks import DELIVERIES, create_secret, delete_secret, list_deliveries, list_secrets
from scmhost.repositories.claim import add_repository, create_repository
from scmhost.repositories.manage import list_repositories, uninstall
from scmhost.repositories.offers import offer_repositories
from scmhost.repositories.sync import request_sync, sync_status
from scmhost.repositories.webhooks import list_webhooks, request_all, webhooks_blocker
from scmhost.sdk import AddRequest

from .repositories import REFUSALS
from .visit import Visit, get, post

_LISTED: Final = 50
_SIZES: Final = (_LISTED, 20, 5)
_LONGEST_MESSAGE: Final = 400


def show_installations(visit: Visit) -> Response:
    """The installations of the organization, and the providers that it may install."""
    page = list_installations(visit.services, visit.organization, visit.page_query(_LISTED))
    return visit.page_that_fits(
        "installations.html",
        _SIZES,
        page=page,
        attention=attention_reasons(visit.services, visit.organization, [each.installation for each in page.items]),
        providers=[provider for provider, _ in catalogue(visit.services, visit.organization)],
        idle=lambda key: visit.services.plugins.idle_reason(key, visit.organization),
    )


def show_installation(visit: Visit) -> Response:
    """One installation: its state, its repositories and its webhook."""
    return _page(visit, stored(visit))


def change(visit: Visit) -> Response:
    """Perform the action of a button of the page."""
    visit.require_admin()
    found = stored(visit)
    act = _ACTS.get(visit.path("act"))
    if act is None:
        raise NotFound("An installation has no such action.")
    try:
        return act(visit, found)
    except REFUSALS as error:
        return _page(visit, found, 400, problem=str(error), failed=visit.path("act"))


def show_offers(visit: Visit) -> Response:
    """The repositories that the installation may claim, of the code host and of those that nobody has claimed."""
    visit.require_admin()
    found = stored(visit)
    search = visit.query("search")
    offers, problem = None, ""
    try:
        offers = offer_repositories(
            visit.services, visit.organization, found.installation.id, search, visit.query("cursor")
        )
    except REFUSALS as error:
        problem = str(error)
    return visit.page_that_fits(
        "offers.html",
        (1_000, 300, 100, 30),
        stored=found,
        path=path_of(visit, found),
        offers=offers,
        search=search,
        problem=problem,
    )


def show_pending(visit: Visit) -> Response:
    """An installation that the person continues at the code host."""
    visit.require_admin()
    pending = pending_installation(visit.acting, visit.organization, visit.path_id("pending"))
    if pending.installation_id is not None:
        return visit.redirect(f"{visit.organization_path}/installations/{pending.installation_id}", "It is installed.")
    return visit.page("pending.html", pending=pending, redirect=None)


def stored(visit: Visit) -> StoredInstallation:
    """Return the installation in the path."""
    return get_installation(visit.services, visit.organization, visit.path_id("installation"))


def path_of(visit: Visit, found: StoredInstallation) -> str:
    """Return the path of the page of an installation."""
    return f"{visit.organization_path}/installations/{found.installation.id}"


def _claim(visit: Visit, found: StoredInstallation) -> Response:
    """Claim an offered repository, or one by its name; with an address it is added first, if it is not known."""
    installation = found.installation
    identifier, url = visit.field("identifier") or visit.field("name"), visit.field("url")
    if url:
        repository, _ = create_repository(visit.acting, visit.organization, identifier, url)
        identifier = str(repository.id)
    request = AddRequest(identifier=identifier)
    saved = add_repository(visit.acting, visit.organization, installation.provider, installation.id, request).saved
    back = f"{path_of(visit, found)}/repositories" if visit.field("back") == "offers" else path_of(visit, found)
    return visit.redirect(back, f"{saved.name} is claimed.", search=visit.field("search"))


def _sync(visit: Visit, found: StoredInstallation) -> Response:
    status = request_sync(visit.acting, visit.organization, found.installation.id)
    return _back(visit, found, status.fault or "Its repositories are compared with the code host in the background.")


def _renew(visit: Visit, found: StoredInstallation) -> Response:
    request_all(visit.acting, visit.organization, found.installation.id)
    return _back(visit, found, "Its webhooks are registered again in the background.")


def _new_secret(visit: Visit, found: StoredInstallation) -> Response:
    # Shown in the answer itself: a cookie must not carry it to another page.
    new = create_secret(visit.acting, visit.organization, found.installation.id)
    return _page(visit, found, secret=new.text)


def _delete_secret(visit: Visit, found: StoredInstallation) -> Response:
    delete_secret(visit.acting, visit.organization, found.installation.id, visit.field_id("secret"))
    return _back(visit, found, "The secret is deleted. Deliveries that it signs are refused.")


def _uninstall(visit: Visit, found: StoredInstallation) -> Response:
    name = found.installation.name
    # Browsers show blanks in a row as one.
    if visit.field("confirm").casefold().split() != name.casefold().split():
        raise InvalidInput(f"Nothing was changed: to uninstall {name!r}, type its name.", "confirm")
    notes = uninstall(visit.acting, visit.organization, found.installation.id)
    for text in [f"{found.installation.name} is uninstalled. Its repositories stay, unclaimed.", *notes[:2]]:
        visit.cookie.add_message(text[:_LONGEST_MESSAGE])
    return visit.redirect(f"{visit.organization_path}/installations")


def _back(visit: Visit, found: StoredInstallation, message: str) -> Response:
    return visit.redirect(path_of(visit, found), message[:_LONGEST_MESSAGE])


_ACTS: Final[Mapping[str, Callable[[Visit, StoredInstallation], Response]]] = {
    "claim": _claim,
    "sync": _sync,
    "webhooks": _renew,
    "secret": _new_secret,
    "delete-secret": _delete_secret,
    "uninstall": _uninstall,
}


def _page(
    visit: Visit,
    found: StoredInstallation,
    status: int = 200,
    *,
    secret: str = "",
    problem: str = "",
    failed: str = "",
) -> Response:
    services, organization, installation = visit.services, visit.organization, found.installation
    calls = services.plugins.calls(installation.provider)
    registers = services.plugins.has_hook(installation.provider, "scm_register_webhook")
    return visit.page_that_fits(
        "installation.html",
        _SIZES,
        status,
        stored=found,
        path=path_of(visit, found),
        provider=calls.provider if calls else None,
        idle=services.plugins.idle_reason(installation.provider, organization),
        attention=attention_reasons(services, organization, [installation]).get(installation.id),
        repositories=list_repositories(
            services, organization, visit.page_query(_LISTED), installation_id=installation.id
        ),
        synced=sync_status(services, organization, installation.id),
        takes_pushes=services.plugins.has_hook(installation.provider, "scm_read_push"),
        address=visit.address(DELIVERIES.format(installation_id=installation.id)),
        secrets=list_secrets(services, organization, installation.id),
        deliveries=list_deliveries(services, organization, installation.id),
        blocker=webhooks_blocker(services) if registers else None,
        webhooks=list_webhooks(services, organization, installation.id) if registers else None,
        secret=secret,
        problem=problem,
        failed=failed,
    )


VIEWS: Final = (
    get("/organizations/{organization}/installations", show_installations),
    get("/organizations/{organization}/installations/pending/{pending}", show_pending),
    get("/organizations/{organization}/installations/{installation}", show_installation),
    get("/organizations/{organization}/installations/{installation}/repositories", show_offers),
    post("/organizations/{organization}/installations/{installation}/{act}", change),
)
