"""Checks of offering, adding, synchronizing and serializing repositories."""

from typing import Any, Final

from hypothesis import strategies as st
from pydantic import ValidationError

from scmhost.sdk import Claim, Create, Refusal, Repository, safe_url
from scmhost.sdk.provider import RepositoryPayload

from .calls import HookResult
from .checks import NothingToCheck, Violation, check, duplicates
from .plugin_under_test import MAX_PAGES, PluginUnderTest
from .strategies import for_all, names, payload, repositories

_ADD: Final = ("scm_dispatch_repository",)
_OFFER: Final = ("scm_offer_repositories",)
_SERIALIZE: Final = ("scm_serialize_repository",)
_KEPT: Final = ("id", "integrationId", "externalId", "dateCreated")
_NO_OFFER: Final = "scm_offer_repositories offered nothing"
_NO_DECISION: Final = "scm_dispatch_repository made no decision"


@check(
    "offers-unique",
    "Each offer has a unique identifier.",
    help="use the whole name, or the id of the Repository that the hook got; not a part of the name",
    hooks=_OFFER,
)
def offers_unique(plugin: PluginUnderTest) -> None:
    def test(known: list[Repository]) -> bool:
        result = plugin.offers(known)
        for identifier, count in duplicates(one.identifier for one in result.value or ()).items():
            raise Violation(f"{identifier!r} is offered {count} times", result.call)
        return bool(result.value)

    for_all(repositories(plugin), test, plugin.samples.examples, nothing=_NO_OFFER)


@check(
    "offer-pages-end",
    "Pages of offers end, and no page leads to an earlier one or repeats an offer.",
    help="return next=None with the last page, and a cursor that your host continues from with the others",
    hooks=_OFFER,
)
def offer_pages_end(plugin: PluginUnderTest) -> None:
    known = [plugin.unclaimed(20 + number, name=f"{plugin.candidate.name}-{number}") for number in range(3)]
    cursors: list[str] = [""]
    seen: set[str] = set()
    while len(cursors) <= MAX_PAGES:
        result, page = plugin.offer_page(known, cursors[-1])
        if result.error is not None and not cursors[-1]:
            raise NothingToCheck(f"scm_offer_repositories offers nothing: {result.error}")
        again = next((one.identifier for one in page.offers if one.identifier in seen), None)
        if again is not None:
            raise Violation(f"{again!r} is on an earlier page, too", result.call)
        if page.next is None:
            return
        if page.next in cursors:
            raise Violation(f"its next cursor {page.next!r} is that of an earlier page", result.call)
        seen |= {one.identifier for one in page.offers}
        cursors.append(page.next)
    # A host with many repositories has many pages; without a single offer they lead nowhere.
    if not seen:
        raise Violation(f"{MAX_PAGES} pages are empty, and another one follows", result.call)


@check(
    "offer-cursors",
    "A cursor that the plugin never returned gives a ProviderError or an empty page.",
    help="raise ProviderError for a cursor that you cannot read; do not begin again with the first page",
    hooks=_OFFER,
)
def offer_cursors(plugin: PluginUnderTest) -> None:
    if "cursor" not in plugin.functions[_OFFER[0]].arguments:
        return
    for cursor in ("no cursor of this plugin", "-1", "0" * 1_000):
        result, page = plugin.offer_page([plugin.candidate], cursor)
        if page.offers:
            raise Violation(f"it is a page with {len(page.offers)} offers", result.call)


@check(
    "sync-own-repositories",
    "scm_sync_repositories reports only repositories that it got, each once, with web URLs.",
    help="look up what you got by external_id or configuration, and leave out all others",
    hooks=("scm_sync_repositories",),
)
def sync_own_repositories(plugin: PluginUnderTest) -> None:
    other = plugin.repository.model_copy(update={"id": 41, "name": f"{plugin.repository.name}-two"})
    for given in ((plugin.repository,), (plugin.repository, other)):
        result = plugin.call("scm_sync_repositories", installation=plugin.installation, repositories=given)
        if result.error is not None:
            raise NothingToCheck(f"scm_sync_repositories reports nothing: {result.error}")
        updates = result.value
        ids = [update.repository_id for update in updates]
        strange = next((id_ for id_ in ids if id_ not in [one.id for one in given] or ids.count(id_) > 1), None)
        if strange is not None:
            raise Violation(f"it reports repository {strange}, which it did not get, or twice", result.call)
        for update in updates:
            if update.url is not None and not safe_url(update.url):
                raise Violation(f"{update.url!r} is no http or https URL", result.call)


@check(
    "offers-can-be-added",
    "Every offer can be added: its identifier is neither unknown to scm_dispatch_repository nor refused as invalid.",
    help="offer only what scm_dispatch_repository accepts, under an identifier that is the id or the name",
    hooks=(*_OFFER, *_ADD),
    together=True,
)
def offers_can_be_added(plugin: PluginUnderTest) -> None:
    def test(known: list[Repository]) -> bool:
        offers = plugin.offers(known).value
        for offer in offers or ():
            candidate = _by_identifier(known, offer.identifier)
            result = plugin.decide(candidate, offer.identifier)
            if isinstance(result.value, Refusal) and result.value.reason in ("not_found", "invalid"):
                raise Violation(f"it was offered as {offer.name!r}", result.call)
        return bool(offers)

    for_all(repositories(plugin), test, plugin.samples.examples, nothing=_NO_OFFER)


@check(
    "sample-added",
    "The sample repository can be claimed or created.",
    help="set repository = {'name': ..., 'url': ...} to one that the sample installation may add",
    hooks=_ADD,
)
def sample_added(plugin: PluginUnderTest) -> None:
    result = plugin.decide_sample()
    if result.value is None:
        raise NothingToCheck(f"{_NO_DECISION}: {result.error}")
    if isinstance(result.value, Refusal):
        raise Violation(f"it is refused: {result.value.message}", result.call)


@check(
    "claims-candidate-only",
    "Without a candidate a plugin creates or refuses, and claims nothing.",
    help="return Refusal(reason='not_found', ...) or Create(...) when candidate is None",
    hooks=_ADD,
)
def claims_candidate_only(plugin: PluginUnderTest) -> None:
    def test(identifier: str) -> bool:
        result = plugin.decide(None, identifier)
        if isinstance(result.value, Claim):
            raise Violation("there is no candidate to claim", result.call)
        return result.value is not None

    for_all(names, test, plugin.samples.examples, nothing=_NO_DECISION)


@check(
    "no-duplicates",
    "With a candidate, a plugin does not create another repository of the candidate's name.",
    help="return Claim() when candidate is the requested repository",
    hooks=_ADD,
)
def no_duplicates(plugin: PluginUnderTest) -> None:
    def test(name: str) -> bool:
        candidate = plugin.unclaimed(name=name)
        result = plugin.decide(candidate, name)
        # Names are unique without regard to case.
        if isinstance(result.value, Create) and result.value.name.casefold() == name.casefold():
            raise Violation(f"{name!r} exists already, and is unclaimed", result.call)
        return result.value is not None

    for_all(names, test, plugin.samples.examples, nothing=_NO_DECISION)


@check(
    "decisions-repeat",
    "The same request gets the same decision.",
    help="decide by the installation, the request, the candidate and your host's data alone",
    hooks=_ADD,
)
def decisions_repeat(plugin: PluginUnderTest) -> None:
    def test(values: tuple[str, bool]) -> bool:
        name, known = values
        candidate = plugin.unclaimed(name=name) if known else None
        first, second = (plugin.decide(candidate, name) for _ in range(2))
        if _decision_key(first.value) != _decision_key(second.value):
            raise Violation(f"the second time it {second.call.outcome}", first.call)
        return first.value is not None

    for_all(st.tuples(names, st.booleans()), test, plugin.samples.examples, nothing=_NO_DECISION)


@check(
    "organizations-isolated",
    "Results for one organization do not depend on calls for another.",
    help="keep nothing between calls, or keep it by organization and installation",
    hooks=_OFFER,
)
def organizations_isolated(plugin: PluginUnderTest) -> None:
    name = plugin.candidate.name
    own, theirs = plugin.unclaimed(21, name=f"{name}-one"), plugin.unclaimed(22, name=f"{name}-two")
    other = plugin.installation.model_copy(update={"id": 4, "organization_id": 2, "external_id": "other"})
    before = plugin.offers([own])
    others = plugin.offers([theirs.model_copy(update={"organization_id": 2})], other)
    # The third call shows a cache whose key lacks the organization.
    after = plugin.offers([own])
    for result, foreign in ((others, own), (after, theirs)):
        if foreign.name in {one.name for one in result.value or ()}:
            raise Violation(f"{foreign.name!r} belongs to another organization", result.call)
    if repr(before.value) != repr(after.value):
        raise Violation("the result is different after a call for another organization", after.call)
    if not before.value and not others.value:
        raise NothingToCheck(_NO_OFFER)


@check(
    "wire-types",
    "A serialized repository keeps the types of the API's fields.",
    help="replace text by text; new fields may have any JSON value",
    hooks=_SERIALIZE,
)
def wire_types(plugin: PluginUnderTest) -> None:
    result, own = _serialized(plugin)
    if result.value is None:
        raise NothingToCheck(f"scm_serialize_repository returns nothing: {result.error}")
    try:
        RepositoryPayload.model_validate({**own, **(result.value or {})})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Violation(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", result.call) from None


@check(
    "ids-kept",
    "A serialized repository keeps its ids and its date.",
    help="return only the fields that you replace or add",
    hooks=_SERIALIZE,
)
def ids_kept(plugin: PluginUnderTest) -> None:
    result, own = _serialized(plugin)
    if result.value is None:
        raise NothingToCheck(f"scm_serialize_repository returns nothing: {result.error}")
    changed = [name for name in _KEPT if name in (result.value or {}) and result.value[name] != own[name]]
    if changed:
        raise Violation(f"{changed[0]} was {own[changed[0]]!r}", result.call)


CHECKS: Final = (
    offers_unique,
    offer_pages_end,
    offer_cursors,
    sync_own_repositories,
    offers_can_be_added,
    sample_added,
    claims_candidate_only,
    no_duplicates,
    decisions_repeat,
    organizations_isolated,
    wire_types,
    ids_kept,
)


def _by_identifier(known: list[Repository], identifier: str) -> Repository | None:
    """Return the repository with an identifier, as the host finds it: by id, else by name."""
    by_id = [one for one in known if str(one.id) == identifier]
    return next(iter([*by_id, *(one for one in known if one.name.casefold() == identifier.casefold())]), None)


def _decision_key(decision: object) -> object:
    """Return the part of a decision that must repeat; a host may generate a new id each time."""
    return type(decision), decision.name if isinstance(decision, Create) else getattr(decision, "reason", None)


def _serialized(plugin: PluginUnderTest) -> tuple[HookResult, dict[str, Any]]:
    own = payload(plugin)
    return plugin.call("scm_serialize_repository", repository=plugin.repository, payload=own), own
