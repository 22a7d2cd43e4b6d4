"""The code mappings of a project in their order, those that known files support, and frames that have none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.links.code_mappings import create_mapping, mappings_in_order
from scmhost.links.derive import Derivation, DerivationOptions, derive_for_project
from scmhost.links.missing import OTHER_ROOTS, SHOWN_DAYS, missing_frames
from scmhost.links.traces import Trace, trace_time

from .trace import read_form
from .visit import Visit, get, post

_MOST_SHOWN: Final = 200
_SIZES: Final = (_MOST_SHOWN, 100, 50, 20, 5)
_LONGEST_TEXT: Final = 12_000


def show_mappings(visit: Visit) -> Response:
    """The mappings in the order in which they are tried."""
    listed, more = mappings_in_order(visit.services, visit.organization, visit.project, _MOST_SHOWN)
    return visit.page_that_fits("mappings.html", _SIZES, listed=listed, more=more)


def show_missing(visit: Visit) -> Response:
    """How many frames had no link over the last days, by reason and by the beginning of their paths."""
    listed = missing_frames(visit.services, visit.organization, _MOST_SHOWN + 1)
    return visit.page_that_fits("missing.html", _SIZES, listed=listed, days=SHOWN_DAYS, other_roots=OTHER_ROOTS)


def show_derive(visit: Visit) -> Response:
    """The form for a trace to derive mappings from."""
    visit.require_admin()
    return _derive_page(visit)


def derive(visit: Visit) -> Response:
    """Show the mappings that a trace and known files support, and save the one that was accepted."""
    visit.require_admin()
    with trace_time(visit.services, visit.organization):
        return _derive(visit)


def _derive(visit: Visit) -> Response:
    try:
        _, trace = read_form(visit)
    except InvalidInput as error:
        return _derive_page(visit, 400, problem=error.message)
    notes: list[str] = []
    derived = _derived(visit, trace, notes)
    if accepted := visit.form.get("accept"):
        _accept(visit, derived, accepted)
        visit.cookie.add_message("The code mapping is saved.")
        derived = _derived(visit, trace)
    return _derive_page(visit, derived=derived, notes=notes)


def key_of(derivation: Derivation) -> str:
    """Return a text that names a derived mapping in a form."""
    draft = derivation.draft
    return f"{draft.repository_id} {draft.stack_root} {draft.source_root}"


def _derived(visit: Visit, trace: Trace, notes: list[str] | None = None) -> list[Derivation]:
    options = DerivationOptions(min_confidence="low")
    return derive_for_project(visit.services, visit.organization, visit.project, trace.queries, options, notes)


def _accept(visit: Visit, derived: Sequence[Derivation], key: str) -> None:
    """Save a derived mapping. A person has confirmed it, so that it is a person's."""
    chosen = next((each for each in derived if key_of(each) == key and each.action == "create"), None)
    if chosen is None:
        raise NotFound("This code mapping was saved meanwhile, or the text supports it no more.")
    draft = replace(chosen.draft, generated=False, confidence=None, derived_from=())
    create_mapping(visit.acting, visit.organization, chosen.repository.installation_id or 0, draft)


def _derive_page(
    visit: Visit,
    status: int = 200,
    *,
    derived: Sequence[Derivation] | None = None,
    notes: Sequence[str] = (),
    problem: str | None = None,
) -> Response:
    text = visit.form.get("text", "")
    return visit.page_that_fits(
        "derive.html",
        _SIZES,
        status,
        derived=derived,
        key_of=key_of,
        notes=notes,
        problem=problem,
        text=text if len(text) <= _LONGEST_TEXT else "",
        is_long=len(text) > _LONGEST_TEXT,
    )


VIEWS: Final = (
    get("/organizations/{organization}/missing", show_missing),
    get("/organizations/{organization}/projects/{project}/mappings", show_mappings),
    get("/organizations/{organization}/projects/{project}/mappings/derive", show_derive),
    post("/organizations/{organization}/projects/{project}/mappings/derive", derive),
)
