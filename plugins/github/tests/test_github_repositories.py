"""Offering, adding and synchronizing repositories."""

from typing import Any

import pytest

from fake_hosts import base, openapi
from github_calls import TOKEN, GitHubCalls
from scmhost.sdk import (
    AddRequest,
    ApiRepository,
    Claim,
    Create,
    Installation,
    Location,
    NoUrl,
    OfferPage,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    Refusal,
    Repository,
    RepositoryUpdate,
)
from scmhost_github.plugin import scm_serialize_repository, scm_source_url


def offers(github: GitHubCalls, search: str = "", cursor: str = "", **more: Any) -> OfferPage:
    page: OfferPage = github.call("scm_offer_repositories", search=search, cursor=cursor, repositories=(), **more)
    return page


def add(
    github: GitHubCalls,
    identifier: str,
    candidate: Repository | None = None,
    *,
    by: Installation | None = None,
    **fields: Any,
) -> Any:
    request = AddRequest.model_validate({"identifier": identifier, "fields": fields})
    installation = by or github.installation
    return github.call("scm_dispatch_repository", request=request, candidate=candidate, installation=installation)


def sync(github: GitHubCalls, *repositories: Repository, **more: Any) -> list[RepositoryUpdate]:
    updates: list[RepositoryUpdate] = github.call("scm_sync_repositories", repositories=repositories, **more)
    return updates


def test_a_token_offers_what_its_person_sees(github: GitHubCalls) -> None:
    """With the default branch, under the full name."""
    github.repository("team/app")
    github.repository("other/lib", default_branch="trunk")
    github.repository("foreign/secret", seen=False)
    page = offers(github)
    assert [(one.identifier, one.name, one.default_branch) for one in page.offers] == [
        ("team/app", "team/app", "main"),
        ("other/lib", "other/lib", "trunk"),
    ]
    assert page.next is None
    assert [one.name for one in offers(github, installation=github.with_token(owner="TEAM")).offers] == ["team/app"]


def test_an_app_offers_the_selected_repositories(github: GitHubCalls) -> None:
    """Other repositories of the account are not the App's."""
    app = github.repository("team/app", seen=False)
    github.repository("team/other", seen=False)
    assert [one.name for one in offers(github, installation=github.with_app(app)).offers] == ["team/app"]


def test_offers_come_in_pages(github: GitHubCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages together are all repositories, each once; without time the first one has to do."""
    monkeypatch.setattr("scmhost_github.repositories.PAGE", 3)
    github.host.largest_page = 3
    names = [github.repository(f"team/app{number}").full_name for number in range(8)]
    found: list[str] = []
    sizes: list[int] = []
    cursor = ""
    while not sizes or cursor:
        page = offers(github, cursor=cursor)
        found += [one.name for one in page.offers]
        sizes.append(len(page.offers))
        cursor = page.next or ""
    assert (found, sizes) == (names, [3, 3, 2])
    page = offers(github, "7", seconds=3.0)
    assert (page.offers, page.next) == ((), "page=2")


def test_a_search_reads_on_until_it_finds_enough(github: GitHubCalls) -> None:
    """A page of GitHub without a match is not the end."""
    github.host.largest_page = 2
    for number in range(5):
        github.repository(f"team/app{number}")
    github.repository("team/Cart-Service")
    page = offers(github, search="cart")
    assert ([one.name for one in page.offers], page.next) == (["team/Cart-Service"], None)
    assert len(github.asked()) == 3


@pytest.mark.parametrize(
    "cursor", ["2", "x", "page=0", "page=-1", f"page={'9' * 30}", "page=1 ", "page=\u0661", "page=1&visibility=all"]
)
def test_a_wrong_cursor_is_refused(github: GitHubCalls, cursor: str) -> None:
    """Nobody is asked."""
    with pytest.raises(ProviderError, match="no cursor of this list"):
        offers(github, cursor=cursor)
    assert github.asked() == []


def test_a_repository_is_created(github: GitHubCalls) -> None:
    """With the id of GitHub, which a rename does not change, and the URL of its page on the operator's instance."""
    app = github.repository("Team/App.js")
    assert add(github, "Team/App.js") == Create(
        name="Team/App.js",
        external_id=str(app.id),
        url=f"{github.host.url}/Team/App.js",
        configuration={"full_name": "Team/App.js"},
    )


@pytest.mark.parametrize(
    ("identifier", "name", "url", "fields"),
    [
        ("team/app", "team/app", None, {}),
        ("5", "team/app", None, {}),
        ("5", "shop", "{url}/team/app.git", {}),
        ("5", "shop", None, {"path": "team/app"}),
    ],
)
def test_a_candidate_is_claimed(
    github: GitHubCalls, identifier: str, name: str, url: str | None, fields: dict[str, str]
) -> None:
    """Its name, its URL or the field ``path`` says which repository it is."""
    app = github.repository("team/app", archived=True)
    assert add(
        github, identifier, github.candidate(name, url and url.format(url=github.host.url)), by=None, **fields
    ) == Claim(
        external_id=str(app.id),
        url=f"{github.host.url}/team/app",
        configuration={"full_name": "team/app"},
    )


@pytest.mark.parametrize(
    ("identifier", "reason"),
    [
        ("team/gone", "not_found"),
        ("foreign/secret", "not_found"),
        ("app", "invalid"),
        ("7", "invalid"),
        ("https://github.com/team/app", "invalid"),
        ("team/app/more", "invalid"),
        ("team/app\n", "not_found"),
        ("a b/c", "invalid"),
    ],
)
def test_other_repositories_are_refused(github: GitHubCalls, identifier: str, reason: str) -> None:
    """One that the token does not see does not exist for it."""
    github.repository("foreign/secret", seen=False)
    refusal = add(github, identifier)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason


@pytest.mark.parametrize("identifier", ["../..", "team/..", "./app"])
def test_a_dot_segment_leads_nowhere(github: GitHubCalls, identifier: str) -> None:
    """It would lead to another part of the API."""
    refusal = add(github, identifier)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "invalid"
    assert github.asked() == []


def test_an_app_adds_only_its_own_repositories(github: GitHubCalls) -> None:
    """Every token reads public repositories; they are not those of the installation for all that."""
    own = github.repository("team/app", seen=False)
    github.host.repository("stranger/public")
    installation = github.with_app(own)
    github.with_app(github.host.repository("other/public"), account="other")
    assert isinstance(add(github, "team/app", by=installation), Create)
    for name in ("stranger/public", "other/public"):
        assert add(github, name, by=installation).reason == "not_found"


def test_an_owner_limits_a_token(github: GitHubCalls) -> None:
    """Repositories of other accounts are not added, even if the person sees them."""
    github.repository("team/app")
    github.repository("other/lib")
    by = github.with_token(owner="Team")
    assert isinstance(add(github, "team/app", by=by), Create)
    assert add(github, "other/lib", by=by).reason == "not_found"


def test_a_renamed_repository_is_found_by_its_old_name(github: GitHubCalls) -> None:
    """GitHub redirects to its id; it gets the new name."""
    app = github.repository("team/app")
    app.rename("team", "cart")
    github.host.tokens[TOKEN].repositories.add("team/cart")
    assert add(github, "team/app").name == "team/cart"


def test_what_changed_at_github_is_reported(github: GitHubCalls) -> None:
    """Renamed, transferred, archived and deleted; what is the same is left out."""
    names = ("team/same", "team/renamed", "team/archived", "team/deleted", "team/mine")
    same, renamed, archived, deleted, mine = (github.repository(name) for name in names)
    stored = [github.stored(one, id=number) for number, one in enumerate((same, renamed, archived, deleted), start=1)]
    stored.append(github.stored(mine, id=5, name="a name of ours"))
    assert sync(github, *stored) == []
    renamed.rename("other", "shop")
    mine.rename("other", "mine")
    github.host.tokens[TOKEN].repositories |= {"other/shop", "other/mine"}
    archived.archived = True
    github.host.repositories.remove(deleted)
    new = {"full_name": "other/shop"}
    assert sorted(sync(github, *stored), key=lambda one: one.repository_id) == [
        RepositoryUpdate(repository_id=2, name="other/shop", url=f"{github.host.url}/other/shop", configuration=new),
        RepositoryUpdate(repository_id=3, state="archived"),
        RepositoryUpdate(repository_id=4, state="deleted"),
        RepositoryUpdate(
            repository_id=5,
            url=f"{github.host.url}/other/mine",
            configuration={"full_name": "other/mine"},
        ),
    ]


def test_a_repository_that_is_back_is_active(github: GitHubCalls) -> None:
    """Such as after it was unarchived, or the token sees it again."""
    app = github.repository()
    gone = github.stored(app, state="deleted")
    (update,) = sync(github, gone)
    assert update.state == "active"
    github.host.repositories.remove(app)
    # What is known already is not reported again.
    assert sync(github, gone) == []


def test_unchanged_repositories_cost_nothing(github: GitHubCalls) -> None:
    """GitHub does not count answers that nothing has changed."""
    stored = github.stored(github.repository())
    sync(github, stored)
    github.host.calls.clear()
    sync(github, stored)
    assert [bool(call.headers.get("if-none-match")) for call in github.host.calls] == [True]


def test_one_odd_answer_does_not_cost_the_others(github: GitHubCalls) -> None:
    """The repository without an answer keeps what it has; without any answer the sync fails."""
    one, two = github.repository("team/one"), github.repository("team/two")
    stored = [github.stored(one, id=1), github.stored(two, id=2)]
    two.archived = True
    github.host.fault(base.status(502), on=f"/repositories/{one.id}$")
    assert [update.repository_id for update in sync(github, *stored)] == [2]
    github.host.fault(base.status(502))
    with pytest.raises(ProviderUnavailable):
        sync(github, *stored)


def test_another_repository_in_the_answer_is_not_taken(github: GitHubCalls) -> None:
    """A confused host must not give one repository the name of another."""
    app, other = github.repository(), github.repository("stranger/other")
    github.host.fault(base.wrong_types(github.host._repository(other)), on=f"/repositories/{app.id}$")
    with pytest.raises(ProviderError, match="answered with another repository"):
        sync(github, github.stored(app))


def test_a_rate_limit_ends_a_sync(github: GitHubCalls) -> None:
    """The host waits as long as GitHub says, and asks again later."""
    stored = [github.stored(github.repository(f"team/app{number}"), id=number) for number in range(1, 30)]
    github.host.fault(base.rate_limit(17))
    with pytest.raises(RateLimited) as limited:
        sync(github, *stored)
    assert limited.value.retry_after == 17
    assert len(github.asked()) < len(stored)


def test_repositories_without_an_id_of_github_are_left_out(github: GitHubCalls) -> None:
    """Such as those that another plugin added before."""
    app = github.repository()
    assert sync(github, github.stored(app, external_id=None), github.stored(app, external_id="a/b")) == []
    assert github.asked() == []


def test_a_repository_in_answers_has_github_s_name(github: GitHubCalls) -> None:
    """Sentry's clients know this provider's id, and send refs alone for it."""
    stored = github.stored(github.repository(), name="ours")
    payload = scm_serialize_repository(repository=stored)
    assert payload == {"provider": {"id": "integrations:github", "name": "GitHub"}, "externalSlug": "team/app"}


def test_a_repository_of_another_plugin_has_no_api(github: GitHubCalls) -> None:
    """The error has the next step; without a URL there are no pages."""
    stored = github.stored(github.repository(), configuration={}, url=None)
    with pytest.raises(ProviderError, match="add it again"):
        github.call("scm_resolve_ref", repository=stored, ref="main")
    location = Location(ref="main", ref_kind="branch", path="a.py")
    assert isinstance(scm_source_url(repository=stored, location=location), NoUrl)


@pytest.mark.skipif(openapi.IS_MISSING, reason=openapi.WHY_MISSING)
@pytest.mark.parametrize("path", ["/repos/{owner}/{repo}", "/user/repos", "/installation/repositories"])
def test_recorded_answers_are_read(path: str) -> None:
    """GitHub's own examples have the fields that the plugin reads."""
    examples = openapi.answer_examples("get", path, "200")
    assert examples
    for example in examples:
        items = example if isinstance(example, list) else example.get("repositories", [example])
        for item in items:
            assert ApiRepository.model_validate(item).full_name == item["full_name"]
