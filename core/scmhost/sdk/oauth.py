"""Install with a person's consent: the authorization code flow of OAuth 2.0 with PKCE (RFC 6749, RFC 7636)."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from pydantic import BaseModel, Field, JsonValue, SecretStr

from .api_hosts import shared_client
from .errors import ApiError, ProviderError
from .installing import RedirectTo
from .secrets import RefreshedCredentials
from .values import Installation

# Part of ``RedirectTo.saved``, next to the fields of the plugin.
_VERIFIER: Final = "code_verifier"
_VERIFIER_BYTES: Final = 64
_LONGEST_REASON: Final = 200
# Usual servers accept headers of 8 KiB.
_Token = Annotated[SecretStr, Field(min_length=1, max_length=8_000)]


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
    """

    url: str
    client_id: str
    client_secret: SecretStr | None = None
    authorize: str = "oauth/authorize"
    token: str = "oauth/token"  # noqa: S105 - a path
    scope: str = ""

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
        """Return new tokens of an installation, for ``scm_refresh_credentials``; None if it has no refresh token.

        ``callback_url``: for code hosts that require the address of the first request again, such as GitLab.

        Raises:
            ProviderError: the code host refuses; a person has to agree again.
        """
        refresh_token = installation.secrets.get("refresh_token")
        if refresh_token is None or not self.client_id:
            return None
        grant = {"grant_type": "refresh_token", "refresh_token": refresh_token.get_secret_value()}
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
