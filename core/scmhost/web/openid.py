"""Sign in by OpenID Connect: the code flow with PKCE, a state and a nonce. Authlib does the protocol."""

import hmac
import json
import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

import structlog
from starlette.responses import RedirectResponse, Response

from scmhost.infra.errors import Forbidden, NotFound, Unavailable
from scmhost.infra.settings import OpenIdSettings
from scmhost.organizations.people import LONGEST_NAME, NamedPerson, known_person
from scmhost.organizations.sessions import begin_session
from scmhost.services import Services

from .sign_in import check_rate
from .visit import Visit, get, local_path

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import OAuth2Client

log = structlog.get_logger(__name__)

CALLBACK: Final = "/sign-in/openid/callback"
_KEPT: Final = "openid"
_TIMEOUT_SECONDS: Final = 10.0
_KEEP_SECONDS: Final = 3_600
# The clocks of two machines may differ by so much.
_LEEWAY_SECONDS: Final = 60
# Signatures with the client's secret, and none at all, are refused.
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_NAMES: Final = ("name", "preferred_username", "email", "sub")


class OpenIdDiscovery:
    """The configuration and the keys of the provider, which are read again after an hour."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._read_at = 0.0
        self._metadata: dict[str, Any] = {}
        self._keys: dict[str, Any] = {}

    def read(self, client: "OAuth2Client", settings: OpenIdSettings) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the configuration and the keys."""
        with self._lock:
            if not self._metadata or time.monotonic() - self._read_at > _KEEP_SECONDS:
                address = f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"
                metadata = _document(client, address)
                # As OpenID Connect Discovery requires: another issuer could name anybody.
                if metadata["issuer"] != settings.issuer:
                    raise ValueError(f"the issuer of the configuration is {metadata['issuer']}")
                self._metadata, self._keys = metadata, _document(client, metadata["jwks_uri"])
                self._read_at = time.monotonic()
            return self._metadata, self._keys


def check_openid(services: Services) -> None:
    """Check that sign-in by OpenID Connect can work, if it is configured.

    Raises:
        Unavailable: the extra is not installed, or the address of the service is not set.
    """
    if services.web.openid is None:
        return
    if not (find_spec("authlib") and find_spec("httpx2")):
        raise Unavailable('[web.openid] needs more packages; install them with: pip install "scmhost[openid]"')
    if services.url is None:
        raise Unavailable("[web.openid] needs the address of the service: set url under [host]")


def begin(visit: Visit) -> Response:
    """Send the browser to the provider."""
    check_rate(visit)
    settings = _settings(visit)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with _provider(), _client(visit, settings) as client:
        metadata, _ = visit.services.shared(OpenIdDiscovery).read(client, settings)
        endpoint = metadata["authorization_endpoint"]
        address, _ = client.create_authorization_url(endpoint, state=state, nonce=nonce, code_verifier=verifier)
    visit.cookie.keep(_KEPT, json.dumps([state, nonce, verifier, local_path(visit.query("next"))]))
    return RedirectResponse(address, 303)


def finish(visit: Visit) -> Response:
    """Sign in the person whom the provider names."""
    check_rate(visit)
    settings = _settings(visit)
    state, nonce, verifier, back = _kept(visit)
    if not hmac.compare_digest(state.encode(), visit.query("state").encode()):
        raise Forbidden("This answer belongs to another attempt to sign in. Begin again.")
    if not visit.query("code"):
        log.warning("sign in refused", client=visit.query("error")[:100])
        raise Forbidden("The provider did not sign you in. Begin again, or ask its administrator.")
    with _provider(), _client(visit, settings) as client:
        metadata, keys = visit.services.shared(OpenIdDiscovery).read(client, settings)
        token = client.fetch_token(metadata["token_endpoint"], code=visit.query("code"), code_verifier=verifier)
        claims = _claims(token, keys, settings, nonce)
        if settings.groups_claim not in claims and visit.services.web.groups and "userinfo_endpoint" in metadata:
            # The claims of the token are signed, so that they count before those of the page.
            claims = {**_document(client, metadata["userinfo_endpoint"]), **claims}
    person = known_person(visit.services, _named(visit.services, settings, claims))
    agent = visit.request.headers.get("user-agent", "")
    visit.cookie.sign_in(begin_session(visit.services, person, agent))
    return visit.redirect(visit.below_base(back))


def _settings(visit: Visit) -> OpenIdSettings:
    if visit.services.web.openid is None:
        raise NotFound("Sign-in by OpenID Connect is off here.")
    return visit.services.web.openid


def _client(visit: Visit, settings: OpenIdSettings) -> "OAuth2Client":
    from authlib.integrations.httpx_client import OAuth2Client  # noqa: PLC0415 - of an extra

    secret = settings.client_secret.get_secret_value() if settings.client_secret else None
    return OAuth2Client(
        client_id=settings.client_id,
        client_secret=secret,
        token_endpoint_auth_method="client_secret_basic" if secret else "none",
        scope=settings.scope,
        redirect_uri=f"{visit.services.url}{CALLBACK}",
        code_challenge_method="S256",
        timeout=_TIMEOUT_SECONDS,
        trust_env=False,
    )


@contextmanager
def _provider() -> Iterator[None]:
    """Turn what goes wrong at the provider into one error. Its text is in the log alone."""
    import httpx2  # noqa: PLC0415 - of an extra
    from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415
    from joserfc.errors import JoseError  # noqa: PLC0415

    try:
        yield
    except (AuthlibBaseError, JoseError, httpx2.HTTPError, KeyError, ValueError) as error:
        log.warning("identity provider failed", error=f"{type(error).__name__}: {error}"[:500])
        raise Unavailable("The identity provider does not answer as it should.") from error


def _document(client: "OAuth2Client", address: str) -> dict[str, Any]:
    """Return a JSON object. The provider's own pages need the access token, if there is one."""
    answer = client.request("GET", address, withhold_token=not client.token)
    answer.raise_for_status()
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError(f"{address} is no JSON object")  # noqa: TRY004 - of the provider, not of a caller
    return document


def _kept(visit: Visit) -> tuple[str, str, str, str]:
    kept = visit.cookie.kept(_KEPT)
    visit.cookie.keep(_KEPT, None)
    if kept is None:
        raise Forbidden("This attempt to sign in is out of date, or another browser began it. Begin again.")
    state, nonce, verifier, back = json.loads(kept)
    return state, nonce, verifier, back


def _claims(token: Mapping[str, Any], keys: Mapping[str, Any], settings: OpenIdSettings, nonce: str) -> dict[str, Any]:
    """Return the claims of the id token, whose signature, issuer, audience, time and nonce are right."""
    from authlib.oidc.core import CodeIDToken  # noqa: PLC0415 - of an extra
    from joserfc import jwt  # noqa: PLC0415
    from joserfc.jwk import KeySet  # noqa: PLC0415

    key_set = KeySet.import_key_set(cast("Any", keys))
    decoded = jwt.decode(token["id_token"], key_set, algorithms=list(_ALGORITHMS))
    options = {
        "iss": {"essential": True, "value": settings.issuer},
        "aud": {"essential": True, "value": settings.client_id},
        "sub": {"essential": True, "allow_blank": False},
    }
    params = {"nonce": nonce, "client_id": settings.client_id, "access_token": token.get("access_token")}
    claims = CodeIDToken(decoded.claims, decoded.header, options, params)
    claims.validate(leeway=_LEEWAY_SECONDS)
    return dict(claims)


def _named(services: Services, settings: OpenIdSettings, claims: Mapping[str, Any]) -> NamedPerson:
    names = (claims.get(name) for name in _NAMES)
    name = next(name for name in names if isinstance(name, str) and name.strip())
    sent = claims.get(settings.groups_claim)
    sent = [sent] if isinstance(sent, str) else sent
    groups = frozenset(map(str, sent)) if isinstance(sent, Collection) else frozenset()
    # The subject is unique at its issuer alone.
    subject = f"openid:{settings.issuer}#{claims['sub']}"
    return NamedPerson(subject, name.strip()[:LONGEST_NAME], groups if services.web.groups else None)


VIEWS: Final = (
    get("/sign-in/openid", begin),
    get(CALLBACK, finish),
)
