"""A plugin that installs in steps, with OAuth 2.0: authorization code and PKCE. A test may replace either step."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr, field_validator

from scmhost.sdk import (
    Installation,
    InstallationDraft,
    Offer,
    Provider,
    ProviderError,
    ProviderForbidden,
    ProviderUnauthorized,
    ProviderUnavailable,
    RedirectTo,
    check_web_url,
    hookimpl,
)

CLIENT_SECRET = "the-secret-of-the-application"


class SteppedForm(BaseModel):
    """The form of an installation: with a token it is installed at once."""

    model_config = ConfigDict(extra="forbid")

    server: str
    token: SecretStr | None = None

    @field_validator("server")
    @classmethod
    def _web_url(cls, url: str) -> str:
        return check_web_url(url)


class SteppedSettings(BaseModel):
    """The operator's OAuth application."""

    client_id: str = "scmhost"
    client_secret: SecretStr = SecretStr(CLIENT_SECRET)


class SteppedConfiguration(BaseModel):
    """What the host saves of an installation."""

    server: str
    token: SecretStr | None = None


Begin = Callable[[SteppedForm, str, str], Any]
Finish = Callable[[Mapping[str, str], Mapping[str, JsonValue]], Any]


class SteppedScript:
    """What the steps do. ``reset`` restores OAuth."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.begin: Begin | None = None
        self.finish: Finish | None = None


script = SteppedScript()


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [
        Provider(
            key="stepped_forge",
            name="Stepped Forge",
            requires_feature_flag=False,
            install_form=SteppedForm,
            configuration=SteppedConfiguration,
            settings=SteppedSettings,
        )
    ]


@hookimpl
def scm_install(form: SteppedForm) -> InstallationDraft:
    if form.token is None:
        raise ProviderError("Enter a token.")
    return _draft(form.server, form.token.get_secret_value())


@hookimpl
def scm_begin_install(
    form: SteppedForm, callback_url: str, state: str, settings: SteppedSettings
) -> RedirectTo | InstallationDraft:
    if script.begin:
        step: RedirectTo | InstallationDraft = script.begin(form, callback_url, state)
        return step
    if form.token is not None:
        return scm_install(form)
    verifier = token_urlsafe(48)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": callback_url,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    url = f"{form.server}/authorize?{urlencode(query)}"
    return RedirectTo(url=url, saved={"server": form.server, "code_verifier": verifier})


@hookimpl
def scm_finish_install(
    query: Mapping[str, str], saved: Mapping[str, JsonValue], callback_url: str, settings: SteppedSettings
) -> InstallationDraft:
    if script.finish:
        draft: InstallationDraft = script.finish(query, saved)
        return draft
    if "error" in query:
        raise ProviderForbidden(f"The forge says: {query.get('error_description') or query['error']}")
    if not query.get("code"):
        raise ProviderError("The forge sent no code. Begin the installation again.")
    server = str(saved.get("server", ""))
    form = {
        "grant_type": "authorization_code",
        "code": query["code"],
        "redirect_uri": callback_url,
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.get_secret_value(),
        "code_verifier": str(saved.get("code_verifier", "")),
    }
    answer = _asked(f"{server}/token", data=urlencode(form).encode())
    return _draft(server, answer["access_token"])


@hookimpl
def scm_offer_repositories(installation: Installation) -> Sequence[Offer]:
    names = _asked(f"{installation.configuration['server']}/repositories", _token_of(installation))
    return [Offer(identifier=name, name=name) for name in names]


def _token_of(installation: Installation) -> str:
    return installation.secrets["token"].get_secret_value()


def _draft(server: str, token: str) -> InstallationDraft:
    user = _asked(f"{server}/user", token)["name"]
    return InstallationDraft(
        name=user, external_id=user, configuration={"server": server}, secrets={"token": SecretStr(token)}
    )


def _asked(url: str, token: str = "", data: bytes | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urlopen(Request(url, data, headers), timeout=5) as answer:  # noqa: S310 - the form checks the address
            return json.load(answer)
    except HTTPError as error:
        kind = ProviderUnauthorized if error.code == 401 else ProviderError
        raise kind(f"The forge answers {error.code}.") from error
    except ValueError as error:
        raise ProviderError("The forge does not answer with JSON.") from error
    except OSError as error:
        raise ProviderUnavailable("The forge does not answer.") from error
