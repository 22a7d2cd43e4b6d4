"""The plugin that laws are asked about: its functions, what they were given, and how they are called."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final, TypeVar

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Installation,
    InstallationDraft,
    Offer,
    Organization,
    Provider,
    ProviderError,
    ProviderUnavailable,
    Repository,
    authority_of,
    escaping,
)

from .breaches import Breach
from .calls import Answer, Caller
from .functions import HookFunction, hook_functions, loaded, module_of
from .probe import Probed, probe
from .samples import WEB, Samples, draft_of, made_up

T = TypeVar("T")

ORGANIZATION: Final = Organization(id=1, slug="acme", name="Acme")
SAMPLES_FIT: Final = "samples-fit"
ADDRESS: Final = re.compile(r"https?://[^/\s{}?#\"'<>]+", re.IGNORECASE)
_DAY: Final = datetime(2026, 1, 2, tzinfo=UTC)


class Subject:
    """A plugin with one of its providers, installed and with a repository, all made by its own hooks.

    Raises, wherever it needs a hook that gives no answer: Breach, with the law that is broken first.
    """

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.plugin, self.missing = loaded(samples.plugin)
        self.functions: dict[str, HookFunction] = hook_functions(self.plugin)
        self.declared = frozenset(self.functions)
        self.module = module_of(self.plugin)
        self.caller = Caller(self.functions)
        self.broken_calls: dict[str, set[str]] | None = None
        self.notes: list[str] = []

    def has(self, hook: str) -> bool:
        """Whether the plugin has a hook."""
        return hook in self.functions

    @cached_property
    def probed(self) -> Probed | None:
        """What importing the plugin does to a fresh process; None when it has no module to import."""
        return probe(self.module) if self.module else None

    @cached_property
    def providers(self) -> tuple[Provider, ...]:
        """All providers of the plugin."""
        if not self.has("scm_register_providers"):
            return ()
        return tuple(self.caller.answer("scm_register_providers", {}).needed())

    @cached_property
    def provider(self) -> Provider:
        """The provider that is asked about."""
        wanted = self.samples.provider
        found = [one for one in self.providers if wanted in ("", one.key)]
        if not found:
            keys = ", ".join(one.key for one in self.providers) or "none"
            raise Breach(f"it registers no provider {wanted!r}; it has {keys}", law=SAMPLES_FIT)
        return found[0]

    @cached_property
    def settings(self) -> BaseModel:
        """The operator's settings, as the provider's model reads them."""
        settings = _read(self.provider.settings, self.samples.settings, "settings")
        return self._known("the sample settings", settings)

    @cached_property
    def form_fields(self) -> Mapping[str, Any]:
        """The filled-in form: the author's sample, and what is made up where it says nothing."""
        return {**made_up(self.provider.install_form), **self.samples.form}

    @cached_property
    def form(self) -> BaseModel:
        """The install form, as the provider's model reads it."""
        return self._known("the sample form", _read(self.provider.install_form, self.form_fields, "form"))

    @cached_property
    def installation(self) -> Installation:
        """The installation that the plugin makes of the form, or the suite where the plugin cannot ask its host."""
        return self._known("the sample installation", _installation(self._draft(), 3, self.provider.key))

    def _draft(self) -> BaseModel:
        answer = self.ask("scm_install", form=self.form, organization=ORGANIZATION)
        if answer.error is None:
            made: InstallationDraft = answer.value
            return made
        if not isinstance(answer.error, ProviderUnavailable):
            refused = f"scm_install refuses the sample form: {_clause(answer.error)}; set form = {{...}}"
            raise Breach(refused, law=SAMPLES_FIT)
        draft = _read(InstallationDraft, draft_of(self.samples, self.form), "installation")
        self.notes.append(_UNAVAILABLE.format(_clause(answer.error), _ORIGIN[bool(self.samples.installation)]))
        return draft

    @cached_property
    def web(self) -> str:
        """The base URL of the code host: the first one that the form or the settings name."""
        named = [*_texts(self.form.model_dump()), *_texts(self.settings.model_dump())]
        return next((text.rstrip("/") for text in named if ADDRESS.match(text)), WEB)

    @cached_property
    def candidate(self) -> Repository:
        """An unclaimed repository."""
        return self._known("the sample repository, unclaimed", self.unclaimed())

    def unclaimed(self, number: int = 11, **fields: Any) -> Repository:
        """An unclaimed repository: the sample, with some fields in another way."""
        name = str(fields.get("name", self.samples.repository.get("name", "team/app")))
        url = f"{self.web}/{escaping.path(name)}"
        sample = {"id": number, "organization_id": 1, "created_at": _DAY, "name": name, "url": url}
        return Repository.model_validate({**sample, **self.samples.repository, **fields})

    @cached_property
    def repository(self) -> Repository:
        """The sample repository as it is after the plugin has claimed or created it."""
        return self._known("the sample repository", self.saved(self.candidate, self._decision()))

    def _decision(self) -> object:
        try:
            answer = self.decide(self.candidate)
        except Breach:
            # A hook may stumble over an installation that its plugin did not make; the laws of other hooks go on.
            if not self.notes:
                raise
            return None
        return answer.value if answer else None

    def saved(self, candidate: Repository, decision: Claim | Create | Any) -> Repository:
        """A repository as the host saves a decision; a refusal changes nothing but whose it is."""
        owner = {"provider": self.provider.key, "installation_id": self.installation.id}
        made = decision if isinstance(decision, Claim | Create) else Claim()
        return candidate.model_copy(update={**owner, **made.model_dump(exclude={"kind"}, exclude_none=True)})

    def decide(self, candidate: Repository | None, identifier: str = "") -> Answer | None:
        """What the plugin decides about adding a repository; None when it adds none."""
        if not self.has("scm_dispatch_repository"):
            return None
        named = identifier or (self.offered(candidate) if candidate else "team/new")
        request = AddRequest(identifier=named)
        return self.ask("scm_dispatch_repository", installation=self.installation, request=request, candidate=candidate)

    def offered(self, repository: Repository) -> str:
        """The identifier under which the plugin offers a repository, else the repository's name."""
        offers = self.offers([repository]) if self.has("scm_offer_repositories") else []
        return next((one.identifier for one in offers if one.name == repository.name), repository.name)

    def offers(self, repositories: list[Repository], search: str = "") -> list[Offer]:
        """What the plugin offers."""
        answer = self.ask(
            "scm_offer_repositories", installation=self.installation, repositories=tuple(repositories), search=search
        )
        return list(answer.value or ())

    def _known(self, name: str, sample: T) -> T:
        """A sample, which messages call by its name."""
        self.caller.known[name] = sample
        return sample

    def ask(self, hook: str, **arguments: Any) -> Answer:
        """Call a hook with the settings beside the arguments. A ``ProviderError`` is an answer too.

        Raises:
            Breach: it gives no answer that the contract knows.
        """
        return self.caller.answer(hook, {**arguments, "settings": self.settings})

    @cached_property
    def homes(self) -> frozenset[str]:
        """The schemes and hosts that links may lead to."""
        told = [
            *self.samples.hosts,
            *_texts(self.form.model_dump()),
            *_texts(self.settings.model_dump()),
            *_texts(self.installation.model_dump()),
            *_texts(self.repository.model_dump()),
        ]
        return frozenset(authority_of(found) for text in told for found in ADDRESS.findall(text))

    def link(self, hook: str, repository: Repository | None = None, **arguments: Any) -> tuple[Answer, str | None]:
        """The URL that a hook gives for the installation and a repository, if there is one."""
        here = {"installation": self.installation, "repository": repository or self.repository}
        answer = self.ask(hook, **here, **arguments)
        value = answer.value if answer.error is None else None
        return answer, value if isinstance(value, str) else None

    @cached_property
    def secrets(self) -> frozenset[str]:
        """What the form and the settings mark as secret."""
        return frozenset(filter(None, [*_secrets(self.form), *_secrets(self.settings)]))


_UNAVAILABLE: Final = (
    "scm_install cannot ask its host: {}. The laws go on with an installation {}. To have it asked, give the suite a "
    "host: replace your client in a fixture, or name a server on 127.0.0.1"
)
_ORIGIN: Final = {
    True: "of the samples",
    False: "made of the form; set installation = {...} if your hooks need another",
}


def _clause(error: Exception) -> str:
    """An error's sentence, to stand inside of another one."""
    return str(error).rstrip(". ")


def _installation(draft: BaseModel, number: int, key: str) -> Installation:
    return Installation.model_validate({"id": number, "organization_id": 1, "provider": key, **draft.model_dump()})


def _read(model: type[BaseModel], fields: Mapping[str, Any], what: str) -> BaseModel:
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or what}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise Breach(f"{model.__name__} refuses the sample ({told}); set {what} = {{...}}", law=SAMPLES_FIT) from None
    except ProviderError as error:
        refused = f"{model.__name__} refuses the sample ({_clause(error)}); set {what} = {{...}}"
        raise Breach(refused, law=SAMPLES_FIT) from None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _texts(one)
    elif value is not None and ADDRESS.match(str(value)):
        yield str(value)


def _secrets(model: BaseModel) -> Iterator[str]:
    for value in vars(model).values():
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, SecretBytes):
            yield value.get_secret_value().decode("utf-8", "replace")
        elif isinstance(value, BaseModel):
            yield from _secrets(value)
