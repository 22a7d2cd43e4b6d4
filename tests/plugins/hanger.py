"""A plugin that hangs until a test releases it, in an I/O hook or in a pure one."""

from collections.abc import Sequence
from threading import Event, Semaphore

from scmhost.sdk import AddRequest, Create, Feature, InstallationDraft, Offer, Provider, hookimpl

released = Event()
"""Until it is set, every call waits."""

entered = Semaphore(0)
"""Released once for each call that waits."""


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    features = frozenset({Feature.COMMITS, Feature.STACKTRACE_LINK})
    return [Provider(key="hanger", name="Hanger", features=features, requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="hanger", external_id="1")


@hookimpl
def scm_offer_repositories() -> Sequence[Offer]:
    entered.release()
    released.wait()
    return ()


@hookimpl
def scm_dispatch_repository(request: AddRequest) -> Create:
    return Create(name=request.identifier, external_id="x", url="https://hanger.example/x")


@hookimpl
def scm_source_url() -> str:
    entered.release()
    released.wait()
    return "https://hanger.example/"
