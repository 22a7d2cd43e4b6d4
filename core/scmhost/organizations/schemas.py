"""Wire shapes of organizations, projects and the caller."""

from pydantic import Field

from scmhost.infra.http import Moment, UserOut, Wire


class ProjectOut(Wire):
    id: str
    slug: str
    name: str
    platform: str | None
    date_created: Moment
    team: None = None


class AuthOut(Wire):
    scopes: list[str]


class IndexOut(Wire):
    version: str
    auth: AuthOut | None
    user: UserOut | None


class StatusOut(Wire):
    id: str
    name: str


class OrganizationOut(Wire):
    id: str
    slug: str
    name: str
    date_created: Moment
    status: StatusOut
    is_early_adopter: bool = False
    require2_fa: bool = Field(default=False, alias="require2FA")
    require_email_verification: bool = False
    features: list[str] = Field(default_factory=list)
