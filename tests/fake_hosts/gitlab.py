"""A fake GitLab: the calls of its REST API (v4) that plugins make, its OAuth application and its webhooks.

``DOCUMENTED`` has what GitLab documents of these calls. A request that is not documented is refused and remembered.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from .base import Call, Delivery, FakeHost, Hook, Refuse, Reply, User, link_header, page_of
from .repository import EMPTY, BareRepository, LoggedCommit

MOST_PUSHED: Final = 20
"""How many commits the body of a push has at most."""

TOKEN_SECONDS: Final = 7200

_PROJECT: Final = "/api/v4/projects/{project}"
_FILE: Final = _PROJECT + "/repository/files/{path}"
_COMMITS: Final = _PROJECT + "/repository/commits"

DOCUMENTED: Final[list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("gitlab_endpoints.json").read_text(encoding="utf-8")
)
"""Method and path of each call, with the names of its parameters in the query or in the body, from GitLab's pages."""


class FakeGitLab(FakeHost):
    """A running fake of GitLab."""

    ROUTES = (
        ("GET", "/api/v4/user", "own_user"),
        ("GET", "/api/v4/projects", "projects"),
        ("GET", "/api/v4/groups/{group}", "group"),
        ("GET", "/api/v4/groups/{group}/projects", "group_projects"),
        ("GET", _PROJECT, "show"),
        ("GET", _PROJECT + "/repository/branches/{name}", "branch"),
        ("GET", _PROJECT + "/repository/tags/{name}", "tag"),
        ("GET", _COMMITS, "commits"),
        ("GET", _COMMITS + "/{sha}", "commit"),
        ("GET", _COMMITS + "/{sha}/diff", "diff"),
        ("HEAD", _FILE, "file"),
        ("GET", _FILE + "/raw", "raw"),
        ("GET", _FILE + "/blame", "blame"),
        ("GET", _PROJECT + "/hooks", "list_hooks"),
        ("POST", _PROJECT + "/hooks", "create_hook"),
        ("PUT", _PROJECT + "/hooks/{number}", "edit_hook"),
        ("DELETE", _PROJECT + "/hooks/{number}", "delete_hook"),
        ("GET", "/oauth/authorize", "authorize"),
        ("POST", "/oauth/token", "oauth_token"),
        ("POST", "/oauth/revoke", "revoke"),
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.applications: dict[str, str] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_tokens: dict[str, tuple[User, str]] = {}
        self.expired: set[str] = set()
        self.marked_for_deletion: set[int] = set()
        self.undocumented: list[str] = []

    def answer(self, call: Call) -> Reply:
        """Answer a request that is documented; refuse any other."""
        problem = None if ".git/" in call.path else undocumented(call)
        if problem:
            self.undocumented.append(problem)
            return Reply({"error": problem}, 400)
        return super().answer(call)

    def user(self, call: Call) -> User | None:
        """Return whose token a request has, in one of the two headers for it."""
        token = call.headers.get("private-token") or call.headers.get("authorization", "").removeprefix("Bearer ")
        if token.startswith("Basic "):
            return super().user(call)
        if token in self.expired:
            refused = Refuse(401)
            refused.reply.body = {"error": "invalid_token", "error_description": "Token is expired."}
            raise refused
        if token and token not in self.tokens:
            raise Refuse(401, "401 Unauthorized")
        return self.tokens.get(token)

    def may_see(self, user: User | None, repository: BareRepository) -> bool:
        """Return whether a user may see a project. Members stay members when it is renamed."""
        return not repository.private or (user is not None and self._is_member(user, repository))

    # People, groups and projects.

    def own_user(self, call: Call) -> dict[str, Any]:
        user = self._with_scope(call, "read_user", "read_api")
        return {"id": sum(user.login.encode()), "username": user.login, "name": user.login.title(), "state": "active"}

    def projects(self, call: Call) -> Reply:
        user = self._with_scope(call, "read_api")
        only_own = call.query.get("membership") == "true"
        seen = [item for item in self.repositories if self.may_see(user, item)]
        found = self._filtered(call, [item for item in seen if not only_own or self._is_member(user, item)])
        if call.query.get("pagination") != "keyset":
            return self._page(call, [self._project(item) for item in found])
        if (call.query.get("order_by"), call.query.get("sort")) != ("id", "asc"):
            raise Refuse(405, "Keyset pagination is not yet available for this type of request")
        later = sorted(
            (item for item in found if item.id > int(call.query.get("id_after", 0))), key=lambda item: item.id
        )
        size = min(int(call.query.get("per_page", 20)), self.largest_page)
        query = urlencode({**call.query, "id_after": later[size - 1].id}) if len(later) > size else ""
        headers = {"Link": f'<{self.url}{call.path}?{query}>; rel="next"'} if query else {}
        return Reply([self._project(item) for item in later[:size]], headers=headers)

    def group(self, call: Call, group: str) -> dict[str, Any]:
        user = self._with_scope(call, "read_api")
        for item in self.repositories:
            known = item.owner if f"{item.owner}/".casefold().startswith(f"{group}/".casefold()) else ""
            if known and self.may_see(user, item):
                path = known[: len(group)]
                return {"id": 3, "name": path.title(), "path": path.rpartition("/")[2], "full_path": path}
        raise Refuse(404, "404 Group Not Found")

    def group_projects(self, call: Call, group: str) -> Reply:
        user, path = self._with_scope(call, "read_api"), self.group(call, group)["full_path"]
        deep = call.query.get("include_subgroups") == "true"
        inside = [item for item in self.repositories if item.owner == path or (deep and _below(item, path))]
        found = self._filtered(call, [item for item in inside if self.may_see(user, item)])
        return self._page(call, [self._project(item) for item in found])

    def show(self, call: Call, project: str) -> dict[str, Any]:
        return self._project(self._find(call, project))

    # Commits and files.

    def branch(self, call: Call, project: str, name: str) -> dict[str, Any]:
        return self._ref(self._find(call, project), "heads", name)

    def tag(self, call: Call, project: str, name: str) -> dict[str, Any]:
        return self._ref(self._find(call, project), "tags", name)

    def commits(self, call: Call, project: str) -> Reply:
        repository = self._find(call, project)
        base, dots, head = call.query.get("ref_name", repository.default_branch).partition("..")
        revisions = [head, f"^{base}"] if dots else [base]
        known = all(repository.resolve(item.lstrip("^")) for item in revisions)
        listed = repository.log(*revisions) if known else []
        return self._page(call, [_commit(item) for item in listed])

    def commit(self, call: Call, project: str, sha: str) -> dict[str, Any]:
        repository = self._find(call, project)
        if repository.resolve(sha) is None:
            raise Refuse(404, "404 Commit Not Found")
        return _commit(repository.log(sha, limit=1)[0])

    def diff(self, call: Call, project: str, sha: str) -> Reply:
        repository = self._find(call, project)
        if repository.resolve(sha) is None:
            raise Refuse(404, "404 Commit Not Found")
        return self._page(call, list(_diffs(repository, sha)))

    def file(self, call: Call, project: str, path: str) -> Reply:
        return Reply(headers=self._file(call, project, path)[1])

    def raw(self, call: Call, project: str, path: str) -> Reply:
        content, headers = self._file(call, project, path)
        return Reply(content, headers={"Content-Type": "text/plain", **headers})

    def blame(self, call: Call, project: str, path: str) -> list[dict[str, Any]]:
        self._file(call, project, path)
        repository, ref = self._find(call, project), call.query["ref"]
        lines = (repository.read(ref, path) or b"").decode("utf-8", "replace").splitlines()
        first, last = (
            int(call.query.get(f"range[{name}]", default)) for name, default in (("start", 1), ("end", 10**9))
        )
        if first > max(1, len(lines)):
            raise Refuse(400, f"range[start] is out of bounds: the file has {len(lines)} lines")
        blamed = [item for item in repository.blame(ref, path) if first <= item.line <= last]
        groups = [(sha, list(items)) for sha, items in groupby(blamed, key=lambda item: item.sha)]
        commits = {sha: _commit(repository.log(sha, limit=1)[0]) for sha, _ in groups}
        return [{"commit": commits[sha], "lines": [lines[item.line - 1] for item in items]} for sha, items in groups]

    # Webhooks.

    def list_hooks(self, call: Call, project: str) -> Reply:
        repository = self._find(call, project, "api")
        return self._page(call, [_hook(hook) for hook in self.hooks if hook.repository is repository])

    def create_hook(self, call: Call, project: str) -> Reply:
        repository, body = self._find(call, project, "api"), call.json
        hook = Hook(self.new_id(), repository, body["url"], body.get("token", ""), body)
        self.hooks.append(hook)
        return Reply(_hook(hook), 201)

    def edit_hook(self, call: Call, project: str, number: str) -> dict[str, Any]:
        hook = self._hook_of(call, project, number)
        hook.url, hook.secret, hook.fields = call.json["url"], call.json.get("token", hook.secret), call.json
        return _hook(hook)

    def delete_hook(self, call: Call, project: str, number: str) -> Reply:
        self.hooks.remove(self._hook_of(call, project, number))
        return Reply(status=204)

    def push_delivery(self, hook: Hook, ref: str, before: str, after: str) -> Delivery:
        """Return a push as GitLab sends it: the newest commits, the oldest of them first."""
        repository = hook.repository
        revisions = [after] if before == EMPTY else [after, f"^{before}"]
        pushed = [] if after == EMPTY else repository.log(*revisions)
        body = {
            "object_kind": "push",
            "event_name": "push",
            "before": before,
            "after": after,
            "ref": ref,
            "checkout_sha": None if after == EMPTY else after,
            "user_name": "Ada",
            "project_id": repository.id,
            "project": {**self._project(repository), "name": repository.name},
            "commits": [self._pushed(repository, item) for item in reversed(pushed[:MOST_PUSHED])],
            "total_commits_count": len(pushed),
        }
        headers = {
            "Content-Type": "application/json",
            "X-Gitlab-Event": "Push Hook",
            "X-Gitlab-Token": hook.secret,
            "X-Gitlab-Instance": self.url,
        }
        return Delivery(hook.url, headers, json.dumps(body).encode())

    # OAuth.

    def authorize(self, call: Call) -> Reply:
        """Answer as if the person had agreed at once."""
        if call.query.get("client_id") not in self.applications or call.query.get("response_type") != "code":
            raise Refuse(400, "Client authentication failed")
        code = secrets.token_hex(8)
        self.codes[code] = dict(call.query)
        query = urlencode({"code": code, "state": call.query.get("state", "")})
        return Reply("", 302, {"Location": f"{call.query['redirect_uri']}?{query}"})

    def oauth_token(self, call: Call) -> dict[str, Any]:
        form = call.form
        self._check_application(form)
        user: User | None = None
        if form["grant_type"] == "refresh_token":
            user, callback = self.refresh_tokens.pop(form.get("refresh_token", ""), (None, ""))
            user = user if callback == form["redirect_uri"] else None
        elif self._is_code(form):
            user = self.tokens["good-token"]
        if user is None:
            raise _oauth_error("invalid_grant", 400)
        access, refresh = secrets.token_hex(32), secrets.token_hex(32)
        self.tokens[access], self.refresh_tokens[refresh] = user, (user, form["redirect_uri"])
        fields = {"token_type": "bearer", "expires_in": TOKEN_SECONDS, "created_at": 1_767_323_045}
        return {"access_token": access, "refresh_token": refresh, **fields}

    def revoke(self, call: Call) -> dict[str, Any]:
        self._check_application(call.form)
        self.tokens.pop(call.form["token"], None)
        return {}

    def _check_application(self, form: Mapping[str, str]) -> None:
        if self.applications.get(form["client_id"]) != form.get("client_secret"):
            raise _oauth_error("invalid_client", 401)

    def _is_code(self, form: Mapping[str, str]) -> bool:
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return asked is not None and (asked["code_challenge"], asked["redirect_uri"]) == (
            challenge,
            form["redirect_uri"],
        )

    # Parts of answers.

    def _find(self, call: Call, project: str, scope: str = "read_api") -> BareRepository:
        user = self._with_scope(call, scope, required=scope == "api")
        for item in self.repositories:
            if project == str(item.id) or project.casefold() == item.full_name.casefold():
                if self.may_see(user, item):
                    return item
            elif project in item.former and self.may_see(user, item):
                moved = Refuse(301)
                place = call.path.split("/projects/", 1)[1].partition("/")[2]
                target = f"{self.url}/api/v4/projects/{item.id}" + (f"/{place}" if place else "")
                moved.reply = Reply(f"This resource has been moved permanently to {target}", 301, {"Location": target})
                raise moved
        raise Refuse(404, "404 Project Not Found")

    def _with_scope(self, call: Call, *scopes: str, required: bool = True) -> User:
        user = self.user(call)
        if user is None and required:
            raise Refuse(401, "401 Unauthorized")
        if user and user.scopes and user.scopes.isdisjoint({*scopes, "api"}):
            refused = Refuse(403)
            refused.reply.body = {"error": "insufficient_scope", "error_description": "The request requires more."}
            raise refused
        return user or User("")

    def _is_member(self, user: User, item: BareRepository) -> bool:
        return item.owner == user.login or not user.repositories.isdisjoint({item.full_name, *item.former})

    def _filtered(self, call: Call, items: list[BareRepository]) -> list[BareRepository]:
        text = call.query.get("search", "").casefold()
        with_groups = call.query.get("search_namespaces") == "true"
        named = [item for item in items if text in (item.full_name if with_groups else item.name).casefold()]
        archived = {"true": True, "false": False}.get(call.query.get("archived", ""))
        return [item for item in named if archived is None or item.archived == archived]

    def _project(self, item: BareRepository) -> dict[str, Any]:
        return {
            "id": item.id,
            "name": item.name.title(),
            "path": item.name,
            "path_with_namespace": item.full_name,
            "default_branch": item.default_branch if item.head() != EMPTY else None,
            "web_url": f"{self.url}/{item.full_name}",
            "http_url_to_repo": f"{self.url}/{item.full_name}.git",
            "archived": item.archived,
            "marked_for_deletion_on": "2026-02-01" if item.id in self.marked_for_deletion else None,
        }

    def _ref(self, repository: BareRepository, kind: str, name: str) -> dict[str, Any]:
        sha = repository.refs(kind).get(name)
        if sha is None:
            raise Refuse(404, f"404 {'Branch' if kind == 'heads' else 'Tag'} Not Found")
        return {"name": name, "commit": _commit(repository.log(sha, limit=1)[0]), "protected": False}

    def _file(self, call: Call, project: str, path: str) -> tuple[bytes, dict[str, str]]:
        repository, ref = self._find(call, project), call.query.get("ref", "HEAD")
        if repository.resolve(ref) is None:
            raise Refuse(404, "404 Commit Not Found")
        content = repository.read(ref, path)
        if content is None:
            raise Refuse(404, "404 File Not Found")
        facts = {"Blob-Id": repository.blob_of(ref, path), "Ref": ref, "Size": str(len(content)), "Encoding": "base64"}
        return content, {f"X-Gitlab-{name}": value for name, value in facts.items()}

    def _hook_of(self, call: Call, project: str, number: str) -> Hook:
        repository = self._find(call, project, "api")
        for hook in self.hooks:
            if str(hook.id) == number and hook.repository is repository:
                return hook
        raise Refuse(404, "404 Not found")

    def _pushed(self, repository: BareRepository, item: LoggedCommit) -> dict[str, Any]:
        names = {"A": "added", "M": "modified", "D": "removed"}
        changed = {
            name: [change.path for change in item.changes if change.type == kind] for kind, name in names.items()
        }
        author = {"name": item.author_name, "email": item.author_email}
        url = f"{self.url}/{repository.full_name}/-/commit/{item.sha}"
        facts = {"id": item.sha, "message": item.message, "title": item.message.splitlines()[0], "url": url}
        return {**facts, "timestamp": item.committed, "author": author, **changed}

    def _page(self, call: Call, items: list[Any]) -> Reply:
        page, number, pages = page_of(call, items, self.largest_page, "per_page")
        headers = link_header(self.url, call, number, pages) | {"X-Page": str(number)}
        return Reply(page, headers=headers | {"X-Next-Page": str(number + 1) if number < pages else ""})


def undocumented(call: Call) -> str | None:
    """Return what GitLab's documentation does not have of a request, or None."""
    for row in DOCUMENTED:
        if row["method"] == call.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", row["path"]), call.path):
            given, required = call.query.keys() | _body_names(call), set(row["required"])
            wrong = sorted([*(given - required - set(row["optional"])), *(f"no {name}" for name in required - given)])
            return f"{call.method} {row['path']}: {', '.join(wrong)}" if wrong else None
    return f"{call.method} {call.path}"


def _body_names(call: Call) -> set[str]:
    is_json = "json" in call.headers.get("content-type", "")
    return set(call.json if is_json else call.form) if call.body else set()


def _below(item: BareRepository, group: str) -> bool:
    return item.full_name.startswith(f"{group}/")


def _commit(item: LoggedCommit) -> dict[str, Any]:
    return {
        "id": item.sha,
        "short_id": item.sha[:8],
        "title": item.message.splitlines()[0] if item.message.strip() else "",
        "message": item.message,
        "parent_ids": list(item.parents),
        "author_name": item.author_name,
        "author_email": item.author_email,
        "authored_date": item.authored,
        "committer_name": item.committer_name,
        "committer_email": item.committer_email,
        "committed_date": item.committed,
        "created_at": item.committed,
    }


def _diffs(repository: BareRepository, sha: str) -> Iterator[dict[str, Any]]:
    """Yield the changed files of a commit; those of a merge in comparison with its first parent."""
    ends = [f"{sha}^1", sha] if repository.resolve(f"{sha}^2") else ["--root", "--no-commit-id", sha]
    out = repository.git("diff-tree", "-r", "-M", "--name-status", "-z", *ends).decode("utf-8", "replace")
    fields = iter(out.rstrip("\0").split("\0") if out else [])
    for kind in fields:
        old = next(fields)
        new = next(fields) if kind.startswith("R") else old
        flags = {"new_file": kind == "A", "deleted_file": kind == "D", "renamed_file": kind.startswith("R")}
        yield {"old_path": old, "new_path": new, "a_mode": "100644", "b_mode": "100644", "diff": "@@ ...", **flags}


def _hook(hook: Hook) -> dict[str, Any]:
    shown = {name: value for name, value in hook.fields.items() if name != "token"}
    return {**shown, "id": hook.id, "project_id": hook.repository.id, "url": hook.url}


def _oauth_error(error: str, status: int) -> Refuse:
    refused = Refuse(status)
    refused.reply.body = {"error": error, "error_description": "The provided authorization grant is invalid."}
    return refused
