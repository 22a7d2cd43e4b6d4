"""The forms of an installation of Custom SCM."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from scmhost.sdk import Pages, check_web_url, preset, preset_kinds

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_TemplateText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]

# Stands in for a preset that is wrong itself, so that only that field is reported.
_ANY_PAGES = Pages(view="{repo_url}/{path}")
# The page that each field overrides.
_OVERRIDES = {
    "template": "view",
    "anchor": "anchor",
    "commit_template": "commit",
    "compare_template": "compare",
    "raw_template": "raw",
    "blame_template": "blame",
    "tree_template": "tree",
    "history_template": "history",
}


class UrlForm(BaseModel):
    """The form of the code host's URLs: a preset, and templates that override single templates of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: str = Field(
        default="github",
        description="The kind of host whose URLs it uses.",
        json_schema_extra={"enum": [*preset_kinds()]},
    )
    template: _TemplateText | None = Field(
        default=None, description="The page of a file, such as {repo_url}/show/{ref}/{path}."
    )
    anchor: str | None = Field(default=None, max_length=200, description="The line anchor, such as #L{line}.")
    commit_template: _TemplateText | None = Field(default=None, description="The page of a commit.")
    compare_template: _TemplateText | None = Field(default=None, description="The page between two commits.")

    raw_template: _TemplateText | None = Field(default=None, description="A file's bytes.")
    blame_template: _TemplateText | None = Field(default=None, description="Who changed which line of a file.")
    tree_template: _TemplateText | None = Field(default=None, description="The page of a folder.")
    history_template: _TemplateText | None = Field(default=None, description="The commits of a file.")

    @field_validator("preset")
    @classmethod
    def _known_preset(cls, kind: str) -> str:
        if kind not in preset_kinds():
            raise ValueError(f"no preset is named {kind!r}; choose one of {', '.join(preset_kinds())}")
        return kind

    @field_validator(*_OVERRIDES)
    @classmethod
    def _sound_template(cls, text: str | None, info: ValidationInfo) -> str | None:
        """Validate each template with the preset and the fields before it, so that the error names its field.

        A template may be right alone and wrong with the preset: a repository's page without a path cannot be continued
        with a query, for example.
        """
        if text is not None:
            given = {**info.data, str(info.field_name): text}
            _check(
                given.get("preset"),
                {page: given[field] for field, page in _OVERRIDES.items() if given.get(field) is not None},
            )
        return text

    def pages(self) -> Pages:
        """Return the preset's pages with the templates of this form."""
        templates = {
            page: getattr(self, field) for field, page in _OVERRIDES.items() if getattr(self, field) is not None
        }
        return preset(self.preset).pages.with_own(templates)


def _check(kind: str | None, templates: Mapping[str, str]) -> None:
    """Check templates together with a preset's; ``kind`` is None if the preset is wrong itself."""
    pages = preset(kind).pages if kind else _ANY_PAGES
    try:
        pages.with_own(templates)
    except ValidationError as error:
        # pydantic puts this prefix in front of the new error again.
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error


class InstallForm(UrlForm):
    """The install form: a name, the base URL of the code host, and the form of its URLs."""

    name: _Text = Field(description="The organization or team on the code host.")
    url: _Text = Field(description="The base URL of the code host, such as https://git.example.com/.")

    @field_validator("url")
    @classmethod
    def _web_url(cls, url: str) -> str:
        return check_web_url(url)
