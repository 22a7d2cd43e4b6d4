"""A plugin whose decision about an added repository is determined by the request."""

from collections.abc import Sequence

from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    Feature,
    InstallationDraft,
    Offer,
    Provider,
    hookimpl,
)


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="chooser", name="Chooser", features=frozenset({Feature.COMMITS}), requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="chooser", external_id="always-the-same")


@hookimpl
def scm_offer_repositories() -> Sequence[Offer]:
    return [Offer(identifier=f"{number}", name=f"offer {number}") for number in range(2_000)]


@hookimpl
def scm_dispatch_repository(request: AddRequest) -> Claim | Create:
    if request.fields.get("new"):
        return Create(name=request.identifier, external_id="x", url=str(request.fields["new"]))
    return Claim(external_id="x")
