"""A plugin whose page of a commit behaves as a test says, well until it has earned trust and then otherwise."""

from collections.abc import Callable, Sequence
from threading import Event

from scmhost.sdk import InstallationDraft, Provider, hookimpl


class Behaviour:
    """What it does now."""

    def __init__(self) -> None:
        self.now: Callable[[], object] = str
        self.released = Event()


behaviour = Behaviour()


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="turncoat", name="Turncoat", requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="turncoat", external_id="1")


@hookimpl
def scm_commit_url() -> str:
    return f"https://turncoat.example/{behaviour.now()}"
