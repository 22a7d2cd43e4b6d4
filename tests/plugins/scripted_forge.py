"""A plugin whose answer to an installation is determined by the form."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from scmhost.sdk import (
    Feature,
    InstallationDraft,
    Offer,
    Organization,
    Provider,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Refusal,
    hookimpl,
)


class ScriptedForm(BaseModel):
    """The form of an installation. ``answer`` names what the plugin does."""

    model_config = ConfigDict(extra="forbid")

    # The description contains a lone surrogate, which UTF-8 cannot encode.
    name: str = Field(description="the team\ud800")
    answer: str = "install"


class ScriptedConfiguration(BaseModel):
    """The fields that may be changed later."""

    model_config = ConfigDict(extra="forbid")

    branch: str | None = None
    extra: JsonValue = None


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [
        Provider(
            key="scripted_forge",
            name="Scripted Forge",
            features=frozenset({Feature.COMMITS}),
            requires_feature_flag=False,
            install_form=ScriptedForm,
            configuration=ScriptedConfiguration,
        )
    ]


@hookimpl
def scm_install(form: ScriptedForm, organization: Organization) -> InstallationDraft:
    refusal = REFUSALS.get(form.answer)
    if refusal is not None:
        raise refusal()
    facts: Mapping[str, Any] = {"organization": organization.slug, **METADATA.get(form.answer, {})}
    name = f"{form.name}\x00" if form.answer == "NUL in name" else form.name
    return InstallationDraft(name=name, external_id=form.name, metadata=facts)


@hookimpl
def scm_offer_repositories() -> Sequence[Offer]:
    return ()


@hookimpl
def scm_dispatch_repository() -> Refusal:
    return Refusal(reason="invalid", message="Scripted Forge has no repositories.")


REFUSALS: dict[str, Callable[[], Exception]] = {
    "refuse": lambda: ProviderError("no such team"),
    "refuse without text": ProviderError,
    "forbid": lambda: ProviderForbidden("the token may not read this team"),
    "unavailable": lambda: ProviderUnavailable("the forge is down"),
    "fail": lambda: ZeroDivisionError("a bug"),
}

METADATA: dict[str, dict[str, Any]] = {
    "surrogate in metadata": {"domain_name": "forge\ud800.example"},
    "surrogate in a key": {"deep": [{"\udfff": 1}]},
    "NaN in metadata": {"weight": float("nan")},
}
