"""Why repositories give no links, or no commits come: the reasons that stored rows and plugins give."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Literal

from scmhost.installations import queries as installation_queries
from scmhost.installations.sealing import attention_reasons
from scmhost.sdk import Organization, Repository, RepositoryStatus
from scmhost.services import Services

from . import queries

IdleKey = Literal[
    "deleted", "hidden", "unclaimed", "provider_off", "attention", "gone", "no_url", "no_mapping", "no_commits"
]


@dataclass(frozen=True, slots=True)
class IdleReason:
    """A reason why a repository is idle.

    Attributes:
        key: names the reason.
        text: the reason in a sentence.
        next_step: what to do about it.
    """

    key: IdleKey
    text: str
    next_step: str


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of repositories: ids of those that have rows, and the problems of providers and installations."""

    with_mappings: AbstractSet[int]
    with_commits: AbstractSet[int]
    attention: dict[int, str]
    off: dict[str, str]


_Rule = Callable[[Repository, _Facts], str | None]

# The first reason of a repository is the one to mend first.
_RULES: Final[tuple[tuple[IdleKey, _Rule, str], ...]] = (
    (
        "deleted",
        lambda repository, _: (
            "It is to be deleted."
            if repository.status in (RepositoryStatus.PENDING_DELETION, RepositoryStatus.DELETION_IN_PROGRESS)
            else None
        ),
        "Keep it, if that was a mistake.",
    ),
    (
        "hidden",
        lambda repository, _: "It is hidden: frames get no links to it." if repository.status == "hidden" else None,
        "Show it again.",
    ),
    (
        "unclaimed",
        lambda repository, _: "No installation has claimed it." if repository.installation_id is None else None,
        "Claim it for an installation of its code host.",
    ),
    (
        "provider_off",
        lambda repository, facts: facts.off.get(repository.provider or ""),
        "An administrator of the host can turn the provider on.",
    ),
    (
        "attention",
        lambda repository, facts: (
            f"Its installation needs attention: {facts.attention[repository.installation_id]}."
            if repository.installation_id in facts.attention
            else None
        ),
        "Open the installation, and save its configuration again.",
    ),
    (
        "gone",
        lambda repository, _: "The code host reports that it deleted it." if repository.state == "deleted" else None,
        "Restore it there and synchronize the installation, or delete it here too.",
    ),
    (
        "no_url",
        lambda repository, _: "It has no address." if not repository.url and repository.installation_id else None,
        "Enter the address of its page, unless its provider finds pages by its name.",
    ),
    (
        "no_mapping",
        lambda repository, facts: "No code mapping leads to it." if repository.id not in facts.with_mappings else None,
        "Add a code mapping in a project, or derive one from a trace.",
    ),
    (
        "no_commits",
        lambda repository, facts: "It never had commits." if repository.id not in facts.with_commits else None,
        "Send them with a release or a webhook; without them links lead to the default branch.",
    ),
)


def idle_reasons(
    services: Services, organization: Organization, repositories: Sequence[Repository]
) -> dict[int, list[IdleReason]]:
    """Return the reasons why each of some repositories is idle, by id; the one to mend first is the first."""
    facts = _facts(services, organization, repositories)
    found: dict[int, list[IdleReason]] = {}
    for repository in repositories:
        texts = ((key, rule(repository, facts), next_step) for key, rule, next_step in _RULES)
        found[repository.id] = [IdleReason(key, text, next_step) for key, text, next_step in texts if text]
    return found


def _facts(services: Services, organization: Organization, repositories: Sequence[Repository]) -> _Facts:
    ids = [each.id for each in repositories]
    claimed = {each.installation_id for each in repositories if each.installation_id is not None}
    with services.store.read() as tx:
        mapped = queries.with_mappings(tx, organization.id, ids)
        filled = queries.with_commits(tx, organization.id, ids)
        stored = installation_queries.get_many(tx, organization.id, claimed)
    providers = {each.provider for each in repositories if each.provider}
    reasons = {key: services.plugins.idle_reason(key, organization) for key in providers}
    return _Facts(
        mapped,
        filled,
        attention_reasons(services, organization, [each.installation for each in stored.values()]),
        {key: f"Its provider is off: {reason}." for key, reason in reasons.items() if reason},
    )
