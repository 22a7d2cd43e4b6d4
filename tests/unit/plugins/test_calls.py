"""The calls of one provider."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hosting import ACME, GOOD, INSTALLATION, LOCATION, REPOSITORY, host_of
from scmhost.plugins import ProviderCalls
from scmhost.sdk import AddRequest, Claim, Create, Existence, NoFields, NoUrl, ProviderUnavailable, Refusal

REQUEST = AddRequest(identifier="tools")

# What each call gives with a hook, and what without.
ANSWERS: list[tuple[str, Callable[[ProviderCalls], Any], Any, Any]] = [
    (
        "scm_offer_repositories",
        lambda calls: [offer.name for offer in calls.offer_repositories(INSTALLATION, [REPOSITORY], "ap").offers],
        ["app"],
        [],
    ),
    (
        "scm_dispatch_repository",
        lambda calls: calls.dispatch_repository(INSTALLATION, REQUEST, None),
        Create(name="tools", external_id="7"),
        Refusal(reason="invalid", message="Fine does not add repositories."),
    ),
    (
        "scm_serialize_repository",
        lambda calls: calls.serialize_repository(REPOSITORY, {"name": "app"}),
        {"shown": "app of 5"},
        {},
    ),
    (
        "scm_source_url",
        lambda calls: calls.source_url(INSTALLATION, REPOSITORY, LOCATION),
        "https://forge.example/here.py",
        NoUrl(message="Fine has no such page"),
    ),
    (
        "scm_url_templates",
        lambda calls: (templates := calls.url_templates(INSTALLATION, REPOSITORY)) and templates.repo_url,
        "https://forge.example/app",
        None,
    ),
    (
        "scm_commit_url",
        lambda calls: calls.commit_url(INSTALLATION, REPOSITORY, "abc"),
        "https://forge.example/commit/abc",
        NoUrl(message="Fine has no such page"),
    ),
    (
        "scm_compare_url",
        lambda calls: calls.compare_url(INSTALLATION, REPOSITORY, "a", "b"),
        "https://forge.example/a..b",
        NoUrl(message="Fine has no such page"),
    ),
    (
        "scm_file_exists",
        lambda calls: calls.file_exists(INSTALLATION, REPOSITORY, LOCATION),
        Existence.YES,
        Existence.UNKNOWN,
    ),
    (
        "scm_resolve_ref",
        lambda calls: (found := calls.resolve_ref(INSTALLATION, REPOSITORY, None)) and found.name,
        "main",
        None,
    ),
    (
        "scm_read_source_url",
        lambda calls: [
            item.location.path for item in calls.read_source_url(INSTALLATION, "https://x/a.py", [REPOSITORY])
        ],
        ["a.py"],
        [],
    ),
    (
        "scm_compare_commits",
        lambda calls: [commit.sha for commit in calls.compare_commits(INSTALLATION, REPOSITORY, None, "abc").commits],
        ["abc"],
        [],
    ),
    (
        "scm_read_push",
        lambda calls: [
            push.repository for push in calls.read_push(INSTALLATION, {"X-Repository": "app"}, b"", "secret")
        ],
        ["forge/app"],
        [],
    ),
]


@pytest.fixture(scope="module")
def providers() -> Iterator[tuple[ProviderCalls, ProviderCalls]]:
    """A provider with all hooks, and one with none but the one to install it."""
    with host_of({"good_forge": GOOD, "fine": "plugins.refused:fine"}) as host:
        full, bare = host.calls("good_forge"), host.calls("fine")
        assert full is not None
        assert bare is not None
        yield full, bare


@pytest.mark.parametrize(("hook", "ask", "full", "bare"), ANSWERS, ids=[hook for hook, *_ in ANSWERS])
def test_answer_with_and_without_the_hook(
    providers: tuple[ProviderCalls, ProviderCalls], hook: str, ask: Callable[[ProviderCalls], Any], full: Any, bare: Any
) -> None:
    """A call returns the plugin's result; without the hook it returns "no" or nothing."""
    assert [calls.has(hook) for calls in providers] == [True, False]
    assert [ask(calls) for calls in providers] == [full, bare]


def test_installing_makes_a_draft(providers: tuple[ProviderCalls, ProviderCalls]) -> None:
    """Every provider can be installed."""
    assert [calls.install(NoFields(), ACME).external_id for calls in providers] == ["1", "1"]


def test_candidate_is_claimed(providers: tuple[ProviderCalls, ProviderCalls]) -> None:
    """A repository that is there may be claimed."""
    assert isinstance(providers[0].dispatch_repository(INSTALLATION, REQUEST, REPOSITORY), Claim)


def test_unavailable_code_host_is_raised(providers: tuple[ProviderCalls, ProviderCalls]) -> None:
    """The error has the plugin's text."""
    with pytest.raises(ProviderUnavailable, match="the forge does not answer"):
        providers[0].compare_commits(INSTALLATION, REPOSITORY, "lost", "abc")


def test_payload_cannot_be_changed_in_place(providers: tuple[ProviderCalls, ProviderCalls]) -> None:
    """The payload is frozen: a plugin returns the fields to change."""
    payload: dict[str, Any] = {"name": "app"}
    providers[0].serialize_repository(REPOSITORY, payload)
    assert payload == {"name": "app"}
