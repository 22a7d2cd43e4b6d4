"""A plugin whose texts hold half of a surrogate pair, which JSON cannot hold."""

from collections.abc import Sequence

from scmhost.sdk import AddRequest, Claim, Feature, InstallationDraft, JsonObject, Provider, Repository, hookimpl

FEATURES = frozenset({Feature.COMMITS})
HALF = "\ud800"


@hookimpl
def scm_register_providers() -> Sequence[Provider]:
    return [Provider(key="half_characters", name="Halves", features=FEATURES, requires_feature_flag=False)]


@hookimpl
def scm_install() -> InstallationDraft:
    return InstallationDraft(name="halves", external_id="1")


@hookimpl
def scm_offer_repositories() -> Sequence[object]:
    return ()


@hookimpl
def scm_dispatch_repository(request: AddRequest) -> Claim:
    return Claim(external_id=request.identifier)


@hookimpl
def scm_serialize_repository(repository: Repository, payload: JsonObject) -> JsonObject:
    return {**payload, "description": f"{repository.name}{HALF}"}


@hookimpl
def scm_commit_url(sha: str) -> str:
    return f"https://halves.example/{sha}{HALF}"


@hookimpl
def scm_compare_url(base: str, head: str) -> str:
    return f"https://halves.example/{base}..{head}{HALF}"
