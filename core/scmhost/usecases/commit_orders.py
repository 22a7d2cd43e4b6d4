"""Order the commits up to a release's ref from the repository's provider, and tell what became of the order."""

from typing import Final

from scmhost.sdk import JsonObject, Organization, Repository
from scmhost.store import jobs, repositories
from scmhost.store.engine import Transaction
from scmhost.store.values import Job, Release

from .install_provider import idle_reason
from .services import Services

KIND: Final = "fetch_commits"


def order_commits(
    tx: Transaction, services: Services, organization: Organization, release: Release, repository: Repository
) -> str:
    """Have the commits up to a release's head fetched, or not; the sentence for the sender says which, and why."""
    hindrance = hindrance_of(services, organization, repository)
    if hindrance:
        return (
            f"Of repository {repository.name!r} only the ref is kept: {hindrance}. "
            "Send its commits with `sentry-cli releases set-commits --local`."
        )
    payload: JsonObject = {"release": release.version, "repository": repository.id}
    jobs.put(tx, organization.id, KIND, f"{release.id}:{repository.id}", payload, services.clock.now())
    return _under_way(repository.name)


def order_notes(tx: Transaction, release: Release) -> list[str]:
    """What is to be said of the orders of a release that are not done."""
    open_ = jobs.beginning_with(tx, release.organization_id, KIND, f"{release.id}:")
    ids = {job.id: repository_id(job) for job in open_}
    names = repositories.get_many(tx, release.organization_id, ids.values())
    return [_told(job, names[ids[job.id]].name) for job in open_ if ids[job.id] in names]


def repository_id(job: Job) -> int:
    """The repository whose commits a job fetches."""
    return int(str(job.payload["repository"]))


def hindrance_of(services: Services, organization: Organization, repository: Repository) -> str | None:
    """Why a repository's provider cannot be asked for commits, or None when it can."""
    if repository.provider is None or repository.installation_id is None:
        return "it is unclaimed, so that there is no provider to ask for the commits before it"
    idle = idle_reason(services, organization, repository.provider)
    if idle:
        return f"its provider is off ({idle})"
    calls = services.plugins.calls(repository.provider)
    if calls is None or not calls.has("scm_compare_commits"):
        name = services.plugins.provider_name(repository.provider)
        return f"its provider {name} cannot be asked for the commits before it"
    return None


def _told(job: Job, name: str) -> str:
    fault = job.fault.rstrip(". ") if job.fault else ""
    if job.failed:
        return f"The commits of repository {name!r} could not be fetched: {fault}. Set the ref again to try again."
    if fault:
        return f"The commits of repository {name!r} could not be fetched yet, and will be tried again: {fault}."
    return _under_way(name)


def _under_way(name: str) -> str:
    """The same sentence when it is ordered and while it waits: an answer that has both says it once."""
    return f"The commits of repository {name!r} are fetched from its provider; they appear in a moment."
