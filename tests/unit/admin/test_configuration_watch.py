"""Applying changes of plugins.toml, and queueing their audit entries, without HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from api import PLUGINS_TOML, open_api
from scmhost.admin.configuration import MAX_PENDING, ConfigurationAudit, ConfigurationWatch
from scmhost.audit.queries import AuditEntry, list_entries
from scmhost.infra.db.errors import StoreError
from scmhost.infra.errors import Unavailable
from scmhost.infra.paging import PageQuery
from scmhost.plugins import Settings, read_settings
from scmhost.plugins.config.reading import settings_of
from scmhost.services import Services

KILLED = PLUGINS_TOML.replace("enabled = true", "enabled = true\nkill = true")


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with open_api(tmp_path, background=False) as api:
        yield api.services


def settings(number: int) -> Settings:
    return settings_of(f"[plugins.x]\norder = {number}\n".encode(), "plugins.toml", {})


def entries(services: Services) -> list[AuditEntry]:
    """Return the audit entries of the host, the oldest first."""
    return list(reversed(list_entries(services, None, PageQuery(size=100)).items))


def changes(services: Services) -> list[Any]:
    return [entry.details["changes"] for entry in entries(services)]


@contextmanager
def failing(services: Services, error: Exception) -> Iterator[None]:
    """A store whose transactions all raise an error."""

    def away() -> Any:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        for name in ("read", "write"):
            patch.setattr(services.store, name, away, raising=False)
        yield


def test_pending_entries_are_saved_in_their_order(services: Services) -> None:
    """While the database is down entries wait, with one warning for each try; afterwards all are saved in order."""
    audit = ConfigurationAudit(services)
    with failing(services, Unavailable("the database is down")), capture_logs() as logs:
        for number in range(3):
            audit.add_change(settings(number), settings(number + 1), number)
        assert (audit.save_pending(), audit.pending) == (False, 3)
    assert [(line["event"], line["pending"]) for line in logs] == [("audit postponed", 3)]
    audit.save_pending()
    assert (audit.pending, changes(services)) == (
        0,
        [[f"plugins.x.order: {number} -> {number + 1}"] for number in range(3)],
    )


@pytest.mark.parametrize("error", [StoreError("no such table"), RuntimeError("a bug")], ids=repr)
def test_entry_that_cannot_be_saved_is_raised_and_stays(services: Services, error: Exception) -> None:
    """The loop around it logs and counts the error; nothing is lost."""
    audit = ConfigurationAudit(services)
    audit.add_change(settings(1), settings(2), 1)
    with failing(services, error), pytest.raises(type(error)):
        audit.save_pending()
    assert audit.pending == 1
    audit.save_pending()
    assert (audit.pending, len(entries(services))) == (0, 1)


def test_queue_of_entries_is_bounded(services: Services) -> None:
    """Beyond the limit the oldest entries are dropped, and each drop is logged."""
    audit = ConfigurationAudit(services)
    with capture_logs() as logs:
        for number in range(MAX_PENDING + 2):
            audit.add_change(settings(number), settings(number + 1), number)
    assert [line["event"] for line in logs] == ["audit entry dropped"] * 2
    audit.save_pending()
    assert (len(entries(services)), changes(services)[0]) == (MAX_PENDING, ["plugins.x.order: 2 -> 3"])


def test_several_processes_save_one_entry(services: Services) -> None:
    """The content and the time of the file identify a change; the same content later is another change."""
    for modified_ns in (1, 1, 2):
        audit = ConfigurationAudit(services)
        audit.add_change(settings(1), settings(2), modified_ns)
        audit.save_pending()
    assert len(entries(services)) == 2


def test_unchanged_file_at_the_start_has_one_entry(services: Services) -> None:
    """The first process records the file; later ones find it unchanged, or record what was changed meanwhile."""
    for number, modified_ns in ((1, 1), (1, 1), (2, 2), (1, 1)):
        audit = ConfigurationAudit(services)
        audit.add_difference(settings(number), modified_ns)
        audit.save_pending()
    unseen = ["unknown: the file was changed while no service was running"]
    assert changes(services) == [["seen for the first time"], unseen, unseen]
    digests = [entry.details["after"] for entry in entries(services)]
    assert digests == [settings(number).source.sha256 for number in (1, 2, 1)]


def test_state_at_the_start_is_not_saved_after_a_later_change(services: Services) -> None:
    """Another process or a command may record a change while the entry of the older state still waits."""
    first, late, command = (ConfigurationAudit(services) for _ in range(3))
    first.add_difference(settings(1), 1)
    late.add_difference(settings(1), 1)
    first.save_pending()
    command.add_change(settings(1), settings(2), 2)
    command.save_pending()
    late.save_pending()
    assert changes(services) == [["seen for the first time"], ["plugins.x.order: 1 -> 2"]]


def watch_of(services: Services, path: Path) -> ConfigurationWatch:
    return ConfigurationWatch(services, path, partial(read_settings, path, {}), ConfigurationAudit(services))


@pytest.mark.parametrize("error", [Unavailable("down"), StoreError("no such table"), RuntimeError("a bug")], ids=repr)
def test_kill_does_not_need_the_database(services: Services, tmp_path: Path, error: Exception) -> None:
    """``kill = true`` takes effect at the second check for every error of the store."""
    path = tmp_path / "plugins.toml"
    path.write_text(KILLED, encoding="utf-8")
    watch = watch_of(services, path)
    with failing(services, error):
        assert [watch.check(requested=False) for _ in range(3)] == [True, False, False]
    assert services.plugins.settings.of("custom_scm").kill


def test_missing_file_is_not_read_until_it_exists(services: Services, tmp_path: Path) -> None:
    """A host that started without a file has nothing to check."""
    services.plugins.reload(read_settings(None, {}))
    path = tmp_path / "later.toml"
    watch = watch_of(services, path)
    assert [watch.check(requested=False) for _ in range(2)] == [False, False]
    path.write_text(KILLED, encoding="utf-8")
    assert [watch.check(requested=False) for _ in range(2)] == [True, False]
    assert services.plugins.settings.of("custom_scm").kill


def test_invalid_file_is_logged_once_and_changes_nothing(services: Services, tmp_path: Path) -> None:
    """The status has the error until the file is valid again."""
    path = tmp_path / "plugins.toml"
    watch = watch_of(services, path)
    path.write_text("schema = 99\n", encoding="utf-8")
    with capture_logs() as logs:
        for _ in range(4):
            watch.check(requested=False)
    assert [line["event"] for line in logs] == ["configuration refused"]
    status = services.plugins.configuration_status
    assert (status.generation, "upgrade scmhost" in (status.error or "")) == (1, True)
    path.write_text(PLUGINS_TOML, encoding="utf-8")
    for _ in range(2):
        watch.check(requested=False)
    assert services.plugins.configuration_status.error is None
