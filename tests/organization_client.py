"""An organization for one test on a service that many tests share, and a client for it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from command import scmhost


@dataclass(frozen=True)
class OrganizationClient:
    """An organization with a project ``web``, and its token with all scopes."""

    slug: str
    id: str
    project_id: str
    token: str
    client: httpx2.Client

    def request(self, method: str, path: str, *codes: int, **options: Any) -> Any:
        """Send a request below ``/api/0/organizations/{slug}/``, or to an absolute path, and return the body."""
        url = path if path.startswith("/") else f"/api/0/organizations/{self.slug}/{path}"
        answer = self.client.request(method, url, headers={"Authorization": f"Bearer {self.token}"}, **options)
        assert answer.status_code in (codes or (200, 201)), answer.text
        return answer.json() if answer.content else None

    def get(self, path: str, **query: Any) -> Any:
        return self.request("GET", path, params=query)

    def post(self, path: str, **body: Any) -> Any:
        return self.request("POST", path, json=body)

    def repository(self, name: str, url: str | None = None) -> dict[str, Any]:
        """Create a repository without a provider."""
        value: dict[str, Any] = self.post("repos/", name=name, url=url)
        return value

    def repositories(self) -> dict[str, dict[str, Any]]:
        """Return the active repositories by name."""
        return {item["name"]: item for item in self.get("repos/")}

    def claimed(self, name: str, *, provider: str = "custom_scm", **install: str) -> dict[str, Any]:
        """Create a repository at https://git.example.com/, claimed through a provider."""
        url = f"https://git.example.com/{name}"
        form = {"name": name.replace("/", "-"), "url": "https://git.example.com/", "preset": "gitea", **install}
        installation = self.post("integrations/", provider=provider, **form)
        identifier = self.repository(name, url)["id"]
        through = {"provider": f"integrations:{provider}", "installation": installation["id"]}
        value: dict[str, Any] = self.post("repos/", identifier=identifier, **through)
        return value

    def map(self, repository: Mapping[str, Any], stack_root: str, *, project_id: str = "") -> None:
        """Create a code mapping to the root of a claimed repository."""
        self.post(
            "code-mappings/",
            repositoryId=repository["id"],
            integrationId=repository["integrationId"],
            projectId=project_id or self.project_id,
            stackRoot=stack_root,
            sourceRoot="",
            defaultBranch="main",
        )

    def release(self, version: str) -> dict[str, Any]:
        value: dict[str, Any] = self.get(f"releases/{escaped(version)}/")
        return value

    def versions(self) -> list[str]:
        return [item["version"] for item in self.get("releases/")]

    def commits(self, version: str) -> list[dict[str, Any]]:
        """Return all commits of a release, from all pages."""
        found: list[dict[str, Any]] = []
        while page := self.get(f"releases/{escaped(version)}/commits/", cursor=f"0:{len(found)}:0"):
            found += page
        return found

    def shas(self, version: str) -> list[str]:
        return [commit["id"] for commit in self.commits(version)]

    def commits_by_repository(self, version: str) -> dict[str, set[str]]:
        """Return the shas of a release by the name of the repository."""
        found: dict[str, set[str]] = {}
        for commit in self.commits(version):
            found.setdefault(commit["repository"]["name"], set()).add(commit["id"])
        return found

    def files(self, version: str) -> set[tuple[str, str]]:
        """Return the type and path of each file that the commits of a release changed."""
        return {(item["type"], item["filename"]) for item in self.get(f"releases/{escaped(version)}/commitfiles/")}

    def refs(self, version: str) -> dict[str, tuple[str, str | None]]:
        """Return the head commit of a release in each repository, and the previous commit, if there is one."""
        listed = self.release(version)["refs"]
        return {ref["repository"]: (ref["commit"], ref["previousCommit"]) for ref in listed}

    def link(self, file: str, version: str | None = None) -> dict[str, Any]:
        """Return the link of a frame, with or without a release."""
        query = {"file": file} | ({"release": version} if version else {})
        value: dict[str, Any] = self.get(f"/api/0/projects/{self.slug}/web/stacktrace-link/", **query)
        return value


def new_organization(folder: Path, client: httpx2.Client, slug: str, *repositories: str) -> OrganizationClient:
    """Create an organization in the database of a service."""
    named = [word for name in repositories for word in ("--repository", name)]
    where = ["--database-url", f"sqlite:///{folder}/served.db", "--json"]
    done = scmhost("bootstrap", "--org", slug, "--project", "web", *named, *where)
    assert done.code == 0, done.err
    there = json.loads(done.out)
    return OrganizationClient(slug, there["organization"]["id"], there["project"]["id"], there["token"], client)


def new_token(folder: Path, organization: OrganizationClient, *scopes: str) -> str:
    """Create a token with these scopes."""
    words = [word for scope in scopes for word in ("--scope", scope)]
    where = ["--database-url", f"sqlite:///{folder}/served.db"]
    done = scmhost("token", "create", "--org", organization.slug, "--name", "ci", *words, *where)
    assert done.code == 0, done.err
    return done.out.strip()


def escaped(version: str) -> str:
    """Return a version as a segment of a path."""
    return "".join(f"%{byte:02X}" for byte in version.encode())


def remote(name: str) -> str:
    """Return the URL of a repository as a git remote."""
    return f"git@git.example.com:{name}.git"


def column(table: str, at: int) -> Sequence[str]:
    """Return a column of a table in a client's output, without its heading."""
    rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("|")]
    return [row[at].strip() for row in rows[1:]]
