"""Settings of the pages for people."""

from pydantic import BaseModel, ConfigDict, Field


class WebSettings(BaseModel):
    """``[web]`` of plugins.toml: pages for people."""

    # As for the other tables of the file: a misspelt key must not leave pages on by accident.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    enabled: bool = Field(default=True, description="Serves pages for people; the API does not depend on them.")
    session_hours: int = Field(default=336, ge=1, le=8_760, description="Hours after which people sign in again.")


DEFAULT_WEB = WebSettings()
