"""A plugin whose ``scm_commit_url`` raises the error that a test sets, and counts its calls."""

from collections.abc import Sequence

from scmhost.sdk import InstallationDraft, Provider, ProviderUnavailable, hookimpl

ON_PURPOSE = ProviderUnavailable("the forge does not answer")


class Mood:
    """The error to raise and the number of calls, for tests."""

    def __init__(self) -> None:
        self.cause: Exception | None = None
        self.calls = 0


mood = Mood()


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="moody", name="Moody", requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="moody", external_id="1")


@hookimpl
def scm_commit_url(sha: str) -> str:
    mood.calls += 1
    if mood.cause is not None:
        raise mood.cause
    return f"https://moody.example/{sha}"
