"""The caches of URL templates keep what was used last, and no more than their limits."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from scmhost.plugins import ProviderCalls
from scmhost.repositories import template_cache
from scmhost.sdk import Installation, Repository


class Calls:
    """A provider that counts how often its templates are read."""

    def __init__(self) -> None:
        self.count = 0

    def url_templates(self, *_: object) -> None:
        self.count += 1


class Templates:
    """URL templates that count for how many refs links are made."""

    def __init__(self) -> None:
        self.count = 0

    def at(self, ref: str, kind: str) -> str:
        self.count += 1
        return f"{kind} {ref}"


def repository(number: int) -> Repository:
    created = datetime(2026, 3, 1, tzinfo=UTC)
    return Repository(id=number, organization_id=1, name=f"team/{number}", created_at=created)


def test_cache_drops_the_repository_that_was_used_least_recently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three repositories in a cache for two, the one that was used again stays."""
    monkeypatch.setattr(template_cache, "MAX_REPOSITORIES", 2)
    calls, cache = Calls(), template_cache.TemplateCache()
    installation = cast("Installation", "an installation")

    def reads(number: int) -> int:
        before = calls.count
        cache.of(cast("ProviderCalls", calls), installation, repository(number))
        return calls.count - before

    assert [reads(number) for number in (1, 2, 1, 3)] == [1, 1, 0, 1]
    assert [reads(number) for number in (1, 3, 2)] == [0, 0, 1]
    assert (len(cache._cached), len(cache._last)) == (2, 1)


def test_refs_of_a_repository_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The links at a third ref replace those at the first."""
    monkeypatch.setattr(template_cache, "MAX_REFS", 2)
    templates = Templates()
    cached = template_cache.RepositoryTemplates(cast("Any", templates))
    for ref in ("a", "b", "b", "c", "c"):
        cached.at(ref, "branch")
    assert templates.count == 3
    cached.at("a", "branch")
    assert templates.count == 4
