"""Tables of plugins.toml about the host itself: limits, quotas, the database, the server, telemetry and the pages.

The defaults of limits are those of Sentry's API where it has one.
"""

from collections.abc import Collection, Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from .errors import InvalidInput


class Table(BaseModel):
    """Base of all tables of the file: frozen, without unknown keys and without conversion between types."""

    # Strict and closed: a misspelled key or ``"true"`` in quotes must not silently turn a plugin off.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Breaker(Table):
    """``[host.breaker]``: when a hook that keeps failing is suspended, and for how long."""

    faults: int = Field(default=5, ge=1, description="Faults in a row after which a hook of a plugin is suspended.")
    pause_seconds: int = Field(
        default=10, ge=1, description="Length of the first pause in seconds; each next one is twice as long."
    )
    longest_pause_seconds: int = Field(default=300, ge=1, description="Longest pause in seconds.")


class MetricsSettings(Table):
    """``[host.metrics]``."""

    enabled: bool = Field(default=False, description="Enables `GET /metrics` in Prometheus format.")


class SpansSettings(Table):
    """``[host.spans]``."""

    enabled: bool = Field(default=False, description="Creates OpenTelemetry spans for requests and plugin calls.")


class ServerSettings(Table):
    """``[server]``: how ``scmhost serve`` listens. Its options and the environment override the file."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on; `0.0.0.0`: all.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on.")
    workers: int = Field(default=1, ge=1, le=64, description="Worker processes.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged; `debug` has health probes."
    )
    forwarded_allow_ips: str = Field(
        default="127.0.0.1,::1",
        description="Addresses of proxies, with commas, whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.",
    )


RowKind = Literal["projects", "installations", "repositories", "commits", "file_changes", "releases", "code_mappings"]
"""The kinds of rows that have a quota: the names of their tables."""

ROWS: Final[Mapping[RowKind, str]] = {
    "projects": "projects",
    "installations": "installations",
    "repositories": "repositories",
    "commits": "commits",
    "file_changes": "changed files of commits",
    "releases": "releases",
    "code_mappings": "code mappings",
}
"""The same in words."""


class Quota(BaseModel):
    """What one organization may use."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    projects: int = Field(default=10_000, ge=1, description="Most projects.")
    installations: int = Field(default=1_000, ge=1, description="Most installations of providers.")
    repositories: int = Field(default=200_000, ge=1, description="Most repositories.")
    commits: int = Field(default=50_000_000, ge=1, description="Most commits.")
    file_changes: int = Field(default=500_000_000, ge=1, description="Most changed files of all commits.")
    releases: int = Field(default=1_000_000, ge=1, description="Most releases.")
    code_mappings: int = Field(default=1_000_000, ge=1, description="Most code mappings of all projects.")
    trace_seconds_per_hour: int = Field(
        default=1_800, ge=1, description="Most seconds of processor time for traces in an hour, in each worker."
    )

    def rows(self, kind: RowKind) -> int:
        """Return how many rows of a kind there may be."""
        most: int = getattr(self, kind)
        return most


class OwnQuota(Quota):
    """``[limits.quotas.organizations.SLUG]``: exceptions for one organization."""

    organization_requests_per_minute: int | None = Field(
        default=None, ge=1, description="As the key of `[limits]`, for this organization."
    )


class Quotas(Quota):
    """``[limits.quotas]``: what each organization may use, and exceptions."""

    organizations: Mapping[str, OwnQuota] = Field(
        default_factory=dict,
        description="Exceptions by the slug of an organization: these keys, and `organization_requests_per_minute`.",
    )

    def __hash__(self) -> int:
        # A mapping has none, and decoders are kept by the limits. Equality still compares everything.
        return hash((self.commits, *self.organizations))


class Limits(BaseModel):
    """Limits of a running service, in plugins.toml under ``[limits]``."""

    # A misspelt limit is an error, because the operator would believe that it is set.
    model_config = ConfigDict(extra="forbid", frozen=True)

    body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    body_seconds: int = Field(default=60, ge=1, description="Longest time that a request body may take to arrive.")
    header_bytes: int = Field(
        default=65_536, ge=1024, description="Longest head of a request: its address and headers, in bytes."
    )
    headers: int = Field(default=100, ge=10, description="Most headers of a request.")
    header_seconds: int = Field(
        default=10, ge=1, description="Longest time that the head of a request may take to arrive."
    )
    idle_seconds: int = Field(
        default=5, ge=1, description="Longest time that a connection stays open without a request."
    )
    answer_seconds: int = Field(
        default=60, ge=1, description="Longest time in which a client reads nothing of its answer."
    )
    connections: int = Field(default=1_000, ge=1, description="Most open connections of each worker.")
    commits_per_request: int = Field(default=10_000, ge=1, description="Most commits in one request.")
    repositories_per_request: int = Field(
        default=500, ge=1, description="Most repositories that the commits of one request may name."
    )
    message_length: int = Field(
        default=16_384,
        ge=1,
        description="Longest message of a commit, in characters; the end of a longer one is cut, with a note.",
    )
    changes_per_commit: int = Field(
        default=10_000, ge=1, description="Most file changes of a commit; the others are left out, with a note."
    )
    # 64: SHA-256, the longest ids of git.
    sha_length: int = Field(default=64, ge=1, le=64, description="Longest commit id.")
    repository_name_length: int = Field(default=200, ge=1, le=200, description="Longest repository name in a commit.")
    author_name_length: int = Field(default=128, ge=1, le=255, description="Longest author name.")
    author_email_length: int = Field(
        default=200,
        ge=1,
        le=254,
        description="Longest e-mail address of a commit's author; with a longer one the commit has no author.",
    )
    path_length: int = Field(
        default=510, ge=1, le=4096, description="Longest path of a changed file; a longer one is omitted, with a note."
    )
    page_size: int = Field(default=100, ge=1, le=1000, description="Most objects on one page.")
    version_length: int = Field(default=200, ge=1, le=200, description="Longest version of a release.")
    ref_length: int = Field(default=200, ge=1, description="Longest `ref` of a release.")
    refs_per_request: int = Field(default=1_000, ge=1, description="Most refs in one request.")
    projects_per_request: int = Field(default=1_000, ge=1, description="Most different projects in one request.")
    environment_length: int = Field(default=64, ge=1, description="Longest environment of a deploy.")
    deploy_name_length: int = Field(default=64, ge=1, description="Longest name of a deploy.")
    mappings_per_request: int = Field(default=300, ge=1, description="Most code mappings in one request.")
    mappings_per_project: int = Field(default=100_000, ge=1, description="Most code mappings of a project.")
    offers: int = Field(default=1_000, ge=1, description="Most repositories that a provider may offer at once.")
    job_seconds: int = Field(
        default=60, ge=1, description="Longest time that a job may take; after it another worker takes the job."
    )
    requests_per_minute: int = Field(
        default=60_000, ge=1, description="Most requests of one token in a minute, in each worker."
    )
    organization_requests_per_minute: int = Field(
        default=120_000, ge=1, description="Most requests of an organization's tokens in a minute, in each worker."
    )
    redirects_per_minute: int = Field(
        default=600, ge=1, description="Most redirects of one key in a minute, in each worker."
    )
    sign_ins_per_minute: int = Field(
        default=20, ge=1, description="Most attempts to sign in from one address in a minute, in each worker."
    )
    request_threads: int = Field(
        default=40, ge=1, le=1_000, description="Most requests that one worker answers at the same time."
    )
    trace_characters: int = Field(default=1024 * 1024, ge=1024, description="Longest stack trace, in characters.")
    trace_frames: int = Field(default=10_000, ge=1, description="Most frames of one trace.")
    explained_frames: int = Field(default=50, ge=1, description="Most frames in a request for an explanation.")
    explained_mappings: int = Field(
        default=100, ge=1, description="Most code mappings without a match in an explanation."
    )
    file_checks_per_request: int = Field(
        default=200, ge=1, description="Most files that a request checks on code hosts; other files count as unknown."
    )
    context_frames: int = Field(
        default=100, ge=1, description="Most frames of a request that get source lines from code hosts."
    )
    derived_from_files: int = Field(
        default=500, ge=1, description="Most files with the same name that are compared with a frame."
    )

    quotas: Quotas = Field(default=Quotas(), description="What each organization may use, below.")

    def check(self, limit: str, size: int, field: str | None = None) -> None:
        """Check a size against the limit with this name.

        Raises:
            InvalidInput: the size is over the limit.
        """
        most = getattr(self, limit)
        if size > most:
            raise InvalidInput(f"{size} is over the limit of {most} (limits.{limit}).", field)


class DatabaseSettings(BaseModel):
    """``[database]`` of plugins.toml: connections, and how long they wait.

    With the defaults, a request that cannot be served because of the database is refused within five seconds.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pool_size: int = Field(
        default=30,
        ge=2,
        le=1_000,
        description="Most connections of each worker to PostgreSQL; a third of them stay open.",
    )
    pool_seconds: float = Field(
        default=1.5, gt=0, le=60, description="Longest wait for a free connection of the worker, in seconds."
    )
    connect_seconds: int = Field(
        default=2, ge=2, le=60, description="Longest time that PostgreSQL may take to open a connection, in seconds."
    )
    lock_seconds: float = Field(
        default=3.0,
        gt=0,
        le=600,
        description="Longest wait for a lock: of PostgreSQL, or for another writer of SQLite; in seconds.",
    )
    statement_seconds: float = Field(
        default=30.0, gt=0, le=3_600, description="Longest statement of a request on PostgreSQL, in seconds."
    )
    long_statement_seconds: float = Field(
        default=3_600.0,
        gt=0,
        le=86_400,
        description="Longest statement of migrations, exports, jobs and deletions on PostgreSQL, in seconds.",
    )


DEFAULT_DATABASE: Final = DatabaseSettings()


# A header that servers and proxies set themselves names no person.
_NO_USER_HEADERS: Final = frozenset({"authorization", "cookie", "host", "x-forwarded-for"})


def _network(text: str) -> str:
    ip_network(text)
    return text


def _user_header(name: str) -> str:
    if name.lower() in _NO_USER_HEADERS:
        raise ValueError(f"{name} is no header with the name of a user; such as X-Forwarded-User")
    return name.lower()


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$"), AfterValidator(_user_header)]
Network = Annotated[str, AfterValidator(_network)]
IssuerUrl = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]


class GroupRole(Table):
    """``[[web.groups]]``: what the members of a group at a proxy or an identity provider may do."""

    group: str = Field(min_length=1, description="The group's name; `*`: everybody who signs in this way.")
    organization: str | None = Field(default=None, description="The slug of the organization that members see.")
    role: Literal["member", "admin"] = Field(default="member", description="Their role in the organization.")
    host_admin: bool = Field(default=False, description="Whether they administer the host.")


class OpenIdSettings(Table):
    """``[web.openid]``: sign-in by OpenID Connect; needs the extra `scmhost[openid]`."""

    issuer: IssuerUrl = Field(description="URL of the provider; its configuration is below `/.well-known/`.")
    client_id: str = Field(min_length=1, description="Id of scmhost at the provider.")
    client_secret: SecretStr | None = Field(default=None, description="Its secret; none for a public client.")
    scope: str = Field(default="openid profile email", description="Scopes, separated by blanks.")
    groups_claim: str = Field(default="groups", min_length=1, description="Claim with the groups of the person.")


class WebSettings(Table):
    """``[web]``: pages for people."""

    enabled: bool = Field(default=True, description="Serves pages for people; the API does not depend on them.")
    session_hours: int = Field(default=336, ge=1, le=8_760, description="Hours after which people sign in again.")
    share_days: int = Field(
        default=30, ge=0, le=365, description="Days after which shared traces are deleted; 0: no trace can be shared."
    )
    proxy_user_header: HeaderName | None = Field(
        default=None, description="Header in which a proxy names the person, such as `X-Forwarded-User`."
    )
    proxy_groups_header: HeaderName | None = Field(
        default=None, description="Header with the person's groups, separated by commas."
    )
    # Not strict: TOML has arrays, and the frozen model needs tuples.
    proxy_addresses: Annotated[tuple[Network, ...], Field(strict=False)] = Field(
        default=(), description="Addresses and networks of proxies that may name people; from others it is refused."
    )
    groups: Annotated[tuple[GroupRole, ...], Field(strict=False)] = Field(
        default=(), description="What members of groups may do, below."
    )
    openid: OpenIdSettings | None = Field(default=None, description="Sign-in by OpenID Connect, below.")

    def trusts(self, address: str) -> bool:
        """Return whether a proxy with this address may name people."""
        try:
            number = ip_address(address)
        except ValueError:
            return False
        return any(number in ip_network(network) for network in self.proxy_addresses)

    def roles(self, groups: Collection[str]) -> "GroupRoles":
        """Return what a person in these groups may do."""
        own = [each for each in self.groups if each.group == "*" or each.group in groups]
        roles: dict[str, Literal["member", "admin"]] = {}
        for each in own:
            if each.organization and roles.get(each.organization) != "admin":
                roles[each.organization] = each.role
        return GroupRoles(roles=roles, host_admin=any(each.host_admin for each in own))


class GroupRoles(Table):
    """Roles by the slug of the organization, and whether the person administers the host."""

    roles: Mapping[str, Literal["member", "admin"]]
    host_admin: bool


DEFAULT_WEB: Final = WebSettings()
