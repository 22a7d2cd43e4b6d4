"""A fake Forgejo: the calls of its API that plugins make, its OAuth2 application, its webhooks and its file pages."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any, Final
from urllib.parse import urlencode

from .base import Call, Delivery, FakeHost, Hook, Refuse, Reply, User, link_header, page_of
from .repository import EMPTY, BareRepository, Blamed, LoggedCommit

__all__ = ["Blamed", "FakeForgejo"]

MOST_PUSHED: Final = 5
"""How many commits the body of a push has at most: ``FEED_MAX_COMMIT_NUM`` of the server."""

TOKEN_SECONDS: Final = 3600

_REPO: Final = "/api/v1/repos/{owner}/{repo}"
_STATUS: Final = {"A": "added", "M": "modified", "D": "removed"}


class FakeForgejo(FakeHost):
    """A running fake of Forgejo and Gitea."""

    ROUTES = (
        ("GET", "/api/v1/user", "own_user"),
        ("GET", "/api/v1/user/repos", "own_repositories"),
        ("GET", "/api/v1/repos/search", "search"),
        ("GET", "/api/v1/repositories/{number}", "by_id"),
        ("GET", _REPO, "show"),
        ("GET", _REPO + "/branches/{name*}", "branch"),
        ("GET", _REPO + "/tags/{name*}", "tag"),
        ("GET", _REPO + "/git/commits/{sha}", "commit"),
        ("GET", _REPO + "/commits", "commits"),
        ("GET", _REPO + "/contents/{path*}", "contents"),
        ("GET", _REPO + "/raw/{path*}", "raw"),
        ("GET", _REPO + "/hooks", "list_hooks"),
        ("POST", _REPO + "/hooks", "create_hook"),
        ("DELETE", _REPO + "/hooks/{number}", "delete_hook"),
        ("GET", "/login/oauth/authorize", "authorize"),
        ("POST", "/login/oauth/access_token", "access_token"),
        ("GET", "/{owner}/{repo}/src/commit/{sha}/{path*}", "page"),
        ("GET", "/{owner}/{repo}/src/branch/{sha}/{path*}", "page"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.applications: dict[str, str] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_tokens: dict[str, User] = {}

    # People and repositories.

    def own_user(self, call: Call) -> dict[str, Any]:
        return self._user(self._with_scope(call, "read:user"))

    def own_repositories(self, call: Call) -> Reply:
        user = self._with_scope(call, "read:user")
        return self._page(call, [self._repository(item) for item in self._of(user)])

    def search(self, call: Call) -> Reply:
        user, text = self._with_scope(call, "read:repository"), call.query.get("q", "").casefold()
        mine = call.query.get("uid") == str(self._id(user))
        seen = self._of(user) if mine else [item for item in self.repositories if self.may_see(user, item)]
        found = [self._repository(item) for item in seen if text in item.name.casefold()]
        reply = self._page(call, found)
        reply.body = {"ok": True, "data": reply.body}
        return reply

    def by_id(self, call: Call, number: str) -> dict[str, Any]:
        user = self.user(call)
        for repository in self.repositories:
            if str(repository.id) == number and self.may_see(user, repository):
                return self._repository(repository)
        raise Refuse(404, "The target couldn't be found.")

    def show(self, call: Call, owner: str, repo: str) -> dict[str, Any]:
        return self._repository(self._find(call, owner, repo))

    # Commits and files.

    def branch(self, call: Call, owner: str, repo: str, name: str) -> dict[str, Any]:
        repository = self._find(call, owner, repo)
        sha = repository.refs("heads").get(name)
        if sha is None:
            raise Refuse(404, "branch does not exist")
        return {"name": name, "commit": {"id": sha, "message": ""}, "protected": False}

    def tag(self, call: Call, owner: str, repo: str, name: str) -> dict[str, Any]:
        sha = self._find(call, owner, repo).refs("tags").get(name)
        if sha is None:
            raise Refuse(404, "tag does not exist")
        return {"name": name, "id": sha, "commit": {"sha": sha, "url": ""}}

    def commit(self, call: Call, owner: str, repo: str, sha: str) -> dict[str, Any]:
        repository = self._find(call, owner, repo)
        if repository.resolve(sha) is None:
            raise Refuse(404, "commit does not exist")
        return self._commit(repository, repository.log(sha, limit=1)[0], call)

    def commits(self, call: Call, owner: str, repo: str) -> Reply:
        repository = self._find(call, owner, repo)
        if repository.head() == EMPTY:
            raise Refuse(409, "Git Repository is empty.")
        revisions = [call.query.get("sha", repository.default_branch)]
        revisions += [f"^{excluded}" for excluded in [call.query.get("not")] if excluded]
        if any(repository.resolve(item.lstrip("^")) is None for item in revisions):
            raise Refuse(404, "object does not exist")
        return self._page(call, [self._commit(repository, item, call) for item in repository.log(*revisions)])

    def contents(self, call: Call, owner: str, repo: str, path: str) -> Any:
        repository = self._find(call, owner, repo)
        ref = call.query.get("ref", repository.default_branch)
        content = repository.read(ref, path) if repository.resolve(ref) else None
        if content is not None:
            fields = {"size": len(content), "encoding": "base64", "content": base64.b64encode(content).decode()}
            return {"name": path.rpartition("/")[2], "path": path, "type": "file", **fields}
        if repository.is_folder(ref, path):
            return [{"name": "a", "path": f"{path}/a", "type": "file", "content": None}]
        raise Refuse(404, "object does not exist")

    def raw(self, call: Call, owner: str, repo: str, path: str) -> bytes:
        repository = self._find(call, owner, repo)
        content = repository.read(call.query.get("ref", repository.default_branch), path)
        if content is None:
            raise Refuse(404, "object does not exist")
        return content

    def page(self, call: Call, owner: str, repo: str, sha: str, path: str) -> Reply:
        content = self._find(call, owner, repo).read(sha, path)
        if content is None:
            raise Refuse(404, "no such page")
        return Reply(content.decode("utf-8", "replace"), headers={"Content-Type": "text/html; charset=utf-8"})

    # Webhooks.

    def list_hooks(self, call: Call, owner: str, repo: str) -> Reply:
        repository = self._find(call, owner, repo, "write:repository")
        reply = self._page(call, [self._hook(hook) for hook in self.hooks if hook.repository is repository])
        # The server has this header for other lists only.
        reply.headers.pop("Link", None)
        return reply

    def create_hook(self, call: Call, owner: str, repo: str) -> Reply:
        repository = self._find(call, owner, repo, "write:repository")
        config = call.json["config"]
        if config["content_type"] not in ("json", "form"):
            raise Refuse(422, "Invalid content type")
        hook = Hook(self.new_id(), repository, config["url"], config.get("secret", ""), call.json)
        self.hooks.append(hook)
        return Reply(self._hook(hook), 201)

    def delete_hook(self, call: Call, owner: str, repo: str, number: str) -> Reply:
        repository = self._find(call, owner, repo, "write:repository")
        for hook in self.hooks:
            if str(hook.id) == number and hook.repository is repository:
                self.hooks.remove(hook)
                return Reply(status=204)
        raise Refuse(404, "webhook does not exist")

    def push_delivery(self, hook: Hook, ref: str, before: str, after: str) -> Delivery:
        """Return a push as the server sends it: the oldest commits are left out of a long one."""
        revisions = [after] if before == EMPTY else [after, f"^{before}"]
        pushed = [] if after == EMPTY else hook.repository.log(*revisions)
        body = json.dumps(
            {
                "ref": ref,
                "before": before,
                "after": after,
                "compare_url": f"{self.url}/{hook.repository.full_name}/compare/{before}...{after}",
                "commits": [self._pushed(hook.repository, item) for item in pushed[:MOST_PUSHED]],
                "total_commits": len(pushed),
                "repository": self._repository(hook.repository),
                "pusher": {"id": 1, "login": "ada"},
            }
        ).encode()
        signature = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": f"sha256={signature}",
            **{f"X-{name}-Event": "push" for name in ("Forgejo", "Gitea", "Gogs", "GitHub")},
            **{f"X-{name}-Signature": signature for name in ("Forgejo", "Gitea", "Gogs")},
        }
        return Delivery(hook.url, headers, body)

    # OAuth2.

    def authorize(self, call: Call) -> Reply:
        """Answer as if the person had agreed at once."""
        if call.query.get("client_id") not in self.applications or call.query.get("response_type") != "code":
            raise Refuse(400, "client is not authorized")
        code = secrets.token_hex(8)
        self.codes[code] = dict(call.query)
        query = urlencode({"code": code, "state": call.query.get("state", "")})
        return Reply("", 303, {"Location": f"{call.query['redirect_uri']}?{query}"})

    def access_token(self, call: Call) -> dict[str, Any]:
        form = call.form if "form" in call.headers.get("content-type", "") else call.json
        if self.applications.get(str(form.get("client_id"))) != form.get("client_secret"):
            raise self._oauth_error("invalid_client", 401)
        if form["grant_type"] == "refresh_token":
            user = self.refresh_tokens.pop(form["refresh_token"], None)
        else:
            user = self._user_of_code(form)
        if user is None:
            raise self._oauth_error("unauthorized_client", 400)
        access, refresh = f"access-{secrets.token_hex(12)}", f"refresh-{secrets.token_hex(12)}"
        self.tokens[access] = self.refresh_tokens[refresh] = user
        fields = {"token_type": "bearer", "expires_in": TOKEN_SECONDS}
        return {"access_token": access, "refresh_token": refresh, **fields}

    def _user_of_code(self, form: dict[str, str]) -> User | None:
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return None
        return self.tokens["good-token"]

    def _oauth_error(self, error: str, status: int) -> Refuse:
        refused = Refuse(status)
        refused.reply.body = {"error": error, "error_description": "the token or code is not valid"}
        return refused

    # Parts of answers.

    def _find(self, call: Call, owner: str, repo: str, scope: str = "read:repository") -> BareRepository:
        self._with_scope(call, scope, required=False)
        full_name = f"{owner}/{repo}"
        for repository in self.repositories:
            if full_name in repository.former:
                moved = Refuse(307)
                path = call.path.replace(f"/{full_name}", f"/{repository.full_name}", 1)
                query = f"?{urlencode(call.query)}" if call.query else ""
                moved.reply = Reply("", 307, {"Location": path + query})
                raise moved
        return self.find(call, full_name)

    def _with_scope(self, call: Call, scope: str, *, required: bool = True) -> User:
        user = self.user(call)
        if user is None and (required or scope.startswith("write")):
            raise Refuse(401, "token is required")
        if user is not None and user.scopes and scope not in user.scopes:
            raise Refuse(403, f"token does not have at least one of required scope(s): [{scope}]")
        return user or User("anonymous")

    def _of(self, user: User) -> list[BareRepository]:
        return [item for item in self.repositories if item.owner == user.login or item.full_name in user.repositories]

    def _id(self, user: User) -> int:
        return sum(user.login.encode())

    def _user(self, user: User) -> dict[str, Any]:
        return {"id": self._id(user), "login": user.login, "full_name": user.login.title(), "is_admin": False}

    def _repository(self, item: BareRepository) -> dict[str, Any]:
        return {
            "id": item.id,
            "owner": {"id": 7, "login": item.owner},
            "name": item.name,
            "full_name": item.full_name,
            "private": item.private,
            "archived": item.archived,
            "empty": item.head() == EMPTY,
            "default_branch": item.default_branch,
            "html_url": f"{self.url}/{item.full_name}",
            "clone_url": f"{self.url}/{item.full_name}.git",
        }

    def _commit(self, repository: BareRepository, item: LoggedCommit, call: Call) -> dict[str, Any]:
        files = [{"filename": change.path, "status": _STATUS[change.type]} for change in item.changes]
        author = {"name": item.author_name, "email": item.author_email, "date": item.authored}
        committer = {"name": item.committer_name, "email": item.committer_email, "date": item.committed}
        return {
            "sha": item.sha,
            "created": item.committed,
            "html_url": f"{self.url}/{repository.full_name}/commit/{item.sha}",
            "commit": {"message": item.message, "author": author, "committer": committer},
            "author": None,
            "parents": [{"sha": parent} for parent in item.parents],
            "files": files if call.query.get("files", "true") == "true" else None,
        }

    def _pushed(self, repository: BareRepository, item: LoggedCommit) -> dict[str, Any]:
        names = {_STATUS[kind]: [change.path for change in item.changes if change.type == kind] for kind in _STATUS}
        return {
            "id": item.sha,
            "message": item.message,
            "url": f"{self.url}/{repository.full_name}/commit/{item.sha}",
            "author": {"name": item.author_name, "email": item.author_email, "username": ""},
            "committer": {"name": item.committer_name, "email": item.committer_email, "username": ""},
            "timestamp": item.authored,
            **names,
        }

    def _hook(self, hook: Hook) -> dict[str, Any]:
        config = {name: value for name, value in hook.fields["config"].items() if name != "secret"}
        return {"id": hook.id, "type": hook.fields["type"], "active": True, "events": ["push"], "config": config}

    def _page(self, call: Call, items: list[Any]) -> Reply:
        page, number, pages = page_of(call, items, self.largest_page)
        headers = link_header(self.url, call, number, pages) | {"X-Total-Count": str(len(items))}
        return Reply(page, headers=headers)
