"""Record and list deploys."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from factories import all_rows
from release_host import ReleaseHost
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.infra.paging import PageQuery
from scmhost.releases.manage import create_deploy, list_deploys
from scmhost.releases.values import Deploy, DeployDraft
from statement_count import recorded_statements

ENDED = datetime(2026, 1, 2, tzinfo=UTC)


def deploy(
    host: ReleaseHost, draft: DeployDraft, projects: Sequence[str] = (), version: str = "1.0"
) -> tuple[Deploy, bool]:
    return create_deploy(host.services, host.organization, version, draft, projects)


def projects_of_deploys(host: ReleaseHost) -> list[int]:
    return sorted(row[-1] for row in all_rows(host.services.store)["deploy_projects"])


def test_deploy_is_for_all_projects_of_the_release(host: ReleaseHost) -> None:
    """Without named projects, it is for all that have the release."""
    api = host.add_project("api")
    host.create(projects=["api", "web"])
    made, created = deploy(host, DeployDraft("production", "build 1", finished_at=ENDED))
    assert (made.environment, made.name, made.finished_at, created) == ("production", "build 1", ENDED, True)
    assert projects_of_deploys(host) == sorted([api.id, host.project.id])


def test_deploy_may_be_for_some_projects(host: ReleaseHost) -> None:
    """A project is named by slug or id, and must have the release."""
    api = host.add_project("api")
    host.create(projects=["api", "web"])
    deploy(host, DeployDraft("production"), ["api"])
    assert projects_of_deploys(host) == [api.id]
    host.add_project("other")
    for name in ("other", "none"):
        with pytest.raises(InvalidInput) as caught:
            deploy(host, DeployDraft("production"), [name])
        assert caught.value.field == "projects"


def test_equal_projects_of_a_deploy_count_once(host: ReleaseHost) -> None:
    """A thousand equal projects cost as many statements as one, and different ones are limited."""
    host.create()
    counts = []
    for times in (1, 1_000):
        with recorded_statements(host.services.store) as statements:
            deploy(host, DeployDraft("production"), ["web"] * times)
        counts.append(len(statements))
    assert counts[0] == counts[1]
    with pytest.raises(InvalidInput, match=r"limits\.projects_per_request"):
        deploy(host, DeployDraft("production"), [str(number) for number in range(1_001)])


def test_repeated_deploy_is_the_same(host: ReleaseHost) -> None:
    """Equal texts and times mean a repeated request; without times each request is a deploy."""
    host.create()
    first, second = (deploy(host, DeployDraft("production", finished_at=ENDED)) for _ in range(2))
    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]
    third, fourth = (deploy(host, DeployDraft("production")) for _ in range(2))
    assert (third[1], fourth[1]) == (True, True)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (DeployDraft(""), "environment"),
        (DeployDraft(" "), "environment"),
        (DeployDraft("a/b"), "environment"),
        (DeployDraft("a\nb"), "environment"),
        (DeployDraft("x" * 65), "environment"),
        (DeployDraft("production", "x" * 65), "name"),
    ],
)
def test_bad_deploy_is_refused(host: ReleaseHost, draft: DeployDraft, field: str) -> None:
    """The error names the field, and nothing is saved."""
    host.create()
    with pytest.raises(InvalidInput) as caught:
        deploy(host, draft)
    assert caught.value.field == field
    assert list_deploys(host.services, host.organization, "1.0", PageQuery()).items == []


def test_deploys_are_listed_by_their_end(host: ReleaseHost) -> None:
    """The last one is first, and is shown with its release."""
    host.create()
    for day in (2, 3, 1):
        deploy(host, DeployDraft(f"e{day}", finished_at=datetime(2026, 1, day, tzinfo=UTC)))
    page = list_deploys(host.services, host.organization, "1.0", PageQuery())
    assert [item.environment for item in page.items] == ["e3", "e2", "e1"]
    deploys = host.get().deploys
    assert deploys is not None
    assert (deploys.count, deploys.last) == (3, page.items[0])


def test_deploy_needs_a_release(host: ReleaseHost) -> None:
    """Neither recording nor listing creates one."""
    with pytest.raises(NotFound):
        deploy(host, DeployDraft("production"))
    with pytest.raises(NotFound):
        list_deploys(host.services, host.organization, "1.0", PageQuery())
