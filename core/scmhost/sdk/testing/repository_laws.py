"""Laws of installing, offering, adding and showing repositories."""

import re
from typing import Any, Final

from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from scmhost.sdk import AddRequest, Claim, Create, Installation, Refusal, Repository
from scmhost.sdk.provider import RepositoryPayload

from .breaches import Breach, repeated
from .calls import Answer
from .draws import names, payload, repositories
from .laws import law
from .search import for_all
from .subject import ORGANIZATION, Subject

_ADD: Final = ("scm_dispatch_repository",)
_OFFER: Final = ("scm_offer_repositories",)
_SHOW: Final = ("scm_serialize_repository",)
_KEPT: Final = ("id", "integrationId", "externalId", "dateCreated")
_SCRIPTS: Final = ("javascript:alert(1)", "data:text/html,x", "https://user:secret@git.example.com")
_IS_WEB: Final = re.compile(r"https?://", re.IGNORECASE)


@law(
    "install-safe",
    "The install form takes no URL that is not http or https, or that carries a password.",
    help="check URLs in the form with a field_validator that calls check_web_url",
    hooks=("scm_install",),
)
def install_safe(subject: Subject) -> None:
    for name, value in subject.form_fields.items():
        for script in _SCRIPTS if isinstance(value, str) and _IS_WEB.match(value) else ():
            form = _form_of(subject, {**subject.form_fields, name: script})
            answer = subject.ask("scm_install", form=form, organization=ORGANIZATION) if form else None
            if answer and answer.error is None:
                raise Breach(f"the field {name!r} takes {script!r}", answer.call)


@law(
    "secrets-hidden",
    "What is marked as secret stands neither in what a hook gives back nor in what it raises.",
    help="keep secrets in the settings, and say in errors what failed, not with what",
)
def secrets_hidden(subject: Subject) -> None:
    if not subject.providers or not subject.secrets:
        return

    def check(answer: Answer) -> None:
        told = f"{answer.value!r} {answer.value} {answer.error}"
        if any(secret in told for secret in subject.secrets):
            raise Breach("a secret stands in it", answer.call)

    if subject.has("scm_install"):
        check(subject.ask("scm_install", form=subject.form, organization=ORGANIZATION))
    for answer in _sample_answers(subject):
        check(answer)


@law(
    "offers-unique",
    "Each offer has an identifier of its own.",
    help="take the repository's id or whole name, not a part of it",
    hooks=_OFFER,
)
def offers_unique(subject: Subject) -> None:
    def check(known: list[Repository]) -> None:
        answer = _offered(subject, known)
        for identifier, count in repeated(one.identifier for one in answer.value or ()).items():
            raise Breach(f"{identifier!r} is offered {count} times", answer.call)

    for_all(repositories(subject), check, subject.samples.examples)


@law(
    "offers-can-be-added",
    "What is offered can be added: the identifier comes back and is neither unknown nor refused as invalid.",
    help="offer only what scm_dispatch_repository accepts, under an identifier that is the id or the name",
    hooks=(*_OFFER, *_ADD),
    together=True,
)
def offers_can_be_added(subject: Subject) -> None:
    def check(known: list[Repository]) -> None:
        for offer in _offered(subject, known).value or ():
            candidate = _named(known, offer.identifier)
            answer = subject.decide(candidate, offer.identifier)
            if answer and isinstance(answer.value, Refusal) and answer.value.reason in ("not_found", "invalid"):
                raise Breach(f"it was offered as {offer.name!r}", answer.call)

    for_all(repositories(subject), check, subject.samples.examples)


@law(
    "sample-added",
    "The sample repository can be claimed or created.",
    help="set repository = {'name': ..., 'url': ...} to one that the sample installation may add",
    hooks=_ADD,
)
def sample_added(subject: Subject) -> None:
    answer = subject.decide(subject.candidate)
    if answer and answer.error is None and isinstance(answer.value, Refusal):
        raise Breach(f"it is refused: {answer.value.message}", answer.call)


@law(
    "claims-candidate-only",
    "Without a candidate there is nothing to claim: a plugin creates or refuses.",
    help="give Refusal(reason='not_found', ...) or Create(...) when candidate is None",
    hooks=_ADD,
)
def claims_candidate_only(subject: Subject) -> None:
    def check(identifier: str) -> None:
        answer = _decided(subject, identifier, None)
        if isinstance(answer.value, Claim):
            raise Breach("there is no candidate to claim", answer.call)

    for_all(names, check, subject.samples.examples)


@law(
    "no-twins",
    "With a candidate, a plugin does not create another repository of the candidate's name.",
    help="give Claim() when candidate is the repository that was asked for",
    hooks=_ADD,
)
def no_twins(subject: Subject) -> None:
    def check(name: str) -> None:
        candidate = subject.unclaimed(name=name)
        answer = _decided(subject, name, candidate)
        if isinstance(answer.value, Create) and answer.value.name.casefold() == name.casefold():
            raise Breach(f"{name!r} is there already, and unclaimed", answer.call)

    for_all(names, check, subject.samples.examples)


@law(
    "decisions-repeat",
    "The same request gets the same decision.",
    help="decide by the installation, the request and the candidate alone, and by what your host says",
    hooks=_ADD,
)
def decisions_repeat(subject: Subject) -> None:
    def check(drawn: tuple[str, bool]) -> None:
        name, known = drawn
        candidate = subject.unclaimed(name=name) if known else None
        first, second = (_decided(subject, name, candidate) for _ in range(2))
        if type(first.value) is not type(second.value) or _what(first.value) != _what(second.value):
            raise Breach(f"the second time it {second.call.outcome}", first.call)

    for_all(st.tuples(names, st.booleans()), check, subject.samples.examples)


@law(
    "organizations-apart",
    "What is answered for one organization does not depend on what was asked for another.",
    help="keep nothing between calls, or keep it by organization and installation",
    hooks=_OFFER,
)
def organizations_apart(subject: Subject) -> None:
    name = subject.candidate.name
    own, theirs = subject.unclaimed(21, name=f"{name}-one"), subject.unclaimed(22, name=f"{name}-two")
    other = subject.installation.model_copy(update={"id": 4, "organization_id": 2, "external_id": "other"})
    before = _offered(subject, [own])
    told = _offered(subject, [theirs.model_copy(update={"organization_id": 2})], other)
    after = _offered(subject, [own])
    for answer, foreign in ((told, own), (after, theirs)):
        if foreign.name in {one.name for one in answer.value or ()}:
            raise Breach(f"{foreign.name!r} is another organization's", answer.call)
    if repr(before.value) != repr(after.value):
        raise Breach("after another organization was asked for, the answer is another", after.call)


@law(
    "wire-types",
    "A shaped repository keeps the types of the wire.",
    help="replace text by text; new fields may be any JSON",
    hooks=_SHOW,
)
def wire_types(subject: Subject) -> None:
    answer, own = _shaped(subject)
    try:
        RepositoryPayload.model_validate({**own, **(answer.value or {})})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Breach(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", answer.call) from None


@law(
    "ids-kept",
    "A shaped repository keeps its ids and its date.",
    help="give back only the fields that you replace or add",
    hooks=_SHOW,
)
def ids_kept(subject: Subject) -> None:
    answer, own = _shaped(subject)
    changed = [name for name in _KEPT if name in (answer.value or {}) and answer.value[name] != own[name]]
    if changed:
        raise Breach(f"{changed[0]} was {own[changed[0]]!r}", answer.call)


LAWS: Final = (
    install_safe,
    secrets_hidden,
    offers_unique,
    offers_can_be_added,
    sample_added,
    claims_candidate_only,
    no_twins,
    decisions_repeat,
    organizations_apart,
    wire_types,
    ids_kept,
)


def _form_of(subject: Subject, fields: dict[str, Any]) -> BaseModel | None:
    try:
        return subject.provider.install_form.model_validate(fields)
    except ValidationError:
        return None


def _sample_answers(subject: Subject) -> list[Answer]:
    """The plugin's answers about its samples, where secrets could slip out."""
    answers = []
    if subject.has("scm_offer_repositories"):
        answers.append(_offered(subject, [subject.candidate]))
    if subject.has("scm_dispatch_repository"):
        answers += [_decided(subject, "team/app", candidate) for candidate in (None, subject.candidate)]
    if subject.has("scm_serialize_repository"):
        answers.append(_shaped(subject)[0])
    if subject.has("scm_compare_commits"):
        answers.append(subject.link("scm_compare_commits", base=None, head="main")[0])
    return answers


def _offered(subject: Subject, known: list[Repository], installation: Installation | None = None) -> Answer:
    here = installation or subject.installation
    return subject.ask("scm_offer_repositories", installation=here, repositories=tuple(known), search="")


def _decided(subject: Subject, identifier: str, candidate: Repository | None) -> Answer:
    request = AddRequest(identifier=identifier)
    return subject.ask(
        "scm_dispatch_repository", installation=subject.installation, request=request, candidate=candidate
    )


def _named(known: list[Repository], identifier: str) -> Repository | None:
    """The repository that an identifier names, as the host looks it up: by its id, else by its name."""
    by_id = [one for one in known if str(one.id) == identifier]
    return next(iter([*by_id, *(one for one in known if one.name.casefold() == identifier.casefold())]), None)


def _what(decision: object) -> object:
    """What a decision is about; ids that a host makes up anew each time do not count."""
    return decision.name if isinstance(decision, Create) else getattr(decision, "reason", None)


def _shaped(subject: Subject) -> tuple[Answer, dict[str, Any]]:
    own = payload(subject)
    return subject.ask("scm_serialize_repository", repository=subject.repository, payload=own), own
