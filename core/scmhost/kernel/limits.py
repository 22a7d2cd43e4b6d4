"""How much is taken at once. The defaults are those of Sentry's API where it has one."""

from pydantic import BaseModel, ConfigDict, Field

from .errors import InvalidInput


class Limits(BaseModel):
    """Limits of a running service, in plugins.toml under ``[limits]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, description="Largest request body, in bytes.")
    commits_per_request: int = Field(default=10_000, ge=1, description="Most commits in one request.")
    page_size: int = Field(default=100, ge=1, le=1000, description="Most objects on one page.")
    version_length: int = Field(default=200, ge=1, le=200, description="Longest version of a release.")
    ref_length: int = Field(default=200, ge=1, description="Longest `ref` of a release.")
    refs_per_request: int = Field(default=1_000, ge=1, description="Most refs in one request.")
    environment_length: int = Field(default=64, ge=1, description="Longest environment of a deploy.")
    deploy_name_length: int = Field(default=64, ge=1, description="Longest name of a deploy.")
    mappings_per_request: int = Field(default=300, ge=1, description="Most code mappings in one request.")
    mappings_per_project: int = Field(default=100_000, ge=1, description="Most code mappings of a project.")
    offers: int = Field(default=1_000, ge=1, description="Most offers that a provider may list at once.")
    job_seconds: int = Field(
        default=60, ge=1, description="Longest time that a job may take; then another worker takes it."
    )
    trace_characters: int = Field(default=1024 * 1024, ge=1024, description="Longest stack trace that is read.")

    def check(self, limit: str, size: int, field: str | None = None) -> None:
        """Refuse what is over a limit, by the limit's name.

        Raises:
            InvalidInput: the size is over it.
        """
        most = getattr(self, limit)
        if size > most:
            raise InvalidInput(f"{size} is over the limit of {most} (limits.{limit}).", field)
