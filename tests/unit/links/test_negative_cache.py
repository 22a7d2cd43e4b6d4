"""Which questions rest, and for how long."""

from datetime import UTC, datetime, timedelta

from scmhost.links.caches import MOST_SILENCES, SILENCE, Question, Silences

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def question(repository: int = 1, installation: int = 1, hook: str = "scm_file_exists") -> Question:
    return Question(hook, installation, repository)


def test_one_repository_rests_alone() -> None:
    """What is wrong with one repository keeps nobody from asking about the others of its installation."""
    silences = Silences()
    silences.begin(question(1), NOW)
    silences.begin(question(1), NOW)
    others = question(2), question(1, installation=2), question(1, hook="scm_resolve_ref")
    assert silences.rests(question(1), NOW)
    assert not any(silences.rests(other, NOW) for other in others)


def test_two_repositories_in_a_row_speak_for_their_installation() -> None:
    """Nothing of an installation is asked about once a second repository of it had no answer; others are."""
    silences = Silences()
    silences.begin(question(1), NOW)
    silences.begin(question(2), NOW)
    assert silences.rests(question(3), NOW)
    assert not silences.rests(question(3, installation=2), NOW)


def test_an_answer_in_between_speaks_for_the_installation() -> None:
    """A host that answers about one repository is there, whatever it does with the others."""
    silences = Silences()
    silences.begin(question(1), NOW)
    silences.end(question(3))
    silences.begin(question(2), NOW)
    assert [silences.rests(question(number), NOW) for number in (1, 2, 3)] == [True, True, False]


def test_a_silence_ends_by_itself() -> None:
    """It is over after ten seconds, and at once when the clock is set back."""
    silences = Silences()
    silences.begin(question(), NOW)
    moments = NOW + SILENCE - timedelta(seconds=1), NOW + SILENCE, NOW - timedelta(hours=1)
    assert [silences.rests(question(), moment) for moment in moments] == [True, False, False]


def test_no_more_is_kept_than_there_is_room_for() -> None:
    """The oldest silences give way."""
    silences = Silences()
    for number in range(MOST_SILENCES + 1):
        silences.begin(question(1, installation=number), NOW)
    assert not silences.rests(question(1, installation=0), NOW)
    assert silences.rests(question(1, installation=MOST_SILENCES), NOW)
