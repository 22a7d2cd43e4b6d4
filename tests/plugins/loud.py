"""A plugin that prints whenever it runs."""

from collections.abc import Sequence

from scmhost.sdk import InstallationDraft, Offer, Provider, hookimpl

print("Welcome to the loud plugin!")  # noqa: T201 - its fault


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="loud", name="Loud", requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    print("installing")  # noqa: T201 - its fault
    return InstallationDraft(name="loud", external_id="1")


@hookimpl
def scm_offer_repositories() -> Sequence[Offer]:
    print("offering")  # noqa: T201 - its fault
    return ()
