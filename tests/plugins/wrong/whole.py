"""Wrong as a whole: hooks that do not fit, promises that are not kept."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from scmhost.sdk import Feature, InstallationDraft, Location, Provider, hookimpl

from .right import PROVIDER, Right, with_provider


class Number(BaseModel):
    pin: int
    server: str

    def model_post_init(self, _context: object) -> None:
        if self.pin != 4711:
            raise ValueError("that is not the pin")


class AsksForThePin(Right):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [with_provider(install_form=Number)]


class ForgetsToMark(Right):
    def scm_file_exists(self) -> bool:
        return True


class WantsTheUnknown(Right):
    @hookimpl
    def scm_commit_url(self, repositry: object) -> str:
        return ""


class Misspells(Right):
    @hookimpl
    def scm_source_ulr(self) -> str:
        return ""


class Wraps(Right):
    @hookimpl(wrapper=True)
    def scm_commit_url(self) -> Any:
        return (yield)


class TakesAll(Right):
    @hookimpl
    def scm_commit_url(self, **more: object) -> str:
        return ""


class Yields(Right):
    @hookimpl
    def scm_offer_repositories(self) -> Any:
        yield from ()


class Empty:
    """Has nothing."""


def a_class() -> type:
    """Not an instance of one."""
    return Right


class WaitsInAPureHook(Right):
    @hookimpl
    async def scm_source_url(self, location: Location) -> str:
        return f"https://git.example.com/{location.path}"


class PromisesTooMuch:
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [Provider(key="vain", name="Vain", features=frozenset({Feature.STACKTRACE_LINK}))]

    @hookimpl
    def scm_install(self) -> InstallationDraft:
        return InstallationDraft(name="vain", external_id="1")


class Doubles(Right):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return [PROVIDER, PROVIDER]
