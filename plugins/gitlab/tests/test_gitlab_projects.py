"""Projects: which are offered, what a user may name one by, and what has changed at GitLab."""

import json
from pathlib import Path
from typing import Any

import pytest

from fake_hosts.base import Reply
from fake_hosts.gitlab import FakeGitLab
from fake_hosts.repository import BareRepository, history
from gitlab_calls import GitLabCalls
from scmhost.sdk import (
    AddRequest,
    Claim,
    Create,
    OfferPage,
    ProviderError,
    ProviderUnavailable,
    Refusal,
    Repository,
    requested_names,
)
from scmhost_gitlab.forms import GitLabInstance

REFERENCES = json.loads(Path(__file__).with_name("cases").joinpath("references.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", REFERENCES, ids=[case["text"] or "empty" for case in REFERENCES])
def test_a_project_is_named_in_many_ways(case: dict[str, Any]) -> None:
    """Numbers, paths, pages and clone URLs of the instance name a project; those of other hosts do not."""
    instance = GitLabInstance(url=case.get("url", "https://gitlab.example.com"), ssh_host=case.get("ssh_host", ""))
    request = AddRequest(identifier=case["text"])
    expected = [] if case["means"] is None else [case["means"]]
    assert requested_names(request, None, instance.url, ssh_host=instance.ssh_host) == expected


# Offers.


def offers(gitlab: GitLabCalls, search: str = "", cursor: str = "", group: str = "") -> OfferPage:
    page = gitlab.call("scm_offer_repositories", installation=gitlab.installed(group), search=search, cursor=cursor)
    assert isinstance(page, OfferPage)
    return page


def all_offers(gitlab: GitLabCalls, **arguments: str) -> tuple[list[str], int]:
    """Return the names on all pages, and the number of pages."""
    names, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        page = offers(gitlab, cursor=cursor, **arguments)
        names += [offer.name for offer in page.offers]
        cursor, pages = page.next or "", pages + 1
    return names, pages


def test_projects_of_the_account_are_offered(gitlab: GitLabCalls) -> None:
    """With subgroups and default branches; neither archived ones nor public ones of other people."""
    history(gitlab.project("acme/shop/cart", default_branch="trunk"), 1)
    gitlab.project("acme/empty")
    gitlab.project("acme/old", archived=True)
    gitlab.host.repository("globex/public")
    gitlab.host.repository("globex/secret", private=True)
    page = offers(gitlab)
    assert [(offer.identifier, offer.name, offer.default_branch) for offer in page.offers] == [
        ("acme/shop/cart", "acme/shop/cart", "trunk"),
        ("acme/empty", "acme/empty", None),
    ]
    assert page.next is None


def test_offers_come_in_pages(gitlab: GitLabCalls) -> None:
    """Each project is offered once, however many pages there are."""
    gitlab.host.largest_page = 3
    expected = [gitlab.project(f"acme/app{number}").full_name for number in range(8)]
    assert all_offers(gitlab) == (expected, 3)
    assert [call.query.get("pagination") for call in gitlab.host.calls] == ["keyset"] * 3


def test_offers_of_a_group_come_in_pages(gitlab: GitLabCalls) -> None:
    """A group's own projects and those of its subgroups, and no others."""
    gitlab.host.largest_page = 2
    expected = [gitlab.project(name).full_name for name in ("acme/shop/a", "acme/shop/b", "acme/shop/deep/c")]
    gitlab.project("acme/other")
    gitlab.project("acme/shopping")
    names, pages = all_offers(gitlab, group="acme/shop")
    assert (sorted(names), pages) == (expected, 2)


def test_gitlab_searches(gitlab: GitLabCalls) -> None:
    """A search finds parts of names and groups, on all pages."""
    gitlab.host.largest_page = 1
    for name in ("acme/shop/cart", "acme/cartoon", "acme/till"):
        gitlab.project(name)
    assert all_offers(gitlab, search="CART") == (["acme/shop/cart", "acme/cartoon"], 2)
    assert all_offers(gitlab, search="shop/") == (["acme/shop/cart"], 1)
    assert all_offers(gitlab, search="nothing") == ([], 1)


@pytest.mark.parametrize("cursor", ["membership=false&id_after=0", "owned=true", "2", "page", "no cursor", "=", "é"])
def test_a_made_up_cursor_is_refused(gitlab: GitLabCalls, cursor: str) -> None:
    """The cursor comes back from the user, who must not see what the filter excludes."""
    with pytest.raises(ProviderError, match="begin again without one"):
        offers(gitlab, cursor=cursor)
    assert gitlab.host.calls == []


def test_a_name_that_is_too_long_is_offered_by_number(gitlab: GitLabCalls) -> None:
    """GitLab's paths may be longer than the contract's names."""
    project = gitlab.project(f"acme/{'x' * 150}/{'y' * 150}")
    (offer,) = offers(gitlab).offers
    assert (offer.identifier, len(offer.name)) == (str(project.id), 200)
    decision = dispatch(gitlab, offer.identifier)
    assert isinstance(decision, Create)
    assert (decision.external_id, decision.name) == (str(project.id), offer.name)


# Adding.


def dispatch(
    gitlab: GitLabCalls, identifier: str, candidate: Repository | None = None, group: str = "", **fields: Any
) -> Any:
    request = AddRequest(identifier=identifier, fields=fields)
    return gitlab.call(
        "scm_dispatch_repository", installation=gitlab.installed(group), request=request, candidate=candidate
    )


def facts(gitlab: GitLabCalls, project: BareRepository) -> dict[str, Any]:
    """Return what a decision says of a project."""
    return {
        "external_id": str(project.id),
        "url": f"{gitlab.host.url}/{project.full_name}",
        "configuration": {"path": project.full_name},
    }


@pytest.mark.parametrize(
    "identifier",
    ["acme/shop/cart", "ACME/Shop/cart", "{id}", "{url}/acme/shop/cart", "{url}/acme/shop/cart.git", "{ci}", "{ssh}"],
)
def test_a_project_is_created(gitlab: GitLabCalls, identifier: str) -> None:
    """Whatever the user names it by: the number, the path and the URL are those of GitLab."""
    project = gitlab.project()
    host = gitlab.host.url.removeprefix("http://")
    text = identifier.format(
        id=project.id,
        url=gitlab.host.url,
        ci=f"http://gitlab-ci-token:abc@{host}/acme/shop/cart.git",
        ssh="git@127.0.0.1:acme/shop/cart.git",
    )
    assert dispatch(gitlab, text) == Create(name="acme/shop/cart", **facts(gitlab, project))
    assert all("gitlab-ci-token" not in call.path for call in gitlab.host.calls)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("acme/shop/cart", None),
        ("Acme/Shop/Cart", None),
        ("cart", "{url}/acme/shop/cart"),
        ("cart", "git@127.0.0.1:acme/shop/cart.git"),
        ("http://gitlab-ci-token:abc@{host}/acme/shop/cart.git", None),
        ("acme/basket", None),
    ],
)
def test_an_unclaimed_repository_is_claimed(gitlab: GitLabCalls, name: str, url: str | None) -> None:
    """By its URL or its name, which may be that of before a rename."""
    project = gitlab.project("acme/basket")
    project.rename("acme/shop", "cart")
    values = {"url": gitlab.host.url, "host": gitlab.host.url.removeprefix("http://")}
    candidate = gitlab.candidate(name.format(**values), url.format(**values) if url else None)
    assert dispatch(gitlab, str(candidate.id), candidate) == Claim(**facts(gitlab, project))


def test_the_id_of_a_candidate_is_no_project_number(gitlab: GitLabCalls) -> None:
    """Two systems of numbers must not be confused: nothing is added but what the candidate means."""
    gitlab.project("acme/first")
    project = gitlab.project("acme/second")
    candidate = gitlab.candidate("till").model_copy(update={"id": project.id})
    refused = dispatch(gitlab, str(project.id), candidate)
    assert isinstance(refused, Refusal)
    assert (refused.reason, "'till'" in refused.message) == ("not_found", True)
    numbered = gitlab.candidate(str(project.id))
    assert isinstance(dispatch(gitlab, "5", numbered), Refusal)


@pytest.mark.parametrize("explicit", ["acme/shop/cart", "{id}", "number"])
def test_a_repository_of_another_name_is_claimed_for_a_project(gitlab: GitLabCalls, explicit: str) -> None:
    """The field project names the project, and the identifier the repository."""
    project = gitlab.project()
    given: Any = project.id if explicit == "number" else explicit.format(id=project.id)
    candidate = gitlab.candidate("till")
    assert dispatch(gitlab, "till", candidate, project=given) == Claim(**facts(gitlab, project))


@pytest.mark.parametrize(
    "identifier", ["acme/missing", "globex/secret", "999999", "https://gitlab.com/acme/shop/cart", "..", "acme", "a b"]
)
def test_other_projects_are_refused(gitlab: GitLabCalls, identifier: str) -> None:
    """Missing ones and those that the account does not see have the same answer."""
    gitlab.project()
    gitlab.host.repository("globex/secret", private=True)
    refused = dispatch(gitlab, identifier)
    assert isinstance(refused, Refusal)
    # What cannot be a project of this instance is answered without a request.
    reason = "invalid" if identifier in ("https://gitlab.com/acme/shop/cart", "..") else "not_found"
    assert (refused.reason, repr(identifier) in refused.message) == (reason, True)


def test_an_installation_of_a_group_adds_nothing_else(gitlab: GitLabCalls) -> None:
    """Neither a project beside the group nor one whose path begins alike."""
    inside = gitlab.project("acme/shop/deep/cart")
    gitlab.project("acme/till")
    gitlab.project("acme/shopping")
    assert dispatch(gitlab, inside.full_name, group="Acme/Shop").external_id == str(inside.id)
    for name in ("acme/till", "acme/shopping"):
        refused = dispatch(gitlab, name, group="acme/shop")
        assert "in the group acme/shop" in refused.message


def test_the_url_of_an_answer_is_not_trusted(gitlab: GitLabCalls) -> None:
    """Links lead to the operator's address, also if GitLab, or somebody in between, names another one."""
    answer = {"id": 7, "path_with_namespace": "acme/cart", "web_url": "https://evil.example/acme/cart"}
    gitlab.host.fault(lambda *_: Reply(answer), on="/projects/acme%2Fcart")
    assert dispatch(gitlab, "acme/cart").url == f"{gitlab.host.url}/acme/cart"
    gitlab.host.heal()
    gitlab.host.fault(lambda *_: Reply({**answer, "path_with_namespace": "acme/../x y"}), on="/projects/")
    with pytest.raises(ProviderUnavailable, match="other JSON than expected"):
        dispatch(gitlab, "acme/cart")


# Synchronizing.


def sync(gitlab: GitLabCalls, *repositories: Repository) -> list[dict[str, Any]]:
    found = gitlab.call("scm_sync_repositories", repositories=repositories)
    return [update.model_dump(exclude_none=True) for update in found]


def test_nothing_has_changed(gitlab: GitLabCalls) -> None:
    """Repositories without a change are left out."""
    project = gitlab.project()
    assert sync(gitlab, gitlab.stored(project)) == []
    assert sync(gitlab) == []


def test_a_project_that_moved_is_followed(gitlab: GitLabCalls) -> None:
    """By its number; the old name of the repository is GitLab's, so that the new one is taken."""
    project = gitlab.project("acme/cart")
    before = gitlab.stored(project)
    project.rename("acme/shop/new", "basket")
    path = "acme/shop/new/basket"
    configuration = {"path": path}
    moved = {"name": path, "url": f"{gitlab.host.url}/{path}", "configuration": configuration}
    assert sync(gitlab, before) == [{"repository_id": 5, **moved}]
    after = gitlab.stored(project, configuration=configuration)
    assert sync(gitlab, after) == []


def test_a_name_that_a_user_chose_stays(gitlab: GitLabCalls) -> None:
    """Only the address follows."""
    project = gitlab.project("acme/cart")
    before = gitlab.stored(project, name="The cart")
    project.rename("acme", "basket")
    (update,) = sync(gitlab, before)
    assert "name" not in update
    assert update["url"] == f"{gitlab.host.url}/acme/basket"


def test_archived_and_deleted_projects_are_reported_once(gitlab: GitLabCalls) -> None:
    """And that they are back."""
    archived, marked, deleted = (gitlab.project(f"acme/{name}") for name in ("archived", "marked", "deleted"))
    stored = [gitlab.stored(item, id=index) for index, item in enumerate((archived, marked, deleted))]
    archived.archived = True
    gitlab.host.marked_for_deletion.add(marked.id)
    marked.rename("acme", "marked-deletion_scheduled-9")
    gitlab.host.repositories.remove(deleted)
    updates = sync(gitlab, *stored)
    assert [(update["repository_id"], update["state"]) for update in updates] == [
        (0, "archived"),
        (1, "archived"),
        (2, "deleted"),
    ]
    assert all("name" not in update for update in updates)
    saved = [one.model_copy(update={"state": update["state"]}) for one, update in zip(stored, updates, strict=True)]
    assert sync(gitlab, *saved) == []
    archived.archived = False
    (back,) = sync(gitlab, *saved)
    assert (back["repository_id"], back["state"]) == (0, "active")


def test_a_hundred_projects_are_synchronized(gitlab: GitLabCalls) -> None:
    """One request each, a few at once, and one for the account."""
    stored = []
    for number in range(3):
        project = gitlab.project(f"acme/app{number}")
        stored += [gitlab.stored(project, id=number * 100 + index) for index in range(33)]
        project.rename("acme", f"new{number}")
    assert len(sync(gitlab, *stored)) == 99
    assert len(gitlab.host.calls) == 100


def test_a_repository_without_project_is_not_asked_about(gitlab: GitLabCalls) -> None:
    """Such as one that was claimed before the plugin knew numbers."""
    project = gitlab.project()
    assert sync(gitlab, gitlab.stored(project, external_id=None)) == []


def test_another_project_in_the_answer_changes_nothing(gitlab: GitLabCalls) -> None:
    """Such as of a cache in between that confuses addresses."""
    project, other = gitlab.project("acme/cart"), gitlab.project("acme/till")
    answer = {"id": other.id, "path_with_namespace": "acme/till"}
    gitlab.host.fault(lambda *_: Reply(answer), on=f"/projects/{project.id}")
    with pytest.raises(ProviderUnavailable, match="another repository"):
        sync(gitlab, gitlab.stored(project))


def test_a_revoked_token_deletes_nothing(host: FakeGitLab, gitlab: GitLabCalls) -> None:
    """Without a valid token GitLab hides private projects; nothing is reported as deleted."""
    project = gitlab.project()
    stored = gitlab.stored(project)
    del host.tokens["good-token"]
    with pytest.raises(ProviderError):
        sync(gitlab, stored)
