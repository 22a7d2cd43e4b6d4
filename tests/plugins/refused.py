"""Plugins that the host refuses to load; each object has one fault."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from scmhost.sdk import Feature, InstallationDraft, Provider, ProviderError, hookimpl


class StrictSettings(BaseModel):
    """Settings with a required field."""

    model_config = ConfigDict(extra="forbid")

    base_url: str
    retries: int = 3


class Offers:
    """A plugin with the given providers, and the hooks of a provider without features."""

    def __init__(self, *providers: Any) -> None:
        self._providers = providers

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return self._providers

    @hookimpl
    def scm_install(self) -> InstallationDraft:
        return InstallationDraft(name="n", external_id="1")


class UnknownHook:
    @hookimpl
    def scm_source_ulr(self) -> str:
        return ""


class WrongArgument:
    @hookimpl
    def scm_source_url(self, instalation: object) -> str:
        return ""


class Unmarked:
    def scm_source_url(self) -> str:
        return ""


class Wrapper:
    @hookimpl(wrapper=True)
    def scm_source_url(self) -> Any:
        return (yield)


class AsyncPure:
    @hookimpl
    async def scm_source_url(self) -> str:
        return ""


class AsyncGenerator:
    @hookimpl
    async def scm_offer_repositories(self) -> AsyncIterator[str]:
        yield ""


class KeywordOnly:
    @hookimpl
    def scm_source_url(self, *, location: object) -> str:
        return ""


class Greedy:
    @hookimpl
    def scm_source_url(self, *everything: object, **more: object) -> str:
        return ""


class PositionalOnly:
    @hookimpl
    def scm_source_url(self, location: object, /) -> str:
        return ""


class Twice:
    @hookimpl
    def scm_source_url(self) -> str:
        return ""

    @hookimpl(specname="scm_source_url")
    def other(self) -> str:
        return ""


class NoFunction:
    @hookimpl
    class scm_source_url:  # noqa: N801, D106 - named like a hook on purpose
        pass


class WithoutInstall:
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (Provider(key="half", name="Half"),)


class RaisesAtRegistration:
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        raise ProviderError("not today")


class Untouchable:
    @property
    def scm_source_url(self) -> object:
        raise RuntimeError("do not look")


class CallbackForm(BaseModel):
    """A form with a field that JSON cannot express."""

    team: str
    choose: Callable[[], str]


class Lock:
    """A class that pydantic does not know."""


class LockSettings(BaseModel):
    """Settings with a field of any class."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    lock: Lock = Lock()


class ObjectInSchema(BaseModel):
    """A configuration whose schema JSON cannot express."""

    model_config = ConfigDict(json_schema_extra={"examples": [Lock()]})  # type: ignore[list-item]

    team: str = ""


class FailingSchema(BaseModel):
    """A form that fails when its schema is made."""

    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no schema today")


unknown_hook = UnknownHook()
wrong_argument = WrongArgument()
unmarked = Unmarked()
wrapper = Wrapper()
async_pure = AsyncPure()
async_generator = AsyncGenerator()
keyword_only = KeywordOnly()
greedy = Greedy()
positional_only = PositionalOnly()
twice = Twice()
no_function = NoFunction()
without_install = WithoutInstall()
raises_at_registration = RaisesAtRegistration()
untouchable = Untouchable()
same_key_twice = Offers(Provider(key="twin", name="One"), Provider(key="twin", name="Two"))
takes_good_key = Offers(Provider(key="good_forge", name="Thief"))
promises_too_much = Offers(Provider(key="boast", name="Boast", features=frozenset({Feature.STACKTRACE_LINK})))
rubbish_providers = Offers({"key": "Not A Key"})
strict = Offers(Provider(key="strict", name="Strict", settings=StrictSettings))
fine = Offers(Provider(key="fine", name="Fine", requires_feature_flag=False))
callback_form = Offers(Provider(key="callback", name="Callback", install_form=CallbackForm))
lock_settings = Offers(Provider(key="lock", name="Lock", settings=LockSettings))
object_in_schema = Offers(Provider(key="object", name="Object", configuration=ObjectInSchema))
failing_schema = Offers(Provider(key="failing", name="Failing", install_form=FailingSchema))
nothing = None
five = 5


def make_plugin() -> Offers:
    """Return a plugin, but nobody calls this."""
    return fine
