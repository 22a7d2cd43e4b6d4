"""A fake GitHub Enterprise Server: the REST calls that plugins make, a GitHub App, webhooks and blame by GraphQL."""

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from time import time
from typing import Any, Final
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .base import Call, Delivery, FakeHost, Fault, Hook, Refuse, Reply, User, link_header, page_of
from .repository import EMPTY, BareRepository, LoggedCommit

API: Final = "/api/v3"
APP_ID: Final = 4242
APP_SLUG: Final = "scmhost-links"
CLIENT_ID: Final = "Iv1.0123456789abcdef"
CLIENT_SECRET: Final = "the-secret-of-the-client"
WEBHOOK_SECRET: Final = "the-secret-of-the-app-s-webhook"

MOST_PUSHED: Final = 2048
_LONGEST_JWT: Final = 600
_LONGEST_IN_JSON: Final = 1_000_000
_REPO: Final = API + "/repos/{owner}/{repo}"
_STATUS: Final = {"A": "added", "M": "modified", "D": "removed"}
_TIMES: Final = "%Y-%m-%dT%H:%M:%SZ"


def primary_limit(seconds: float = 90) -> Fault:
    """Refuse as after the last request of an hour: 403, without Retry-After."""
    body = {"message": "API rate limit exceeded for installation ID 7."}
    return lambda host, call: Reply(
        body, 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time() + seconds))}
    )


def secondary_limit(seconds: float | None = 40) -> Fault:
    """Refuse as after too many requests at once: 403, mostly with Retry-After."""
    body = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
    return lambda host, call: Reply(body, 403, {} if seconds is None else {"Retry-After": f"{seconds:g}"})


@cache
def app_key() -> RSAPrivateKey:
    """Return the key of the App. Making one takes a tenth of a second."""
    return generate_private_key(65537, 2048)


def app_pem() -> str:
    """Return the private key of the App as GitHub lets its owner download it."""
    return app_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@dataclass
class AppInstallation:
    """An account on which the App is installed, with the repositories that it selected."""

    id: int
    account: str
    repositories: list[BareRepository]
    suspended: bool = False


class FakeGitHub(FakeHost):
    """A running fake of GitHub Enterprise Server with one GitHub App."""

    ROUTES = (
        ("GET", API + "/user", "own_user"),
        ("GET", API + "/user/repos", "own_repositories"),
        ("GET", API + "/user/installations", "own_installations"),
        ("GET", API + "/app/installations/{number}", "app_installation"),
        ("POST", API + "/app/installations/{number}/access_tokens", "create_token"),
        ("DELETE", API + "/installation/token", "revoke_token"),
        ("GET", API + "/installation/repositories", "granted_repositories"),
        ("GET", API + "/repositories/{number}", "by_id"),
        *(
            (method, API + "/repositories/{number}/{rest*}", "below_id")
            for method in ("GET", "POST", "PATCH", "DELETE")
        ),
        ("GET", _REPO, "show"),
        ("GET", _REPO + "/installation", "installation_of"),
        ("GET", _REPO + "/commits", "commits"),
        ("GET", _REPO + "/commits/{ref}", "commit"),
        ("GET", _REPO + "/compare/{basehead}", "compare"),
        ("GET", _REPO + "/contents/{path}", "contents"),
        ("GET", _REPO + "/hooks", "list_hooks"),
        ("POST", _REPO + "/hooks", "create_hook"),
        ("PATCH", _REPO + "/hooks/{number}", "change_hook"),
        ("DELETE", _REPO + "/hooks/{number}", "delete_hook"),
        ("POST", "/api/graphql", "graphql"),
        ("GET", "/login/oauth/authorize", "authorize"),
        ("POST", "/login/oauth/access_token", "access_token"),
        ("GET", "/{owner}/{repo}/blob/{rest*}", "page"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.largest_page = 100
        self.installations: list[AppInstallation] = []
        self.granted: dict[str, AppInstallation] = {}
        self.codes: dict[str, User] = {}
        self.token_time = timedelta(hours=1)
        self.app_address = ""

    # What tests arrange.

    def install(self, account: str, *repositories: BareRepository) -> AppInstallation:
        """Install the App, as a person does on its page."""
        made = AppInstallation(self.new_id(), account, list(repositories))
        self.installations.append(made)
        return made

    def person(self, login: str, *repositories: str) -> str:
        """Return the code that GitHub gives to the browser of a person who sees these repositories."""
        code = secrets.token_hex(10)
        self.codes[code] = User(login, set(repositories))
        return code

    def end_tokens(self) -> None:
        """End the tokens of all installations, as an hour does."""
        self.granted.clear()

    # Who asks.

    def answer(self, call: Call) -> Reply:
        """Answer, with an ``ETag`` that a later request may name."""
        agent, version = call.headers.get("user-agent"), call.headers.get("x-github-api-version", "2022-11-28")
        if not agent or version != "2022-11-28":
            self.calls.append(call)
            return Reply({"message": "Request forbidden by administrative rules."}, 403)
        reply = super().answer(call)
        if call.method == "GET" and reply.status == 200 and not reply.half and len(reply.encoded()[0]) < 1_000_000:
            tag = f'W/"{hashlib.sha256(reply.encoded()[0]).hexdigest()}"'
            reply.headers.setdefault("ETag", tag)
            if call.headers.get("if-none-match") == tag:
                return Reply(status=304, headers=reply.headers)
        return reply

    def user(self, call: Call) -> User | None:
        """Return whose token a request has; that of an App's installation is a user with its repositories."""
        value = call.headers.get("authorization", "").partition(" ")[2]
        installation = self.granted.get(value)
        if installation is None:
            return super().user(call)
        if installation.suspended:
            raise Refuse(403, "This installation has been suspended")
        return User(f"{APP_SLUG}[bot]", {item.full_name for item in installation.repositories})

    def _installation(self, call: Call) -> AppInstallation:
        installation = self.granted.get(call.headers.get("authorization", "").partition(" ")[2])
        if installation is None:
            raise Refuse(401, "Bad credentials")
        return installation

    def _check_app(self, call: Call) -> None:
        """Check the JWT of the App, as GitHub does."""
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                token, app_key().public_key(), ["RS256"], options={"require": ["exp", "iat", "iss"]}, leeway=5
            )
        except jwt.InvalidTokenError as error:
            raise Refuse(401, "A JSON web token could not be decoded") from error
        if claims["exp"] - time() > _LONGEST_JWT or claims["iss"] != str(APP_ID):
            raise Refuse(401, "'Expiration time' claim ('exp') is too far in the future")

    def _known_user(self, call: Call) -> User:
        user = self.user(call)
        if user is None:
            raise Refuse(401, "Requires authentication")
        return user

    # People and the App.

    def own_user(self, call: Call) -> dict[str, Any]:
        user = self._known_user(call)
        if user.login.endswith("[bot]"):
            raise Refuse(403, "Resource not accessible by integration")
        return _account(user.login)

    def own_repositories(self, call: Call) -> Reply:
        user = self._known_user(call)
        mine = [item for item in self.repositories if item.owner == user.login or item.full_name in user.repositories]
        return self._page(call, [self._repository(item) for item in mine])

    def own_installations(self, call: Call) -> Reply:
        user = self._known_user(call)
        seen = [
            one
            for one in self.installations
            if one.account == user.login or any(item.full_name in user.repositories for item in one.repositories)
        ]
        return self._page(call, [_installation(one) for one in seen], "installations")

    def app_installation(self, call: Call, number: str) -> dict[str, Any]:
        self._check_app(call)
        return _installation(self._by_number(number))

    def create_token(self, call: Call, number: str) -> Reply:
        self._check_app(call)
        installation = self._by_number(number)
        if installation.suspended:
            raise Refuse(403, "This installation has been suspended")
        token = f"ghs_{secrets.token_hex(18)}"
        self.granted[token] = installation
        ends = (datetime.now(UTC) + self.token_time).strftime(_TIMES)
        return Reply({"token": token, "expires_at": ends, "permissions": {"contents": "read"}}, 201)

    def revoke_token(self, call: Call) -> Reply:
        self._installation(call)
        del self.granted[call.headers["authorization"].partition(" ")[2]]
        return Reply(status=204)

    def granted_repositories(self, call: Call) -> Reply:
        items = [self._repository(item) for item in self._installation(call).repositories]
        return self._page(call, items, "repositories")

    def installation_of(self, call: Call, owner: str, repo: str) -> dict[str, Any]:
        self._check_app(call)
        for installation in self.installations:
            if any(item.full_name == f"{owner}/{repo}" for item in installation.repositories):
                return _installation(installation)
        raise Refuse(404, "Not Found")

    def authorize(self, call: Call) -> Reply:
        """Answer as if the person with the good token had agreed at once."""
        if call.query.get("client_id") != CLIENT_ID:
            raise Refuse(404, "Not Found")
        code = secrets.token_hex(10)
        self.codes[code] = self.tokens["good-token"]
        query = urlencode({"code": code, "state": call.query.get("state", "")})
        return Reply("", 302, {"Location": f"{call.query['redirect_uri']}?{query}"})

    def access_token(self, call: Call) -> dict[str, Any]:
        form = call.form
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return {"error": "incorrect_client_credentials"}
        user = self.codes.pop(form.get("code", ""), None)
        if user is None:
            return {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
        token = f"ghu_{secrets.token_hex(18)}"
        self.tokens[token] = user
        return {"access_token": token, "token_type": "bearer", "scope": ""}

    def _by_number(self, number: str) -> AppInstallation:
        for installation in self.installations:
            if str(installation.id) == number:
                return installation
        raise Refuse(404, "Not Found")

    # Repositories.

    def by_id(self, call: Call, number: str) -> dict[str, Any]:
        return self._repository(self._numbered(call, number))

    def below_id(self, call: Call, number: str, rest: str) -> Reply:
        """Answer below the address to which a redirect of a former name leads."""
        repository = self._numbered(call, number)
        path = f"{API}/repos/{repository.full_name}/{call.path.split(f'/repositories/{number}/', 1)[1]}"
        self.calls.pop()
        return super().answer(Call(call.method, path, call.query, call.headers, call.body))

    def show(self, call: Call, owner: str, repo: str) -> dict[str, Any]:
        return self._repository(self._find(call, owner, repo))

    def may_see(self, user: User | None, repository: BareRepository) -> bool:
        """Return whether a user may see a repository."""
        return super().may_see(user, repository) or (user is not None and repository.owner == user.login)

    def _numbered(self, call: Call, number: str) -> BareRepository:
        user = self.user(call)
        for repository in self.repositories:
            if str(repository.id) == number and self.may_see(user, repository):
                return repository
        raise Refuse(404, "Not Found")

    def _find(self, call: Call, owner: str, repo: str) -> BareRepository:
        full_name = f"{owner}/{repo}"
        for repository in self.repositories:
            if full_name in repository.former and self.may_see(self.user(call), repository):
                rest = call.path.removeprefix(f"{API}/repos/{full_name}")
                query = f"?{urlencode(call.query)}" if call.query else ""
                moved = Refuse(301 if call.method == "GET" else 307)
                place = f"{self.url}{API}/repositories/{repository.id}{rest}{query}"
                moved.reply = Reply({"message": "Moved Permanently"}, moved.reply.status, {"Location": place})
                raise moved
        return self.find(call, full_name)

    # Commits and files.

    def commits(self, call: Call, owner: str, repo: str) -> Reply:
        repository = self._find(call, owner, repo)
        if repository.head() == EMPTY:
            raise Refuse(409, "Git Repository is empty.")
        sha = repository.resolve(call.query.get("sha", repository.default_branch))
        if sha is None:
            raise Refuse(404, "Not Found")
        return self._page(call, [self._commit(repository, item) for item in repository.log(sha)])

    def commit(self, call: Call, owner: str, repo: str, ref: str) -> Any:
        repository = self._find(call, owner, repo)
        known = {f"{kind}/{name}": sha for kind in ("heads", "tags") for name, sha in repository.refs(kind).items()}
        sha = known.get(ref) or known.get(f"heads/{ref}") or known.get(f"tags/{ref}")
        sha = sha or (repository.resolve(ref) if re.fullmatch(r"[0-9a-f]{4,40}|HEAD", ref) else None)
        if sha is None:
            raise Refuse(422, f"No commit found for SHA: {ref}")
        if ".sha" in call.headers["accept"]:
            return Reply(sha, headers={"Content-Type": "application/vnd.github.sha; charset=utf-8"})
        [item] = repository.log(sha, limit=1)
        files, number, pages = page_of(call, _files(item), self.largest_page, "per_page")
        headers = link_header(self.url, call, number, pages)
        return Reply({**self._commit(repository, item), "files": files, "stats": {}}, headers=headers)

    def compare(self, call: Call, owner: str, repo: str, basehead: str) -> Reply:
        repository = self._find(call, owner, repo)
        base, _, head = basehead.partition("...")
        if repository.resolve(base) is None or repository.resolve(head) is None:
            raise Refuse(404, "Not Found")
        log = repository.log(f"{base}..{head}")[::-1]
        page, number, pages = page_of(call, log, self.largest_page, "per_page")
        body = {
            "status": "ahead",
            "total_commits": len(log),
            "commits": [self._commit(repository, item) for item in page],
            "files": [],
        }
        return Reply(body, headers=link_header(self.url, call, number, pages))

    def contents(self, call: Call, owner: str, repo: str, path: str) -> Reply:
        repository = self._find(call, owner, repo)
        ref = call.query.get("ref", repository.default_branch)
        if repository.resolve(ref) is None:
            raise Refuse(404, f"No commit found for the ref {ref}")
        content = repository.read(ref, path)
        if content is None and not repository.is_folder(ref, path):
            raise Refuse(404, "Not Found")
        if content is None:
            return Reply([{"type": "file", "name": "a", "path": f"{path}/a", "size": 1}])
        if ".raw" in call.headers["accept"]:
            return Reply(content, headers={"Content-Type": "application/vnd.github.raw+json; charset=utf-8"})
        is_long = len(content) > _LONGEST_IN_JSON
        text = "" if is_long else base64.encodebytes(content).decode()
        fields = {"size": len(content), "encoding": "none" if is_long else "base64", "content": text}
        return Reply({"type": "file", "name": path.rpartition("/")[2], "path": path, **fields})

    def graphql(self, call: Call) -> dict[str, Any]:
        if self.user(call) is None:
            raise Refuse(401, "This endpoint requires you to be authenticated.")
        asked = call.json["variables"]
        try:
            repository = self.find(call, f"{asked['owner']}/{asked['name']}")
        except Refuse:
            missing = {"type": "NOT_FOUND", "path": ["repository"], "message": "Could not resolve to a Repository"}
            return {"data": {"repository": None}, "errors": [missing]}
        if repository.resolve(asked["ref"]) is None:
            return {"data": {"repository": {"object": None}}}
        found = repository.read(asked["ref"], asked["path"])
        ranges = [] if found is None else _ranges(repository, asked["ref"], asked["path"])
        return {"data": {"repository": {"object": {"blame": {"ranges": ranges}}}}}

    def page(self, call: Call, owner: str, repo: str, rest: str) -> Reply:
        """Return the page of a file, to which links lead."""
        repository = self.find(call, f"{owner}/{repo}")
        ref, _, path = rest.partition("/")
        content = repository.read(ref, path)
        if content is None:
            raise Refuse(404, "Not Found")
        return Reply(content.decode("utf-8", "replace"), headers={"Content-Type": "text/html; charset=utf-8"})

    # Webhooks.

    def list_hooks(self, call: Call, owner: str, repo: str) -> Reply:
        repository = self._admin(call, owner, repo)
        return self._page(call, [_hook(hook) for hook in self.hooks if hook.repository is repository])

    def create_hook(self, call: Call, owner: str, repo: str) -> Reply:
        repository, config = self._admin(call, owner, repo), call.json["config"]
        if any(hook.repository is repository and hook.url == config["url"] for hook in self.hooks):
            raise Refuse(422, "Validation Failed: Hook already exists on this repository")
        hook = Hook(self.new_id(), repository, config["url"], config.get("secret", ""), call.json)
        self.hooks.append(hook)
        return Reply(_hook(hook), 201)

    def change_hook(self, call: Call, owner: str, repo: str, number: str) -> dict[str, Any]:
        hook = self._hook(call, owner, repo, number)
        hook.fields = {**hook.fields, **call.json}
        hook.url, hook.secret = call.json["config"]["url"], call.json["config"].get("secret", "")
        return _hook(hook)

    def delete_hook(self, call: Call, owner: str, repo: str, number: str) -> Reply:
        self.hooks.remove(self._hook(call, owner, repo, number))
        return Reply(status=204)

    def _admin(self, call: Call, owner: str, repo: str) -> BareRepository:
        repository, user = self._find(call, owner, repo), self._known_user(call)
        if user.scopes and "hooks" not in user.scopes:
            raise Refuse(403, "Resource not accessible by personal access token")
        return repository

    def _hook(self, call: Call, owner: str, repo: str, number: str) -> Hook:
        repository = self._admin(call, owner, repo)
        for hook in self.hooks:
            if str(hook.id) == number and hook.repository is repository:
                return hook
        raise Refuse(404, "Not Found")

    def pushed(self, repository: BareRepository, ref: str, before: str, after: str) -> None:
        """Call the webhooks of a repository, and the address of the App."""
        super().pushed(repository, ref, before, after)
        for one in self.installations:
            if self.app_address and repository in one.repositories:
                hook = Hook(0, repository, self.app_address, WEBHOOK_SECRET)
                delivery = self.push_delivery(hook, ref, before, after, installation={"id": one.id})
                self.deliveries.append((delivery, self.deliver(delivery)))

    def push_delivery(self, hook: Hook, ref: str, before: str, after: str, **more: Any) -> Delivery:
        """Return a push as GitHub sends it: the oldest commits of a long one are left out."""
        revisions = [after] if before == EMPTY else [after, f"^{before}"]
        pushed = [] if after == EMPTY else hook.repository.log(*revisions)
        body = {
            "ref": ref,
            "before": before,
            "after": after,
            "created": before == EMPTY,
            "deleted": after == EMPTY,
            "forced": False,
            "compare": f"{self.url}/{hook.repository.full_name}/compare/{before[:12]}...{after[:12]}",
            "commits": [self._pushed(item) for item in pushed[:MOST_PUSHED][::-1]],
            "repository": self._repository(hook.repository),
            "pusher": {"name": "ada", "email": "ada@example.com"},
            **more,
        }
        return signed(hook.url, "push", json.dumps(body).encode(), hook.secret)

    # Parts of answers.

    def _repository(self, item: BareRepository) -> dict[str, Any]:
        return {
            "id": item.id,
            "name": item.name,
            "full_name": item.full_name,
            "owner": _account(item.owner),
            "private": item.private,
            "archived": item.archived,
            "default_branch": item.default_branch,
            "html_url": f"{self.url}/{item.full_name}",
        }

    def _commit(self, repository: BareRepository, item: LoggedCommit) -> dict[str, Any]:
        author = {"name": item.author_name, "email": item.author_email, "date": item.authored}
        committer = {"name": item.committer_name, "email": item.committer_email, "date": item.committed}
        return {
            "sha": item.sha,
            "html_url": f"{self.url}/{repository.full_name}/commit/{item.sha}",
            "commit": {"message": item.message.rstrip("\n"), "author": author, "committer": committer},
            "author": _account("ada"),
            "parents": [{"sha": parent} for parent in item.parents],
        }

    def _pushed(self, item: LoggedCommit) -> dict[str, Any]:
        names = {_STATUS[kind]: [change.path for change in item.changes if change.type == kind] for kind in _STATUS}
        return {
            "id": item.sha,
            "distinct": True,
            "message": item.message.rstrip("\n"),
            "timestamp": item.authored,
            "author": {"name": item.author_name, "email": item.author_email, "username": "ada"},
            **names,
        }

    def _page(self, call: Call, items: list[Any], name: str = "") -> Reply:
        page, number, pages = page_of(call, items, self.largest_page, "per_page")
        body: Any = {"total_count": len(items), name: page} if name else page
        return Reply(body, headers=link_header(self.url, call, number, pages))


def signed(url: str, event: str, body: bytes, secret: str) -> Delivery:
    """Return a delivery with GitHub's headers."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/fake",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": secrets.token_hex(16),
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    return Delivery(url, headers, body)


def _account(login: str) -> dict[str, Any]:
    return {"id": sum(login.encode()), "login": login, "type": "User"}


def _installation(one: AppInstallation) -> dict[str, Any]:
    suspended = "2026-01-02T03:04:05Z" if one.suspended else None
    return {"id": one.id, "app_id": APP_ID, "account": _account(one.account), "suspended_at": suspended}


def _hook(hook: Hook) -> dict[str, Any]:
    config = {**hook.fields["config"], "secret": "********"}
    return {"id": hook.id, "type": "Repository", "name": "web", "events": ["push"], "active": True, "config": config}


def _files(item: LoggedCommit) -> list[dict[str, Any]]:
    return [{"filename": change.path, "status": _STATUS[change.type], "changes": 1} for change in item.changes]


def _ranges(repository: BareRepository, ref: str, path: str) -> Iterable[dict[str, Any]]:
    authors: dict[str, LoggedCommit] = {}
    lookup: Callable[[str], LoggedCommit] = lambda sha: authors.setdefault(sha, repository.log(sha, limit=1)[0])  # noqa: E731 - short
    ranges = []
    for line in repository.blame(ref, path):
        item = lookup(line.sha)
        author = {"name": item.author_name, "email": item.author_email, "date": item.authored}
        commit = {"oid": line.sha, "author": author}
        ranges.append({"startingLine": line.line, "endingLine": line.line, "commit": commit})
    return ranges
