"""Plugins whose exceptions have texts that cannot be printed, encoded or kept whole."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic import BaseModel, field_validator

from scmhost.sdk import Installation, InstallationDraft, Offer, Provider, ProviderForbidden, hookimpl

TEXTS: Final = {"surrogates": "half a \ud800 letter, a \x1b[31mcolor\x00", "huge": "x" * 5_000_000, "raising": ""}


class UnsafeError(Exception):
    """Its text is one of ``TEXTS``; reading that of ``raising`` raises."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def __str__(self) -> str:
        if self.kind == "raising":
            raise RuntimeError("no text")
        return TEXTS[self.kind]


class UnsafeRefusal(UnsafeError, ProviderForbidden):
    """The same, as an error that the contract allows."""


class UnsafeValue(UnsafeError, ValueError):
    """The same, as an error of a form's or a setting's validator."""


def _never(kind: str) -> str:
    raise UnsafeValue(kind)


class Form(BaseModel):
    """``invalid`` makes the form's validator raise, ``fail`` the hook."""

    invalid: str = ""
    fail: str = ""

    @field_validator("invalid")
    @classmethod
    def check(cls, value: str) -> str:
        return _never(value) if value else value


class Settings(BaseModel):
    """``invalid`` makes the validator of the settings raise."""

    invalid: str = ""

    @field_validator("invalid")
    @classmethod
    def check(cls, value: str) -> str:
        return _never(value) if value else value


class Unsafe:
    """Installs, unless the form prevents it, and refuses everything else."""

    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (Provider(key="unsafe", name="Unsafe", install_form=Form, settings=Settings),)

    @hookimpl
    def scm_install(self, form: Form) -> InstallationDraft:
        if form.fail:
            raise UnsafeError(form.fail)
        return InstallationDraft(name="unsafe", external_id="1")


class UnsafeOffers(Unsafe):
    """Raises an error with a text of one kind when it lists repositories."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    @hookimpl
    def scm_offer_repositories(self, installation: Installation) -> Sequence[Offer]:
        raise UnsafeRefusal(self._kind)


class UnsafeStart(Unsafe):
    """Fails at its start with a text of one kind."""

    def __init__(self, kind: str, error: Callable[[str], Exception]) -> None:
        self._kind, self._error = kind, error

    @hookimpl
    def scm_startup(self) -> None:
        raise self._error(self._kind)


def __getattr__(name: str) -> Any:
    """Return the plugin of an entry point such as ``offers_huge``, ``start_huge`` or ``refused_huge``."""
    what, _, kind = name.partition("_")
    match what:
        case "offers":
            return UnsafeOffers(kind)
        case "start":
            return UnsafeStart(kind, UnsafeError)
        case "refused":
            return UnsafeStart(kind, UnsafeRefusal)
    raise AttributeError(name)
