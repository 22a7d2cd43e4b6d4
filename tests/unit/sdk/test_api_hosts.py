"""Helpers for code hosts with an API: shared clients, many calls at once, refs, repositories and links."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest

from scmhost.sdk import (
    Claim,
    Create,
    HostRepository,
    Location,
    ProviderError,
    ProviderUnauthorized,
    ProviderUnavailable,
    RateLimited,
    RefKind,
    Repository,
    ResolvedRef,
    for_each,
    link_hooks,
    preset,
    put_webhook,
    repository_update,
    resolve_ref,
    shared_client,
    stable_id,
)
from scmhost.sdk.api_hosts import MOST_CLIENTS
from scmhost.sdk.execution import DEADLINE
from scripted_api import ScriptedApi

SHA = "0123456789abcdef0123456789abcdef01234567"


def stored(**fields: Any) -> Repository:
    values = {
        "id": 5,
        "organization_id": 1,
        "name": "team/app",
        "url": "https://git.example.com/team/app",
        "external_id": "7",
        "configuration": {"path": "team/app"},
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return Repository.model_validate({**values, **fields})


def found(name: str = "team/app", **fields: Any) -> HostRepository:
    url = f"https://git.example.com/{name}"
    return HostRepository(external_id="7", name=name, url=url, configuration={"path": name}, **fields)


def test_clients_of_one_address_share_connections() -> None:
    """The headers belong to one call; the number of clients is bounded."""
    one = shared_client("https://git.example.com/api", {"Authorization": "Bearer a"})
    other = shared_client("https://git.example.com/api", {"Authorization": "Bearer b"})
    assert one._clients is other._clients
    assert one._headers["authorization"] != other._headers["authorization"]
    assert "authorization" not in shared_client("https://git.example.com/api")._headers
    for number in range(MOST_CLIENTS):
        shared_client(f"https://git{number}.example.com")
    assert shared_client("https://git.example.com/api")._clients is not one._clients


def test_calls_run_at_the_same_time_within_a_bound() -> None:
    """The results are in the order of the items, which need not be hashable."""
    running: list[int] = []
    most: list[int] = []

    async def call(item: dict[str, int]) -> int:
        running.append(1)
        most.append(len(running))
        await asyncio.sleep(0)
        running.pop()
        return item["n"] * 2

    items = [{"n": number} for number in range(9)]
    assert asyncio.run(for_each(call, items, at_once=3)) == [(item, item["n"] * 2) for item in items]
    assert max(most) == 3
    assert asyncio.run(for_each(call, [])) == []


def failing(**errors: Exception) -> Callable[[str], Any]:
    async def call(item: str) -> str:
        if item in errors:
            raise errors[item]
        return item.upper()

    return call


def test_the_first_error_ends_all() -> None:
    """And no call goes on."""
    with pytest.raises(ProviderError, match="no"):
        asyncio.run(for_each(failing(b=ProviderError("no")), "abc"))
    with pytest.raises(TimeoutError):
        asyncio.run(for_each(failing(b=TimeoutError()), "abc"))


def test_with_a_reserve_failures_are_left_out() -> None:
    """Unless there is nothing else, or the code host must not be asked more."""
    assert asyncio.run(for_each(failing(b=ProviderUnavailable("no")), "abc", reserve=1)) == [("a", "A"), ("c", "C")]
    with pytest.raises(ProviderUnavailable, match="no"):
        asyncio.run(for_each(failing(b=ProviderUnavailable("no")), "b", reserve=1))
    for error in (RateLimited("wait"), ProviderUnauthorized("wait")):
        with pytest.raises(type(error)):
            asyncio.run(for_each(failing(b=error), "abc", reserve=1))
    with pytest.raises(TimeoutError):
        asyncio.run(for_each(failing(b=TimeoutError()), "abc", reserve=1))


def test_what_there_is_no_time_for_is_left_out() -> None:
    """The calls end before the budget of the hook does."""

    async def call(item: int) -> int:
        if item:
            await asyncio.Event().wait()
        return item

    async def main(left: float) -> list[tuple[int, int]]:
        DEADLINE.set(monotonic() + left)
        return await for_each(call, [0, 1], reserve=5.0)

    assert asyncio.run(main(5.05)) == [(0, 0)]
    assert 1 not in [item for item, _ in asyncio.run(main(1.0))]


def resolved(
    ref: str | None, shas: Mapping[str, str], kinds: tuple[RefKind, ...] = ("branch", "tag")
) -> ResolvedRef | None:
    async def sha_of(kind: RefKind, name: str) -> str | None:
        return shas.get(f"{kind}_{name}")

    async def default_branch() -> str | None:
        return "main" if "branch_main" in shas else None

    return asyncio.run(resolve_ref(ref, sha_of, default_branch, kinds))


@pytest.mark.parametrize(
    ("ref", "kind", "name"),
    [
        (None, "branch", "main"),
        ("HEAD", "branch", "main"),
        ("main", "branch", "main"),
        ("v1", "tag", "v1"),
        ("both", "branch", "both"),
        ("abcd", "tag", "abcd"),
        ("0123456", "commit", SHA),
        (SHA, "commit", SHA),
    ],
)
def test_a_ref_is_resolved(ref: str | None, kind: RefKind, name: str) -> None:
    """Names precede the beginning of an id; a full id is nothing else."""
    known = {"branch_main": SHA, "tag_v1": SHA, "branch_both": SHA, "tag_both": "f" * 40, "tag_abcd": SHA}
    commits = {"commit_0123456": SHA, f"commit_{SHA}": SHA, f"branch_{SHA}": "f" * 40, "commit_abcd": "abcd" * 10}
    assert resolved(ref, known | commits) == ResolvedRef(name=name, kind=kind, sha=SHA)


def test_the_order_of_names_may_differ() -> None:
    """As in git, a tag may precede a branch."""
    assert resolved("both", {"branch_both": SHA, "tag_both": "f" * 40}, ("tag", "branch")) == ResolvedRef(
        name="both", kind="tag", sha="f" * 40
    )


@pytest.mark.parametrize("ref", [None, "HEAD", "", "a..b", "nothing", "abc", "abcd", "g" * 40])
def test_a_ref_that_is_missing_is_none(ref: str | None) -> None:
    """Also one for which the host answers with another commit."""
    assert resolved(ref, {"commit_abcd": SHA, "commit_abc": "abc" + SHA, "commit_nothing": SHA}) is None


def test_a_repository_is_offered_and_added() -> None:
    """A name that is too long is cut, and offered by the id."""
    offer = found(default_branch="main").offer()
    assert (offer.identifier, offer.name, offer.default_branch) == ("team/app", "team/app", "main")
    facts = {"external_id": "7", "url": "https://git.example.com/team/app", "configuration": {"path": "team/app"}}
    assert found().decision(None) == Create(name="team/app", **facts)
    assert found().decision(stored()) == Claim(**facts)
    long = found(f"{'g' * 300}/{'a' * 199}")
    assert (long.offer().identifier, long.offer().name) == ("7", "a" * 199)


@pytest.mark.parametrize(
    ("now", "fields", "changes"),
    [
        (found(), {}, None),
        (found(state="archived"), {}, {"state": "archived"}),
        (found(state="archived"), {"state": "archived"}, None),
        (found(), {"state": "deleted"}, {"state": "active"}),
        (None, {}, {"state": "deleted"}),
        (None, {"state": "deleted"}, None),
        (found(), {"configuration": {"path": "team/app", "more": 1}}, {"configuration": {"path": "team/app"}}),
        (
            found("new/app"),
            {},
            {"name": "new/app", "url": "https://git.example.com/new/app", "configuration": {"path": "new/app"}},
        ),
        (
            found("new/app"),
            {"name": "Our shop"},
            {"url": "https://git.example.com/new/app", "configuration": {"path": "new/app"}},
        ),
    ],
)
def test_what_has_changed_is_reported(
    now: HostRepository | None, fields: dict[str, Any], changes: dict[str, Any] | None
) -> None:
    """Nothing twice, and no name that a user chose."""
    update = repository_update(stored(**fields), now, "team/app")
    expected = None if changes is None else {"repository_id": 5, **changes}
    assert (update and update.model_dump(exclude_none=True)) == expected


def test_link_hooks_build_and_read_the_pages_of_a_host() -> None:
    """They are marked as hooks, with the parameters of the contract."""
    templates, source, commit, compare, read = link_hooks(preset("gitlab").pages)
    names = ["scm_url_templates", "scm_source_url", "scm_commit_url", "scm_compare_url", "scm_read_source_url"]
    assert [hook.__name__ for hook in (templates, source, commit, compare, read)] == names
    assert all(hasattr(hook, "scmhost_impl") for hook in (templates, source, commit, compare, read))
    location = Location(ref=SHA, ref_kind="commit", path="a.py", line=3)
    page = source(stored(), location)
    assert page == f"https://git.example.com/team/app/-/blob/{SHA}/a.py#L3"
    made = templates(stored())
    assert made is not None
    assert made.view(location) == page
    assert commit(stored(), SHA) == f"https://git.example.com/team/app/-/commit/{SHA}"
    assert compare(stored(), "a", "b") == "https://git.example.com/team/app/-/compare/a...b"
    [candidate] = read(str(page), [stored()])
    assert (candidate.repository_id, candidate.location.path, candidate.location.line) == (5, "a.py", 3)


def test_the_default_branch_may_be_that_of_the_client() -> None:
    """Many hosts answer at the place of the repository."""

    async def sha_of(kind: RefKind, name: str) -> str | None:
        return SHA if (kind, name) == ("branch", "trunk") else None

    def resolve(answer: Any) -> ResolvedRef | None:
        return asyncio.run(resolve_ref(None, sha_of, ScriptedApi(lambda _place, _query: answer)))

    assert resolve({"default_branch": "trunk"}) == ResolvedRef(name="trunk", kind="branch", sha=SHA)
    assert [resolve({"default_branch": None}), resolve({}), resolve(None)] == [None, None, None]


ADDRESS = "https://scmhost.example.com/hooks/3/"


@pytest.mark.parametrize("hook", [{"id": 7, "url": ADDRESS}, {"id": 7, "url": "x", "config": {"url": ADDRESS}}])
def test_a_webhook_is_changed_or_made(hook: Mapping[str, Any]) -> None:
    """The one with the address, in any page."""
    other = {"id": 6, "url": "https://other.example"}

    def answers(place: str, query: Mapping[str, str]) -> Any:
        if place == "GET hooks":
            return [hook] if query.get("page") else ([other], "/hooks?page=2")
        return {"id": "{8-9}"}

    api = ScriptedApi(answers).below("hooks")
    body = {"url": ADDRESS, "secret": "s"}
    assert asyncio.run(put_webhook(api, ADDRESS, body, update="PATCH")).external_id == "7"
    assert isinstance(api, ScriptedApi)
    assert (api.asked[-1], api.sent[-1]) == ("PATCH hooks/7", body)
    assert asyncio.run(put_webhook(api, f"{ADDRESS}4", body)).external_id == "{8-9}"
    assert (api.asked[-1], api.sent[-1]) == ("POST hooks", body)


def test_the_same_parts_have_the_same_id() -> None:
    """Short enough for an external id, and another one for other parts."""
    assert stable_id("https://git.example.com", 7) == stable_id("https://git.example.com", "7")
    assert len({stable_id("a", 1), stable_id("a", 2), stable_id("b", 1)}) == 3
    assert len(stable_id("x" * 500)) == 64
