"""Why there is no link: a closed list with the next step for each reason. Also how sure a derived value is.

This module imports nothing heavy, because ``scmhost link`` loads it at every start.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Literal

Confidence = Literal["high", "medium", "low"]
"""How sure a value is that was derived and not configured."""


class Reason(StrEnum):
    """Why a location has no link. The first six values are those of Sentry's API."""

    # Clients compare these values, so that a member may be renamed, but its value must stay.
    NO_CODE_MAPPINGS = "no_code_mappings_for_project"
    STACK_ROOT_MISMATCH = "stack_root_mismatch"
    FILE_NOT_FOUND = "file_not_found"
    FORBIDDEN = "integration_link_forbidden"
    INSTALLATION_NOT_FOUND = "integration_not_found"
    NOT_A_FILE = "not_a_file"
    PATH_OUTSIDE = "path_outside_repository"
    NOT_IN_REPOSITORY = "not_in_repository"
    SEVERAL_FILES = "several_files"
    REPOSITORY_INACTIVE = "repository_inactive"
    REPOSITORY_WITHOUT_URL = "repository_without_url"
    NO_REF = "no_ref"
    PROVIDER_OFF = "provider_off"
    PROVIDER_FAILED = "provider_failed"
    NO_SOURCE_PAGES = "no_source_pages"
    UNSAFE_URL = "unsafe_url"
    NOT_COMMITTED = "not_committed"
    NOT_PUSHED = "not_pushed"
    LINE_NOT_FOUND = "line_not_found"


NEXT_STEP: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.NO_CODE_MAPPINGS: "Add a code mapping to this project: a stack root, a source root and a repository.",
        Reason.STACK_ROOT_MISMATCH: "Add a code mapping whose stack root is the start of this frame's path.",
        Reason.FILE_NOT_FOUND: "Check the mapping's source root, or that the file exists at this commit.",
        Reason.FORBIDDEN: "Give the installation access to this repository on the code host.",
        Reason.INSTALLATION_NOT_FOUND: "Claim the repository through an installation of its provider.",
        Reason.NOT_A_FILE: "Ignore this: the frame has no source file.",
        Reason.PATH_OUTSIDE: "Check the code mapping: it maps the frame's path to a path outside of the repository.",
        Reason.NOT_IN_REPOSITORY: "Ignore this if the file is library code. Otherwise add a code mapping for its path.",
        Reason.SEVERAL_FILES: "Add a code mapping for this path, so that only one file matches.",
        Reason.REPOSITORY_INACTIVE: "Make the repository active again.",
        Reason.REPOSITORY_WITHOUT_URL: "Set the repository's web URL.",
        Reason.NO_REF: "Send the release's commits, or give the code mapping a default branch.",
        Reason.PROVIDER_OFF: "Ask the operator to enable the provider's plugin for this organization.",
        Reason.PROVIDER_FAILED: "Try again later. If that fails, ask the operator for the plugin's error in the log.",
        Reason.NO_SOURCE_PAGES: "Choose a preset or a template that has this kind of page.",
        Reason.UNSAFE_URL: "Check the repository's URL and the installation's template: the finished URL is unsafe.",
        Reason.NOT_COMMITTED: "Commit and push the file. Ignore this if a build makes it.",
        Reason.NOT_PUSHED: "Push the branch, or name a pushed commit with --ref.",
        Reason.LINE_NOT_FOUND: "Link to the version that the text is from: its file has other lines.",
    }
)
"""What a user can do about each reason."""
