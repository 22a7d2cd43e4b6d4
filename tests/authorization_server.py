"""A code host with OAuth 2.0 on loopback: authorization code with PKCE, a user, and repositories."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit


class AuthorizationServer:
    """The state of the server. ``declines``: the person refuses; ``ada`` is the user who consents."""

    def __init__(self, client_secret: str) -> None:
        self.url = ""
        self.client_secret = client_secret
        self.declines = False
        self.codes: dict[str, Mapping[str, str]] = {}
        self.tokens: set[str] = set()
        self.exchanges = 0

    def authorize(self, query: Mapping[str, str]) -> str:
        """Return the address to which the browser is sent back."""
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        if self.declines:
            answer = {"error": "access_denied", "error_description": "the person declined", "state": query["state"]}
        else:
            code = token_urlsafe(16)
            self.codes[code] = query
            answer = {"code": code, "state": query["state"]}
        return f"{query['redirect_uri']}?{urlencode(answer)}"

    def exchange(self, form: Mapping[str, str]) -> tuple[int, Any]:
        """Return a token for a code, which is used once, and the verifier of its challenge."""
        self.exchanges += 1
        query = self.codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if (
            query is None
            or challenge != query["code_challenge"]
            or form.get("redirect_uri") != query["redirect_uri"]
            or form.get("client_secret") != self.client_secret
        ):
            return 400, {"error": "invalid_grant"}
        token = token_urlsafe(24)
        self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "bearer"}

    def resource(self, path: str, authorization: str) -> tuple[int, Any]:
        """Return what a token may read."""
        if authorization.removeprefix("Bearer ") not in self.tokens:
            return 401, {"error": "invalid_token"}
        return 200, {"name": "ada"} if path == "/user" else ["ada/shop", "ada/cart"]


@contextmanager
def authorization_server(client_secret: str) -> Iterator[AuthorizationServer]:
    """Serve on a free port of loopback."""
    state = AuthorizationServer(client_secret)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", state.authorize(dict(parse_qsl(parts.query))))
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._answer(*state.resource(parts.path, self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(*state.exchange(dict(parse_qsl(content.decode()))))

        def _answer(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Do not write to standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()
