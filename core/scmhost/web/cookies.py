"""Who a request is from: the one cookie of the pages, or a trusted proxy, which names people in a header.

The database has only the digest of the secret, so that the key that signs is not enough to sign in.
"""

import hashlib
import hmac
import secrets
from functools import cached_property
from typing import Any, Final

from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import Response

from scmhost.infra.errors import Forbidden
from scmhost.infra.http import peer_address
from scmhost.infra.settings import WebSettings
from scmhost.organizations.people import LONGEST_NAME, NamedPerson
from scmhost.organizations.sessions import cookie_key
from scmhost.services import Services

COOKIE: Final = "scmhost"
_SALT: Final = "scmhost.web.cookie"
_MOST_MESSAGES: Final = 5


class CookieKey:
    """The key of the host that signs cookies, read once in each process."""

    def __init__(self) -> None:
        self._key = ""

    def of(self, services: Services) -> str:
        """Return the key."""
        self._key = self._key or cookie_key(services)
        return self._key


class CookieState:
    """What the cookie of a request holds, and what the cookie of the answer will hold."""

    def __init__(self, services: Services, request: Request) -> None:
        self._services = services
        self._request = request

    @property
    def secret(self) -> str | None:
        """The secret of the session."""
        secret = self._values.get("session")
        return secret if isinstance(secret, str) else None

    def sign_in(self, secret: str) -> None:
        """Begin a session. The nonce changes, so that forms from before are refused."""
        self._values = {"session": secret, "nonce": secrets.token_urlsafe(16)}

    def sign_out(self) -> None:
        """Forget everything but the messages."""
        self._values = {key: value for key, value in self._values.items() if key == "messages"}

    def add_message(self, text: str) -> None:
        """Show a message on the next page."""
        self._values["messages"] = [*self._values.get("messages", []), text][-_MOST_MESSAGES:]

    def take_messages(self) -> list[str]:
        """Return the messages, which are shown once."""
        return [str(text) for text in self._values.pop("messages", [])]

    def keep(self, name: str, value: str | None) -> None:
        """Keep a value until it is taken; None removes it."""
        self._values.pop(name, None)
        if value is not None:
            self._values[name] = value

    def kept(self, name: str) -> str | None:
        """Return a kept value."""
        value = self._values.get(name)
        return value if isinstance(value, str) else None

    @property
    def form_token(self) -> str:
        """The token that every form of this browser has, so that no other site can send it."""
        nonce = self._values.setdefault("nonce", secrets.token_urlsafe(16))
        text = f"{nonce}.{self.secret or ''}"
        return hmac.new(self._key.encode(), text.encode(), hashlib.sha256).hexdigest()

    def accepts(self, token: str) -> bool:
        """Return whether a form that was sent has this browser's token."""
        return "nonce" in self._sent and hmac.compare_digest(self.form_token.encode(), token.encode())

    def save(self, response: Response, path: str) -> None:
        """Set the cookie of an answer, if something changed."""
        # A page without a form or a person never reads the cookie, and needs no database.
        if "_values" not in vars(self) or self._values == self._sent:
            return
        secure = self._request.url.scheme == "https" or (self._services.url or "").startswith("https:")
        # Kept while the browser is open, or as long as the session at most.
        age = self._services.web.session_hours * 3600 if self.secret else None
        text = self._serializer.dumps(self._values)
        response.set_cookie(COOKIE, text, max_age=age, path=path, secure=secure, httponly=True, samesite="lax")

    @cached_property
    def _values(self) -> dict[str, Any]:
        return dict(self._sent)

    @cached_property
    def _sent(self) -> dict[str, Any]:
        text = self._request.cookies.get(COOKIE, "")
        if not text:
            return {}
        try:
            values = self._serializer.loads(text)
        except BadSignature:
            return {}
        return values if isinstance(values, dict) else {}

    @cached_property
    def _key(self) -> str:
        return self._services.shared(CookieKey).of(self._services)

    @cached_property
    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._key, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256})


def named_by_proxy(settings: WebSettings, request: Request) -> NamedPerson | None:
    """Return the person whom a proxy names; None: none is named, or no proxy may.

    Raises:
        Forbidden: the header is not from a listed address, or is there twice.
    """
    if settings.proxy_user_header is None:
        return None
    users = request.headers.getlist(settings.proxy_user_header)
    if not users:
        return None
    # Somebody who reaches the service beside the proxy could otherwise be anybody.
    if not settings.trusts(peer_address(request.scope)):
        raise Forbidden(f"The header {settings.proxy_user_header} is accepted from addresses of proxies alone.")
    if len(users) > 1 or not users[0].strip():
        raise Forbidden(f"The header {settings.proxy_user_header} must name one person.")
    user = users[0].strip()
    return NamedPerson(f"proxy:{user}", user[:LONGEST_NAME], _groups(settings, request))


def _groups(settings: WebSettings, request: Request) -> frozenset[str] | None:
    """Return the groups that the proxy names; None if none give a role, so that roles are kept."""
    if not settings.groups:
        return None
    sent = request.headers.getlist(settings.proxy_groups_header) if settings.proxy_groups_header else []
    return frozenset(group.strip() for line in sent for group in line.split(",") if group.strip())
