"""Install with a token, or with a person's consent: the authorization code flow of OAuth 2.0 with PKCE.

RFC 6749 and RFC 7636. The instances of a code host, with the application at each, are in the operator's settings.
"""

import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Final, Protocol, TypeVar
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, Field, JsonValue, SecretStr, ValidationError

from .api_hosts import shared_client
from .errors import ApiError, ProviderError, UrlError
from .hook_specs import hookimpl
from .installing import RedirectTo
from .provider import Fields
from .secrets import RefreshedCredentials
from .urls.safety import check_web_url
from .values import Installation, InstallationDraft

F = TypeVar("F", bound=BaseModel)
H = TypeVar("H", bound="_HasUrl")
S = TypeVar("S", bound=BaseModel)

# Part of ``RedirectTo.saved``, next to the fields of the plugin.
_VERIFIER: Final = "code_verifier"
_VERIFIER_BYTES: Final = 64
_LONGEST_REASON: Final = 200
# Usual servers accept headers of 8 KiB.
_Token = Annotated[SecretStr, Field(min_length=1, max_length=8_000)]


def _sendable(token: SecretStr) -> SecretStr:
    # Anything else cannot be sent in a header.
    if not re.fullmatch(r"[\x21-\x7e]+", token.get_secret_value()):
        raise ValueError("a token has no blanks and no other characters than those of a keyboard")
    return token


def _base_url(url: str) -> str:
    if "?" in url:
        raise UrlError("the URL has a query; leave out the ? and what follows")
    return check_web_url(url)


AccessToken = Annotated[SecretStr, Field(min_length=8, max_length=4_000), AfterValidator(_sendable)]
"""A token in a form or a ``configuration`` model, which can be sent in a header."""

BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""The base URL of a code host in settings or a form, without its trailing slashes."""


class OAuthTokens(BaseModel):
    """The tokens of a code host.

    Attributes:
        access_token: for the header ``Authorization: Bearer``.
        refresh_token: for the next tokens; None if the access token cannot be renewed.
        expires_in: after how many seconds the access token expires; None or 0 if it does not.
    """

    access_token: _Token
    refresh_token: _Token | None = None
    expires_in: Annotated[int, Field(le=1_000_000_000)] | None = None

    @property
    def secrets(self) -> dict[str, SecretStr]:
        """The secrets of an installation: ``access_token``, and ``refresh_token`` if there is one."""
        renewing = {"refresh_token": self.refresh_token} if self.refresh_token else {}
        return {"access_token": self.access_token, **renewing}

    @property
    def expire_at(self) -> datetime | None:
        """When the host has to renew them; None if they do not expire."""
        seconds = max(0, self.expires_in or 0)
        return datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None


class _Answer(BaseModel):
    access_token: SecretStr | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthApp:
    """The application that an operator has registered at an instance of a code host.

    Attributes:
        url: the base URL of the instance.
        client_id: the id of the application; empty if there is none.
        client_secret: its secret; None for a public application.
        authorize: the path of the page that asks a person.
        token: the path that gives tokens.
        scope: what the application asks for; empty for what it is registered for.
        keep_callback: whether renewals need the address of the first request, as GitLab requires it.
    """

    url: str
    client_id: str
    client_secret: SecretStr | None = None
    authorize: str = "oauth/authorize"
    token: str = "oauth/token"  # noqa: S105 - a path
    scope: str = ""
    keep_callback: bool = False

    def begin(self, callback_url: str, state: str, saved: Mapping[str, JsonValue]) -> RedirectTo:
        """Return the page that asks a person, for ``scm_begin_install``.

        Args:
            callback_url: the address to which the code host sends the person back.
            state: the text that the hook got.
            saved: what ``scm_finish_install`` needs, such as fields of the form.

        Raises:
            ProviderError: the operator has registered no application.
        """
        if not self.client_id:
            raise ProviderError(
                f"Give an access token of {self.url}, or ask the operator to set client_id of an application there."
            )
        # RFC 7636 allows 43 to 128 characters; 64 bytes are 86.
        verifier = secrets.token_urlsafe(_VERIFIER_BYTES)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "client_id": self.client_id,
            "redirect_uri": callback_url,
            "response_type": "code",
            "state": state,
            **({"scope": self.scope} if self.scope else {}),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        page = f"{self.url}/{self.authorize}?{urlencode(query, quote_via=quote)}"
        return RedirectTo(url=page, saved={**saved, _VERIFIER: verifier})

    async def finish(
        self, query: Mapping[str, str], saved: Mapping[str, JsonValue], callback_url: str = ""
    ) -> OAuthTokens:
        """Return the tokens for the code with which a person came back, for ``scm_finish_install``.

        Raises:
            ProviderError: the person did not agree, or the code host refuses the code.
        """
        if not query.get("code"):
            reason = query.get("error_description") or query.get("error") or "there is no code in the address"
            raise ProviderError(f"{self.url} did not confirm the installation: {reason[:_LONGEST_REASON]}")
        grant = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": callback_url,
            _VERIFIER: str(saved.get(_VERIFIER, "")),
        }
        return await self._tokens({name: value for name, value in grant.items() if value})

    async def refresh(self, installation: Installation, callback_url: str = "") -> RefreshedCredentials | None:
        """Return new tokens of an installation, for ``scm_refresh_credentials``.

        None if it has no refresh token, or a ``token`` that a person gave: only that person can replace it.
        ``callback_url``: for code hosts that require the address of the first request again; by default the secret of
        this name, which ``install_hooks`` keeps for an application with ``keep_callback``.

        Raises:
            ProviderError: the code host refuses; a person has to agree again.
        """
        known = {name: secret.get_secret_value() for name, secret in installation.secrets.items()}
        if "refresh_token" not in known or "token" in known or not self.client_id:
            return None
        grant = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"]}
        callback_url = callback_url or known.get("callback_url", "")
        tokens = await self._tokens({**grant, **({"redirect_uri": callback_url} if callback_url else {})})
        return RefreshedCredentials(secrets=tokens.secrets, expires_at=tokens.expire_at)

    def form(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Return the body of a request of the application, such as one that revokes a token."""
        secret = {"client_secret": self.client_secret.get_secret_value()} if self.client_secret else {}
        return {"client_id": self.client_id, **secret, **fields}

    async def _tokens(self, grant: Mapping[str, str]) -> OAuthTokens:
        answer = await shared_client(self.url).request("POST", *self.token.split("/"), form=self.form(grant))
        found = answer.read(_Answer)
        # GitHub refuses with the status 200.
        if found.access_token is None and found.error:
            raise ApiError(f"{answer.host} does not accept the code or token any more; install again")
        return answer.read(OAuthTokens)


class OAuthClient(Fields):
    """The OAuth application of scmhost at an instance of a code host, in the operator's settings.

    A plugin derives its own model, with the paths of its host.

    Attributes:
        authorize_path: the path of the page that asks a person.
        token_path: the path that gives tokens.
        keep_callback: see ``OAuthApp``.
        client_id: the id of the application; empty if there is none.
        client_secret: the secret of a confidential application.
    """

    authorize_path: ClassVar[str] = "oauth/authorize"
    token_path: ClassVar[str] = "oauth/token"  # noqa: S105 - a path
    keep_callback: ClassVar[bool] = False

    client_id: str = Field(default="", description="The id of an OAuth application; without it, a token is needed.")
    client_secret: SecretStr | None = Field(default=None, description="The secret of a confidential application.")

    def at(self, url: str, scope: str = "") -> OAuthApp:
        """Return the application at the instance with a base URL; see ``OAuthApp`` for the scope."""
        return OAuthApp(
            url=url,
            client_id=self.client_id,
            client_secret=self.client_secret,
            authorize=self.authorize_path,
            token=self.token_path,
            scope=scope,
            keep_callback=self.keep_callback,
        )


class HostInstance(OAuthClient):
    """An instance of a code host in the operator's settings, with the application there.

    Attributes:
        url: the base URL of its web pages.
        scope: what the application asks for; empty for what it is registered for.
    """

    url: BaseUrl = Field(description="The address of the instance, as in the URLs of its pages; may have a path.")
    scope: str = Field(default="", description="What the application asks for; by default what it is registered for.")

    @property
    def oauth(self) -> OAuthApp:
        """The application."""
        return self.at(self.url, self.scope)


class _HasUrl(Protocol):
    @property
    def url(self) -> str: ...


def named_instance(instances: Mapping[str, H], name: object) -> H:
    """Return the instance with a name or a URL.

    Raises:
        ProviderError: there is none in the operator's settings.
    """
    by_url = {instance.url: instance for instance in instances.values()}
    found = instances.get(str(name)) or by_url.get(str(name).rstrip("/"))
    if found is None:
        names = ", ".join(sorted(instances)) or "none"
        raise ProviderError(f"{name!r} is none of the instances in the operator's settings: {names}.")
    return found


InstallHooks = tuple[
    Callable[..., Coroutine[Any, Any, InstallationDraft]],
    Callable[..., Coroutine[Any, Any, RedirectTo | InstallationDraft]],
    Callable[..., Coroutine[Any, Any, InstallationDraft]],
]
"""The hooks in the order of ``install_hooks``."""


def install_hooks(
    form: type[F],
    app: Callable[[F, S], OAuthApp],
    draft: Callable[[F, S, Mapping[str, SecretStr]], Awaitable[InstallationDraft]],
) -> InstallHooks:
    """Return the hooks that install with a token of the form, or with a person's consent if it has none.

    Assign them in this order in the module of the plugin: ``scm_install``, ``scm_begin_install``,
    ``scm_finish_install``.

    Args:
        form: the install form; its only secret is the optional field ``token``.
        app: returns the application of the instance that a form names.
        draft: returns the installation, without secrets, for a form, the settings and the secrets: ``token`` from the
            form, or those of ``OAuthTokens`` and ``callback_url``. It asks the code host whether they work.
    """

    async def drafted(
        given: F, settings: S, secrets: dict[str, SecretStr], expires: datetime | None = None
    ) -> InstallationDraft:
        made = await draft(given, settings, secrets)
        return made.model_copy(update={"secrets": secrets, "secrets_expire_at": expires})

    @hookimpl
    async def scm_install(form: Any, settings: Any) -> InstallationDraft:
        if form.token is None:
            raise ProviderError(f"Give an access token of {app(form, settings).url} in the field token.")
        return await drafted(form, settings, {"token": form.token})

    @hookimpl
    async def scm_begin_install(
        form: Any, callback_url: str, state: str, settings: Any
    ) -> RedirectTo | InstallationDraft:
        if form.token is not None:
            return await drafted(form, settings, {"token": form.token})
        here = app(form, settings)
        saved = {"form": form.model_dump(mode="json", exclude={"token"}), "url": here.url}
        return here.begin(callback_url, state, saved)

    @hookimpl
    async def scm_finish_install(
        query: Mapping[str, str], saved: Mapping[str, JsonValue], callback_url: str, settings: Any
    ) -> InstallationDraft:
        try:
            given = form.model_validate(saved.get("form"))
        except ValidationError:
            raise ProviderError("The form of this provider has changed meanwhile; begin again.") from None
        here = app(given, settings)
        # The code must not go to another instance.
        if here.url != saved.get("url"):
            raise ProviderError("The operator has changed this instance meanwhile; begin again.")
        tokens = await here.finish(query, saved, callback_url)
        kept = {**tokens.secrets, **({"callback_url": SecretStr(callback_url)} if here.keep_callback else {})}
        return await drafted(given, settings, kept, tokens.expire_at)

    return scm_install, scm_begin_install, scm_finish_install
