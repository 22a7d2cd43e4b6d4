"""The plugin that is checked: its functions, the sample values for them, and calls with those values."""

import re
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Final, TypeVar

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from scmhost.sdk import (
    HOOK_SPECS,
    AddRequest,
    Claim,
    CommitDraft,
    CommitPage,
    Create,
    Installation,
    InstallationDraft,
    Offer,
    OfferPage,
    Organization,
    Provider,
    ProviderError,
    ProviderUnavailable,
    Repository,
    authority_of,
    escaping,
)
from scmhost.sdk.validation import model_problems

from .calls import HookCaller, HookResult, PluginFunction, hook_functions, load, module_of
from .checks import Violation
from .observe import ImportEffects, observe_import, text_of
from .samples import DEFAULT_URL, Samples, default_draft, default_fields

T = TypeVar("T")

ORGANIZATION: Final = Organization(id=1, slug="acme", name="Acme")
MAX_PAGES: Final = 100
"""The most pages of offers that the suite reads."""

SAMPLES_FIT: Final = "samples-fit"
MODELS_FIT: Final = "models-fit"
ADDRESS: Final = re.compile(r"https?://[^/\s{}?#\"'<>]+", re.IGNORECASE)
# Fixed, so that reports can be compared.
_DAY: Final = datetime(2026, 1, 2, tzinfo=UTC)
# Listeners and commands need no provider, but the values that are passed to them do.
_SAMPLE_PROVIDER: Final = Provider(key="sample", name="Sample")


class PluginUnderTest:
    """A plugin and one of its providers, with an installation and a repository that its own hooks made.

    Everything that needs a hook raises ``Violation``, naming the violated check, when the hook has no valid result.
    """

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        loaded = load(samples.plugin)
        self.implementation, self.load_error = loaded.implementation, loaded.error
        self.attributes = loaded.attributes
        self.functions: dict[str, PluginFunction] = hook_functions(self.attributes)
        self.declared = frozenset(self.functions)
        self.module = module_of(self.implementation)
        self.caller = HookCaller(self.functions)
        # Violated checks by hook; filled by the checks of single calls.
        self.violated_checks: dict[str, set[str]] = {}
        # Whether one of those calls tried to reach a host.
        self.is_remote = False
        self.notes: list[str] = []

    def has(self, hook: str) -> bool:
        """Return whether the plugin has a hook."""
        return hook in self.functions

    @cached_property
    def import_effects(self) -> ImportEffects | None:
        """The effects of importing the plugin in a fresh process; None without a module to import."""
        return observe_import(self.module) if self.module else None

    @cached_property
    def providers(self) -> tuple[Provider, ...]:
        """All providers of the plugin."""
        if not self.has("scm_register_providers"):
            return ()
        return tuple(self.caller.call("scm_register_providers", {}).required())

    @cached_property
    def provider(self) -> Provider:
        """The provider that is checked; a sample one for a plugin that registers none."""
        key = self.samples.provider
        if not key and not self.providers:
            return _SAMPLE_PROVIDER
        matching = [one for one in self.providers if key in ("", one.key)]
        if not matching:
            keys = ", ".join(one.key for one in self.providers) or "none"
            raise Violation(f"it registers no provider {key!r}; it has {keys}", check=SAMPLES_FIT)
        return matching[0]

    @cached_property
    def model_problems(self) -> tuple[str, ...]:
        """The models of the providers that have no JSON Schema."""
        providers = self.providers
        # Building a schema may run code of the plugin.
        made = self.caller.run(lambda: tuple(item for one in providers for item in model_problems(one)))
        if made.hangs_at is not None:
            return (f"building the schemas of its models does not end, and is at {made.hangs_at}",)
        if made.error is not None:
            return (f"building the schemas of its models raised {type(made.error).__name__}: {text_of(made.error)}",)
        problems: tuple[str, ...] = made.value
        return problems

    @cached_property
    def settings(self) -> BaseModel:
        """The operator's settings, validated by the provider's model."""
        return self._sample(
            "the sample settings", _validated(self.provider.settings, self.samples.settings, "settings")
        )

    @cached_property
    def form_fields(self) -> Mapping[str, Any]:
        """The fields of the install form: the author's, and defaults for required fields that are left out."""
        if self.model_problems:
            raise Violation(self.model_problems[0], check=MODELS_FIT)
        return {**default_fields(self.provider.install_form), **self.samples.form}

    @cached_property
    def form(self) -> BaseModel:
        """The install form, validated by the provider's model."""
        return self._sample("the sample form", _validated(self.provider.install_form, self.form_fields, "form"))

    @cached_property
    def installation(self) -> Installation:
        """The installation that ``scm_install`` returns, or a default one where the code host is unreachable."""
        own = {"id": 3, "organization_id": 1, "provider": self.provider.key}
        installation = Installation.model_validate({**own, **self.draft.model_dump()})
        return self._sample("the sample installation", installation)

    def installation_for(self, hook: str, installation: Installation | None = None) -> Installation:
        """Return an installation, by default the sample, as the host passes it: I/O hooks get the sample's secrets."""
        given = installation or self.installation
        secrets = self.draft.secrets if HOOK_SPECS[hook].kind == "io" else {}
        return given.model_copy(update={"secrets": secrets}) if secrets else given

    @cached_property
    def draft(self) -> InstallationDraft:
        """What ``scm_install`` returns, or a default where the code host is unreachable."""
        if not self.providers:
            return InstallationDraft.model_validate(default_draft(self.samples, self.form))
        result = self.call("scm_install", form=self.form, organization=ORGANIZATION)
        if result.error is None:
            returned: InstallationDraft = result.value
            return returned
        unreachable = isinstance(result.error, ProviderUnavailable)
        if not unreachable and not self.has("scm_begin_install"):
            refused = f"scm_install refuses the sample form: {_clause(result.error)}; set form = {{...}}"
            raise Violation(refused, check=SAMPLES_FIT)
        default = _draft_of(default_draft(self.samples, self.form))
        origin = _FROM_SAMPLES if self.samples.installation else _FROM_FORM
        note = _UNREACHABLE if unreachable else _IN_STEPS
        self.notes.append(note.format(_clause(result.error), origin))
        return default

    @cached_property
    def data_folder(self) -> Path:
        """A folder for the plugin's own files; it is removed together with this object."""
        folder = mkdtemp(prefix="scmhost-")
        weakref.finalize(self, rmtree, folder, ignore_errors=True)
        return Path(folder)

    @cached_property
    def base_url(self) -> str:
        """The base URL of the code host: the first one in the form or the settings."""
        texts = [*_texts(self.form.model_dump()), *_texts(self.settings.model_dump())]
        return next((text.rstrip("/") for text in texts if ADDRESS.match(text)), DEFAULT_URL)

    @cached_property
    def candidate(self) -> Repository:
        """The sample repository before it is claimed."""
        return self._sample("the sample repository, unclaimed", self.unclaimed())

    def unclaimed(self, number: int = 11, **fields: Any) -> Repository:
        """Return the unclaimed sample repository with some fields changed."""
        name = str(fields.get("name", self.samples.repository.get("name", "team/app")))
        url = f"{self.base_url}/{escaping.path(name)}"
        sample = {"id": number, "organization_id": 1, "created_at": _DAY, "name": name, "url": url}
        return Repository.model_validate({**sample, **self.samples.repository, **fields})

    @cached_property
    def repository(self) -> Repository:
        """The sample repository after the plugin claimed or created it."""
        decision = self._decision()
        # As the host saves a decision. After a refusal only the owner is set, so that link hooks can be checked.
        made = decision if isinstance(decision, Claim | Create) else Claim()
        owner = {"provider": self.provider.key, "installation_id": self.installation.id}
        update = {**owner, **made.model_dump(exclude={"kind"}, exclude_none=True)}
        return self._sample("the sample repository", self.candidate.model_copy(update=update))

    def _decision(self) -> object:
        if not self.has("scm_dispatch_repository"):
            return None
        try:
            return self.decide_sample().value
        except Violation:
            # The hook may need an installation of the plugin's own; the checks of other hooks go on with the default.
            if not self.notes:
                raise
            return None

    def decide_sample(self) -> HookResult:
        """Return the plugin's decision about the sample repository."""
        return self.decide(self.candidate, self._identifier())

    def decide(self, candidate: Repository | None, identifier: str) -> HookResult:
        """Return the plugin's decision about adding a repository."""
        request = AddRequest(identifier=identifier)
        here = {"installation": self.installation, "request": request}
        return self.call("scm_dispatch_repository", **here, candidate=candidate)

    def _identifier(self) -> str:
        """Return the identifier under which the sample is offered, else its name."""
        name = self.candidate.name
        offers = self.offers([self.candidate]).value if self.has("scm_offer_repositories") else None
        matching: list[Offer] = [offer for offer in offers or () if offer.name == name]
        return matching[0].identifier if matching else name

    def offers(self, repositories: list[Repository], installation: Installation | None = None) -> HookResult:
        """Return the plugin's offers, of all pages up to a limit."""
        result, page = self.offer_page(repositories, "", installation)
        offers = [*page.offers]
        for _ in range(MAX_PAGES):
            if page.next is None:
                break
            result, page = self.offer_page(repositories, page.next, installation)
            offers += page.offers
        return replace(result, value=tuple(offers) if result.error is None else None)

    def offer_page(
        self, repositories: list[Repository], cursor: str, installation: Installation | None = None
    ) -> tuple[HookResult, OfferPage]:
        """Return the result of the plugin at a cursor, and its page: a plain sequence is one, an error an empty one."""
        here = {"installation": installation or self.installation, "repositories": tuple(repositories)}
        result = self.call("scm_offer_repositories", **here, search="", cursor=cursor)
        value = result.value if result.error is None else ()
        return result, value if isinstance(value, OfferPage) else OfferPage(offers=tuple(value))

    def call(self, hook: str, **arguments: Any) -> HookResult:
        """Call a hook with the arguments and the settings. A ``ProviderError`` is a result too.

        Raises:
            Violation: there is no valid result.
        """
        given = arguments.get("installation")
        if given is not None:
            arguments["installation"] = self.installation_for(hook, given)
        return self.caller.call(hook, {**arguments, "settings": self.settings, "data_folder": self.data_folder})

    def link(self, hook: str, repository: Repository | None = None, **arguments: Any) -> tuple[HookResult, str | None]:
        """Call a hook for the installation and a repository; return the result, and its URL if there is one."""
        here = {"installation": self.installation, "repository": repository or self.repository}
        result = self.call(hook, **here, **arguments)
        value = result.value if result.error is None else None
        return result, value if isinstance(value, str) else None

    def commits(self, base: str | None, head: str) -> tuple[HookResult, Sequence[CommitDraft]]:
        """Return the result of ``scm_compare_commits`` and its commits: none after an error."""
        result, _ = self.link("scm_compare_commits", base=base, head=head)
        value = result.value if result.error is None else None
        return result, value.commits if isinstance(value, CommitPage) else value or ()

    @cached_property
    def allowed_hosts(self) -> frozenset[str]:
        """The schemes and hosts that links may lead to."""
        texts = [
            *self.samples.hosts,
            *_texts(self.form.model_dump()),
            *_texts(self.settings.model_dump()),
            *_texts(self.installation.model_dump()),
            *_texts(self.repository.model_dump()),
        ]
        return frozenset(authority_of(address) for text in texts for address in ADDRESS.findall(text))

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The secret values of the form, the settings and the installation."""
        own = (secret.get_secret_value() for secret in self.draft.secrets.values())
        return frozenset(filter(None, [*_secrets(self.form), *_secrets(self.settings), *own]))

    def _sample(self, name: str, sample: T) -> T:
        """Register a sample under the name that reports use for it."""
        self.caller.samples[name] = sample
        return sample


_UNREACHABLE: Final = (
    "scm_install cannot reach its host: {}. The checks use an installation {}. To check it with a host, replace your "
    "client in a fixture, or name a server on 127.0.0.1"
)
_IN_STEPS: Final = (
    "scm_install does not install without scm_begin_install: {}. The checks use an installation {}. To check one of "
    "the plugin's own, return it from scm_install for a form that has all that is needed, such as a token"
)
_FROM_SAMPLES: Final = "from the samples"
_FROM_FORM: Final = "made of the form; set installation = {...} if your hooks need another"


def _clause(error: Exception) -> str:
    """Return an error's text without its final full stop."""
    return str(error).rstrip(". ")


def _draft_of(fields: Mapping[str, Any]) -> InstallationDraft:
    draft = _validated(InstallationDraft, fields, "installation")
    assert isinstance(draft, InstallationDraft)  # noqa: S101 - for mypy
    return draft


def _validated(model: type[BaseModel], fields: Mapping[str, Any], what: str) -> BaseModel:
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        problem = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or what}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise Violation(
            f"{model.__name__} refuses the sample ({problem}); set {what} = {{...}}", check=SAMPLES_FIT
        ) from None
    except ProviderError as error:
        refused = f"{model.__name__} refuses the sample ({_clause(error)}); set {what} = {{...}}"
        raise Violation(refused, check=SAMPLES_FIT) from None


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
