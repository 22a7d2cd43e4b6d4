"""The install form of Old Forge and the operator's settings."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from scmhost.sdk import check_web_url


# scmhost shows the form and validates the input before it calls scm_install. The docstring is shown to the person who
# fills the form in: the API sends it as formSchema.description, with the descriptions of the fields.
class InstallForm(BaseModel):
    """Links errors to the source of a team on Old Forge."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # YOURS: the fields that your host needs.
    team: str = Field(min_length=1, max_length=50, pattern=r"^[\w.-]+$", description="The team or user on Old Forge.")
    server: str = Field(description="The base URL, such as https://git.example.com.")

    @field_validator("server")
    @classmethod
    def _web_url(cls, url: str) -> str:
        return check_web_url(url)


class Settings(BaseModel):
    """The operator's settings, from [plugins.old_forge.settings]. Hooks get them as the argument ``settings``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # YOURS: for example a token for your host's API: token: SecretStr
