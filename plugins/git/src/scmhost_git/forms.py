"""The operator's settings in plugins.toml, and the forms of an installation."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from scmhost.sdk import check_web_url, kind_of, preset_kinds

from .folders import find, git_dir_of

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


def _known_preset(kind: str) -> str:
    if kind not in preset_kinds():
        raise ValueError(f"no preset is named {kind!r}; choose one of {', '.join(preset_kinds())}")
    return kind


class GitSettings(BaseModel):
    """The operator's settings, under ``[plugins.git.settings]`` in plugins.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path = Field(description="The folder that holds the repositories.")
    organizations: Mapping[int, str] = Field(
        default_factory=dict,
        description="By the id of an organization, the folder below the root that is all it sees.",
    )
    first_commits: int = Field(default=20, ge=1, le=10_000, description="Commits of a release without one before it.")
    most_commits: int = Field(default=10_000, ge=1, le=100_000, description="Most commits of one release.")
    processes: int = Field(default=16, ge=1, le=1_000, description="Most processes of git that are kept for questions.")

    @field_validator("root")
    @classmethod
    def _folder(cls, root: Path) -> Path:
        if not root.is_absolute():
            raise ValueError(f"{str(root)!r} is no absolute path; begin it with a slash")
        if not root.is_dir():
            what = "is no directory" if root.exists() else "does not exist"
            raise ValueError(f"{str(root)!r} {what}; name the directory that holds the repositories")
        # For a folder, X is the right to open what it contains.
        if not os.access(root, os.R_OK | os.X_OK):
            raise ValueError(f"{str(root)!r} may not be read; give the user that runs scmhost the right to")
        if git_dir_of(root):
            raise ValueError(f"{str(root)!r} is a repository itself; name the directory above it")
        return root

    @model_validator(mode="after")
    def _folders_of_organizations(self) -> "GitSettings":
        for folder in self.organizations.values():
            is_repository = find(self.root, folder) is not None
            if is_repository or not _is_folder_below(self.root, folder):
                raise ValueError(f"organizations: {folder!r} is no directory of repositories below {str(self.root)!r}")
        return self

    def folder_of(self, organization_id: int) -> Path | None:
        """Return the folder whose repositories an organization may use, or None for none."""
        if not self.organizations:
            return self.root
        folder = self.organizations.get(organization_id)
        return self.root / folder if folder is not None else None


def _is_folder_below(root: Path, folder: str) -> bool:
    there = Path(os.path.realpath(root / folder))
    # The root itself would show the repositories of all organizations.
    return there.is_dir() and there != Path(os.path.realpath(root)) and there.is_relative_to(os.path.realpath(root))


class GitUrlForm(BaseModel):
    """The form of the URLs of the repositories' web pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Annotated[str, AfterValidator(_known_preset)] = Field(
        description="The kind of host whose URLs it uses.", json_schema_extra={"enum": [*preset_kinds()]}
    )


class GitInstallForm(BaseModel):
    """The install form: a name, and the host of the repositories' web pages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Text = Field(description="What people call this installation.")
    url: _Text = Field(description="The base URL of the web pages, such as https://git.example.com/.")
    preset: str = Field(
        default="", validate_default=True, description="The kind of host; by default as the URL's host is recognised."
    )

    @field_validator("url")
    @classmethod
    def _web_url(cls, url: str) -> str:
        return check_web_url(url)

    @field_validator("preset")
    @classmethod
    def _kind(cls, kind: str, others: ValidationInfo) -> str:
        if kind or "url" not in others.data:
            return _known_preset(kind) if kind else kind
        recognised = kind_of(urlsplit(others.data["url"]).hostname or "")
        if recognised is None:
            raise ValueError(f"the kind of this host is not known; choose one of {', '.join(preset_kinds())}")
        return recognised
