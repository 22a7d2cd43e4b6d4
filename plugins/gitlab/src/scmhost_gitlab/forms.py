"""The operator's settings in plugins.toml, and the forms of an installation."""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field, StringConstraints

from scmhost.sdk import AccessToken, CommitLimits, Fields, HostInstance, Installation, named_instance

GITLAB_COM: Final = "https://gitlab.com"

_GROUP: Final = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)*")


def _group(text: str) -> str:
    path = text.strip("/")
    if path and not _GROUP.fullmatch(path):
        raise ValueError("give the path of the group as in its URL, such as acme or acme/shop")
    return path


_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
GroupPath = Annotated[_Text, AfterValidator(_group)]
"""The path of a group or subgroup, or empty."""


class GitLabInstance(HostInstance):
    """One instance of GitLab, and the OAuth application of scmhost there."""

    keep_callback: ClassVar[bool] = True

    ssh_host: _Text = Field(default="", description="The host in clone URLs of SSH, if it is another one.")
    scope: str = Field(default="api", description="What the application asks for; read_api excludes webhooks.")


class GitLabSettings(CommitLimits):
    """The operator's settings, under ``[plugins.gitlab.settings]`` in plugins.toml."""

    instances: Annotated[Mapping[str, GitLabInstance], Field(min_length=1)] = Field(
        default={"gitlab.com": GitLabInstance(url=GITLAB_COM)},
        description="The instances that organizations may use, by name; the first is the default.",
    )

    def named(self, name: str) -> GitLabInstance:
        """Return the instance that a form names; by default the first.

        Raises:
            ProviderError: there is no such instance.
        """
        return named_instance(self.instances, name or next(iter(self.instances)))

    def of(self, installation: Installation) -> GitLabInstance:
        """Return the instance of an installation.

        Raises:
            ProviderError: the operator has removed it.
        """
        return named_instance(self.instances, installation.metadata.get("domain_name", GITLAB_COM))


class GitLabConfiguration(Fields):
    """What may be changed later: the group to which an installation is limited."""

    group: GroupPath = Field(
        default="", description="Only the projects of this group and its subgroups; empty for all that it may see."
    )


class GitLabInstallForm(GitLabConfiguration):
    """The install form: an instance, and a token unless a person confirms the installation at GitLab."""

    name: _Text = Field(default="", description="What people call this installation; by default its group or account.")
    instance: _Text = Field(default="", description="The name of an instance in the operator's settings.")
    token: AccessToken | None = Field(
        default=None,
        description="A personal, group or project access token with the scope api, or read_api without webhooks.",
    )
