"""Hook calls that failed a short time ago are suppressed."""

from datetime import UTC, datetime, timedelta

from scmhost.links.host_questions import MAX_NEGATIVE_ENTRIES, NEGATIVE_TTL, HookTarget, NegativeCache

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def target(repository: int = 1, installation: int = 1, hook: str = "scm_file_exists") -> HookTarget:
    return HookTarget(hook, installation, repository)


def test_failure_suppresses_its_repository_only() -> None:
    """A fault of one repository does not suppress other repositories, installations or hooks."""
    cache = NegativeCache()
    cache.add_failure(target(1), NOW)
    cache.add_failure(target(1), NOW)
    others = target(2), target(1, installation=2), target(1, hook="scm_resolve_ref")
    assert cache.is_suppressed(target(1), NOW)
    assert not any(cache.is_suppressed(other, NOW) for other in others)


def test_second_failing_repository_suppresses_the_installation() -> None:
    """After two repositories failed in a row, all of their installation are suppressed, and no others."""
    cache = NegativeCache()
    cache.add_failure(target(1), NOW)
    cache.add_failure(target(2), NOW)
    assert cache.is_suppressed(target(3), NOW)
    assert not cache.is_suppressed(target(3, installation=2), NOW)


def test_success_between_two_failures_keeps_the_installation() -> None:
    """A host that answers for one repository is reachable, so that failures of others count for each alone."""
    cache = NegativeCache()
    cache.add_failure(target(1), NOW)
    cache.add_success(target(3))
    cache.add_failure(target(2), NOW)
    assert [cache.is_suppressed(target(number), NOW) for number in (1, 2, 3)] == [True, True, False]


def test_suppression_ends() -> None:
    """It ends after ten seconds, and at once if the clock is set back."""
    cache = NegativeCache()
    cache.add_failure(target(), NOW)
    moments = NOW, NOW + NEGATIVE_TTL - timedelta(seconds=1), NOW + NEGATIVE_TTL, NOW - timedelta(hours=1)
    assert [cache.is_suppressed(target(), moment) for moment in moments] == [True, True, False, False]


def test_repeated_failure_suppresses_again() -> None:
    """A later failure starts the time anew."""
    cache = NegativeCache()
    cache.add_failure(target(), NOW)
    cache.add_failure(target(), NOW + NEGATIVE_TTL)
    assert cache.is_suppressed(target(), NOW + NEGATIVE_TTL)


def test_number_of_entries_is_bounded() -> None:
    """The oldest failures are dropped, of both tables."""
    cache = NegativeCache()
    for number in range(MAX_NEGATIVE_ENTRIES + 1):
        cache.add_failure(target(1, installation=number), NOW)
    assert not cache.is_suppressed(target(1, installation=0), NOW)
    assert cache.is_suppressed(target(1, installation=1), NOW)
    assert cache.is_suppressed(target(1, installation=MAX_NEGATIVE_ENTRIES), NOW)
    assert len(cache._last_failed) == len(cache._failed_at) == MAX_NEGATIVE_ENTRIES
