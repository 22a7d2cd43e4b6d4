"""How much is taken at once. The defaults are those of Sentry's API where it has one."""

from pydantic import BaseModel, ConfigDict, Field


class Limits(BaseModel):
    """Limits of a running service, in plugins.toml under ``[limits]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    commits_per_request: int = Field(default=10_000, ge=1, description="Most commits in one request.")
    page_size: int = Field(default=100, ge=1, le=1000, description="Most objects on one page.")
    mappings_per_project: int = Field(default=100_000, ge=1, description="Most code mappings of a project.")
    offers: int = Field(default=1_000, ge=1, description="Most offers that a provider may list at once.")
    trace_characters: int = Field(default=1024 * 1024, ge=1024, description="Longest stack trace that is read.")
