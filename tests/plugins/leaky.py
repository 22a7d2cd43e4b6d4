"""A plugin with secrets in the texts of its exceptions."""

from collections.abc import Sequence

from pydantic import BaseModel, SecretStr

from scmhost.sdk import InstallationDraft, Provider, hookimpl


class Settings(BaseModel):
    """One field is a secret by type, another by name."""

    pass_phrase: SecretStr = SecretStr("")
    api_token: str = ""
    region: str = ""


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="leaky", name="Leaky", requires_feature_flag=False, settings=Settings)]


@hookimpl
def scm_install(settings: Settings) -> InstallationDraft:
    raise RuntimeError(f"{settings.region} refused {settings.pass_phrase.get_secret_value()} of {settings.api_token}")
