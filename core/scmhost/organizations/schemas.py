"""Wire shapes of the caller, organizations and projects.

Many fields are always the same. They have no meaning here, but Sentry's clients read them.
"""

from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from scmhost.infra.http import Moment, UserOut, Wire
from scmhost.sdk import Organization

from .queries import Project


class AuthOut(Wire):
    scopes: list[str]


class IndexOut(Wire):
    version: str
    auth: AuthOut | None
    user: UserOut | None


class HealthOut(Wire):
    """Always empty: operators read the state of the host from ``/readyz``, and organizations do not see it."""

    problems: list[str] = Field(default_factory=list)
    healthy: dict[str, bool] = Field(default_factory=dict)


class RegionsOut(Wire):
    """Always empty: the service is one region, which has no address of its own."""

    regions: list[str] = Field(default_factory=list)


class StatusOut(Wire):
    id: str
    name: str


class AvatarOut(Wire):
    avatar_type: str = "letter_avatar"
    avatar_uuid: str | None = None
    avatar_url: str | None = None


class OrganizationLinks(Wire):
    organization_url: str = Field(description="The organization in this API.")
    region_url: str = Field(description="The address of this service.")


class OrganizationOut(Wire):
    id: str
    slug: str
    name: str
    date_created: Moment
    status: StatusOut
    links: OrganizationLinks
    is_early_adopter: bool = False
    require2_fa: bool = Field(default=False, alias="require2FA")
    require_email_verification: bool = False
    features: list[str] = Field(default_factory=list)
    avatar: AvatarOut = Field(default_factory=AvatarOut)
    has_auth_provider: bool = False
    allow_member_invite: bool = False
    allow_member_project_creation: bool = False
    allow_superuser_access: bool = False


class NoEventsOut(Wire):
    """Fields of Sentry's API about a project's events, which are not sent to this host."""

    first_event: Moment | None = None
    first_transaction_event: bool = False
    has_feedbacks: bool = False
    has_flags: bool = False
    has_minified_stack_trace: bool = False
    has_monitors: bool = False
    has_new_feedbacks: bool = False
    has_profiles: bool = False
    has_replays: bool = False
    has_sessions: bool = False
    has_insights_http: bool = False
    has_insights_db: bool = False
    has_insights_assets: bool = False
    has_insights_app_start: bool = False
    has_insights_screen_load: bool = False
    has_insights_vitals: bool = False
    has_insights_caches: bool = False
    has_insights_queues: bool = False
    has_insights_agent_monitoring: bool = False
    has_insights_mcp: bool = Field(default=False, alias="hasInsightsMCP")
    has_logs: bool = False
    has_trace_metrics: bool = False
    has_user_reports: bool = False
    environments: list[str] = Field(default_factory=list)
    latest_release: None = None


class ProjectOut(NoEventsOut):
    id: str
    slug: str
    name: str
    platform: str | None
    date_created: Moment
    organization: OrganizationOut
    access: list[str] = Field(description="The scopes of the request's token.")
    status: str = "active"
    # scmhost has no teams.
    team: None = None
    teams: list[JsonValue] = Field(default_factory=list)
    features: list[str] = Field(default_factory=list)
    platforms: list[str] = Field(default_factory=list)
    plugins: list[JsonValue] = Field(default_factory=list)
    options: dict[str, JsonValue] = Field(default_factory=dict)
    is_bookmarked: bool = False
    is_member: bool = True
    has_access: bool = True
    is_internal: bool = False
    is_public: bool = False
    avatar: AvatarOut = Field(default_factory=AvatarOut)
    color: str = "#3f5fbf"
    subject_template: str = ""


class NewProject(BaseModel):
    """A project to create. Without a slug, it is made from the name."""

    slug: str | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    platform: Annotated[str, Field(max_length=64)] | None = None


def project_out(project: Project, organization: OrganizationOut, scopes: frozenset[str]) -> ProjectOut:
    """Return a project on the wire."""
    return ProjectOut(
        id=str(project.id),
        slug=project.slug,
        name=project.name,
        platform=project.platform,
        date_created=project.created_at,
        organization=organization,
        access=sorted(scopes),
        platforms=[project.platform] if project.platform else [],
    )


def links_of(organization: Organization, address: str) -> OrganizationLinks:
    """Return the links of an organization of the service at this address."""
    return OrganizationLinks(organization_url=f"{address}/api/0/organizations/{organization.slug}/", region_url=address)
