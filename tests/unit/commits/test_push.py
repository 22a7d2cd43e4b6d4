"""Receive push deliveries."""

from dataclasses import replace
from datetime import timedelta

import pytest

import factories
from scmhost.commits.ingest import IngestedCommits
from scmhost.commits.push import receive_push
from scmhost.infra.errors import InvalidInput, NotFound, ProviderRefused, Unauthenticated
from scmhost.installations.webhooks import ROTATION, create_secret
from scmhost.plugins import PluginFault
from scmhost.repositories import alias_queries
from scmhost.repositories.claim import add_repository
from scmhost.repositories.manage import change_repository
from scmhost.sdk import AddRequest, ProviderError, Push, Repository, RepositoryStatus
from scripted_host import ScriptedHost


def claimed(scripted: ScriptedHost, name: str = "team/app") -> Repository:
    request = AddRequest(identifier=name, fields={})
    return add_repository(scripted.services, scripted.organization, "scripted", scripted.installation.id, request).saved


def new_secret(scripted: ScriptedHost) -> str:
    """The text of a new secret. Deliveries must be signed with it."""
    scripted.script.secret = create_secret(scripted.services, scripted.organization, scripted.installation.id).text
    return scripted.script.secret


def deliver(scripted: ScriptedHost, *pushes: Push) -> tuple[list[IngestedCommits], tuple[str, ...]]:
    scripted.script.push = lambda _body: pushes
    return receive_push(scripted.services, scripted.installation.id, {"X-Event": "push"}, b"{}")


def push(repository: str = "team/app", *numbers: int, unlisted: int = 0) -> Push:
    commits = tuple(factories.draft(number) for number in numbers or (1,))
    return Push(repository=repository, commits=commits, unlisted=unlisted)


def test_pushed_commits_are_saved(scripted: ScriptedHost) -> None:
    """Plugins are notified; the same delivery again changes nothing."""
    repository = claimed(scripted)
    new_secret(scripted)
    scripted.script.saved.clear()
    (result,), notes = deliver(scripted, push("team/app", 1, 2))
    assert (result.repository, len(result.saved.new), notes) == (repository, 2, ())
    assert scripted.script.saved == ["2 commits of acme/team/app"]
    before = factories.all_rows(scripted.services.store)
    (again,), _ = deliver(scripted, push("team/app", 1, 2))
    assert (again.saved.new, again.saved.known) == ((), 2)
    assert factories.all_rows(scripted.services.store) == before


@pytest.mark.parametrize("name", ["Team/Old", "https://forge.example/team/old.git"])
def test_repository_is_found_by_what_it_was_before(scripted: ScriptedHost, name: str) -> None:
    """A delivery that was waiting while the repository was renamed is not lost."""
    repository = claimed(scripted)
    before = repository.model_copy(update={"name": "team/old", "url": "https://forge.example/team/old"})
    with scripted.services.store.write() as tx:
        alias_queries.save(tx, before, repository, factories.NOW)
    new_secret(scripted)
    (result,), notes = deliver(scripted, push(name))
    assert (result.repository, notes) == (repository, ())


@pytest.mark.parametrize("name", ["team/app", "TEAM/App", "id of team/app", "https://git.example.com/Team/App.git"])
def test_repository_is_found_by_name_external_id_and_url(scripted: ScriptedHost, name: str) -> None:
    """The path of a URL counts as a name, for repositories without a URL."""
    repository = claimed(scripted)
    new_secret(scripted)
    (result,), _ = deliver(scripted, push(name))
    assert result.repository == repository


def test_other_repositories_are_left_out(scripted: ScriptedHost) -> None:
    """Unknown and hidden repositories are named in the notes; the rest of the delivery is saved."""
    claimed(scripted)
    hidden = claimed(scripted, "team/hidden")
    change_repository(scripted.services, scripted.organization, hidden.id, {"status": RepositoryStatus.HIDDEN})
    new_secret(scripted)
    results, notes = deliver(scripted, push("team/hidden"), push("unknown"), push("team/app"))
    assert [item.repository.name for item in results] == ["team/app"]
    assert ["'team/hidden'" in notes[0], "'unknown'" in notes[1], len(notes)] == [True, True, 2]


def test_unlisted_commits_are_noted(scripted: ScriptedHost) -> None:
    """Code hosts list only some commits of a large push."""
    claimed(scripted)
    new_secret(scripted)
    _, notes = deliver(scripted, push(unlisted=30))
    assert "at least 30 are missing" in notes[0]


def test_push_without_commits_saves_nothing(scripted: ScriptedHost) -> None:
    """A deleted branch is such a push."""
    claimed(scripted)
    new_secret(scripted)
    assert deliver(scripted, Push(repository="team/app")) == ([], ())
    assert deliver(scripted) == ([], ())


def test_old_secret_is_valid_for_a_while(scripted: ScriptedHost) -> None:
    """After a rotation both secrets are tried, and the old one ends."""
    claimed(scripted)
    old = new_secret(scripted)
    new_secret(scripted)
    scripted.script.secret = old
    assert deliver(scripted, push())[0]

    class Later:
        def now(self) -> object:
            return scripted.services.clock.now() + ROTATION + timedelta(minutes=1)

    later = replace(scripted, services=replace(scripted.services, clock=Later()))  # type: ignore[arg-type]
    with pytest.raises(Unauthenticated):
        deliver(later, push())


def test_wrong_signature_is_refused(scripted: ScriptedHost) -> None:
    """Nothing is saved."""
    claimed(scripted)
    new_secret(scripted)
    scripted.script.secret = "another"
    before = factories.all_rows(scripted.services.store)
    with pytest.raises(Unauthenticated, match="not signed"):
        deliver(scripted, push())
    assert factories.all_rows(scripted.services.store) == before


def test_every_missing_webhook_has_the_same_answer(scripted: ScriptedHost) -> None:
    """Without a secret, without the installation and without the host's key the answer is the same."""
    texts = []
    with pytest.raises(NotFound) as error:
        deliver(scripted, push())
    texts.append(str(error.value))
    new_secret(scripted)
    with pytest.raises(NotFound) as error:
        receive_push(scripted.services, factories.NOBODY, {}, b"")
    texts.append(str(error.value))
    with pytest.raises(NotFound) as error:
        receive_push(replace(scripted.services, webhook_key=None), scripted.installation.id, {}, b"")
    texts.append(str(error.value))
    assert set(texts) == {"There is no webhook here that is ready for deliveries."}


def test_errors_of_the_plugin_save_nothing(scripted: ScriptedHost) -> None:
    """An error that the plugin declares is a refusal; another one is a fault of the plugin."""
    claimed(scripted)
    new_secret(scripted)
    before = factories.all_rows(scripted.services.store)
    expected: dict[Exception, type[Exception]] = {ProviderError("bad"): ProviderRefused, RuntimeError("x"): PluginFault}
    for raised, error in expected.items():

        def fail(_body: bytes, raised: Exception = raised) -> list[Push]:
            raise raised

        scripted.script.push = fail
        with pytest.raises(error):
            receive_push(scripted.services, scripted.installation.id, {}, b"")
    assert factories.all_rows(scripted.services.store) == before


def test_too_many_commits_are_refused(scripted: ScriptedHost) -> None:
    """The limit of a request counts for deliveries too."""
    claimed(scripted)
    new_secret(scripted)
    limits = scripted.services.limits.model_copy(update={"commits_per_request": 1})
    limited = replace(scripted, services=replace(scripted.services, limits=limits))
    with pytest.raises(InvalidInput, match=r"limits\.commits_per_request"):
        deliver(limited, push("team/app", 1, 2))
