"""Plugins that violate a check of installing in steps."""

# A hook may leave out arguments, which mypy takes for a wrong override.
# mypy: disable-error-code="override"

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, JsonValue, SecretStr

from scmhost.sdk import InstallationDraft, Provider, ProviderError, RedirectTo, hookimpl

from .correct import Correct, Form, Settings, with_provider


class OnlyBegins(Correct):
    scm_finish_install: Any = None


class OnlyFinishes(Correct):
    scm_begin_install: Any = None


class ForgetsState(Correct):
    @hookimpl
    def scm_begin_install(self, form: Form) -> RedirectTo:
        return RedirectTo(url=f"{form.server}/authorize", saved={"team": form.team, "server": form.server})


class PutsStateIntoFragment(Correct):
    @hookimpl
    def scm_begin_install(self, form: Form, state: str) -> RedirectTo:
        return RedirectTo(url=f"{form.server}/authorize#state={state}")


class SendsPassword(Correct):
    @hookimpl
    def scm_begin_install(self, state: str) -> RedirectTo:
        return RedirectTo(url=f"https://scmhost:password@forge.example/authorize?state={state}")


class SendsSecret(Correct):
    @hookimpl
    def scm_begin_install(self, form: Form, state: str, settings: Settings) -> RedirectTo:
        secret = settings.token.get_secret_value()
        return RedirectTo(url=f"{form.server}/authorize?state={state}&client_secret={secret}")


class SavesMuch(Correct):
    @hookimpl
    def scm_begin_install(self, form: Form, state: str) -> RedirectTo:
        return RedirectTo(url=f"{form.server}/?state={state}", saved={"page": "x" * 70_000})


class SavesNoNumber(Correct):
    @hookimpl
    def scm_begin_install(self, form: Form, state: str) -> RedirectTo:
        return RedirectTo(url=f"{form.server}/?state={state}", saved={"seconds": float("inf")})


class SavesMaskedSecret(Correct):
    @hookimpl
    def scm_begin_install(self, form: Form, state: str, settings: Settings) -> RedirectTo:
        return RedirectTo(url=f"{form.server}/?state={state}", saved=settings.model_dump(mode="json"))


class InstallsWithoutCode(Correct):
    @hookimpl
    def scm_finish_install(self, query: Mapping[str, str], saved: Mapping[str, JsonValue]) -> InstallationDraft:
        return InstallationDraft(name="team", external_id="1", configuration={"server": "https://forge.example"})


class ExpectsCode(Correct):
    @hookimpl
    def scm_finish_install(self, query: Mapping[str, str]) -> InstallationDraft:
        return InstallationDraft(name=query["code"], external_id="1")


class NeedsPerson(Correct):
    """Keeps every check, although it can install in steps only."""

    @hookimpl
    def scm_install(self, form: Form) -> InstallationDraft:
        raise ProviderError("Install it with a browser.")


class SecretForm(BaseModel):
    token: SecretStr = SecretStr("token-of-the-form")


class SendsFormSecret(Correct):
    @hookimpl
    def scm_register_providers(self) -> Sequence[Provider]:
        return (with_provider(install_form=SecretForm),)

    @hookimpl
    def scm_install(self, form: SecretForm) -> InstallationDraft:
        return InstallationDraft(name="team", external_id="1", configuration={"server": "https://forge.example"})

    @hookimpl
    def scm_begin_install(self, form: SecretForm, state: str) -> RedirectTo:
        return RedirectTo(url=f"https://forge.example/?state={state}&token={form.token.get_secret_value()}")
