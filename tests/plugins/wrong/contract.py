"""Plugins that violate a check of the plugin as a whole."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from scmhost.sdk import Feature, InstallationDraft, Location, Provider, hookimpl

from .correct import PROVIDER, Correct, with_provider


class FormWithPin(BaseModel):
    pin: int
    server: str

    def model_post_init(self, _context: object) -> None:
        if self.pin != 4711:
            raise ValueError("that is not the pin")


class RequiresPin(Correct):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [with_provider(install_form=FormWithPin)]


class LeavesHookUnmarked(Correct):
    def scm_file_exists(self) -> bool:
        return True


class TakesUnknownArgument(Correct):
    @hookimpl
    def scm_commit_url(self, repositry: object) -> str:
        return ""


class MisspellsHook(Correct):
    @hookimpl
    def scm_source_ulr(self) -> str:
        return ""


class WrapsHook(Correct):
    @hookimpl(wrapper=True)
    def scm_commit_url(self) -> Any:
        return (yield)


class TakesAllArguments(Correct):
    @hookimpl
    def scm_commit_url(self, **more: object) -> str:
        return ""


class IsGenerator(Correct):
    @hookimpl
    def scm_offer_repositories(self) -> Any:
        yield from ()


class HasNoHook:
    """A plugin without hooks."""


def a_class() -> type:
    """Return a class where the suite expects an instance."""
    return Correct


class HasAsyncPureHook(Correct):
    @hookimpl
    async def scm_source_url(self, location: Location) -> str:
        return f"https://git.example.com/{location.path}"


class LacksFeatureHook:
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [Provider(key="partial", name="Partial", features=frozenset({Feature.STACKTRACE_LINK}))]

    @hookimpl
    def scm_install(self) -> InstallationDraft:
        return InstallationDraft(name="partial", external_id="1")


class RegistersKeyTwice(Correct):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [PROVIDER, PROVIDER]


class FormWithCallable(BaseModel):
    team: str
    server: str
    choose: Callable[[], str] = str


class AsksForCallable(Correct):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [with_provider(install_form=FormWithCallable)]


class FormWithoutSchema(BaseModel):
    @classmethod
    def model_json_schema(cls, *_: Any, **__: Any) -> Any:
        raise KeyError("title")


class FailsToDescribeForm(Correct):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [with_provider(install_form=FormWithoutSchema)]
