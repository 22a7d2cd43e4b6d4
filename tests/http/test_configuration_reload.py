"""plugins.toml changes while the service runs."""

import json
import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from api import PLUGINS_TOML, ApiClient, open_api
from command import scmhost
from hosting import report_of
from installed import install
from scmhost.admin.configuration import ConfigurationAudit, ConfigurationWatch
from scmhost.audit.queries import list_entries
from scmhost.infra.db.errors import StoreError
from scmhost.infra.errors import Unavailable
from scmhost.infra.loops import Loop, Loops
from scmhost.infra.paging import PageQuery
from scmhost.plugins import PluginHost, read_settings
from scmhost.services import Services
from serving import Served, serve

KILLED = PLUGINS_TOML.replace("enabled = true", "enabled = true\nkill = true")
OFF = PLUGINS_TOML.replace('allow = { organizations = ["acme"] }', "")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    with open_api(tmp_path, background=False) as opened:
        yield opened


class Watch:
    """Both loops of a process, run by hand: one applies changes, the other saves their audit entries."""

    def __init__(self, services: Services, path: Path, environ: Mapping[str, str] = MappingProxyType({})) -> None:
        self.audit = ConfigurationAudit(services)
        self.configuration = ConfigurationWatch(services, path, partial(read_settings, path, environ), self.audit)

    def check(self, *, requested: bool = False) -> bool:
        again = self.configuration.check(requested)
        self.audit.save_pending()
        return again


@pytest.fixture
def watch(api: ApiClient, tmp_path: Path) -> Watch:
    environ = {"SCMHOST_DATABASE_URL": f"sqlite:///{tmp_path}/test.db"}
    return Watch(api.services, tmp_path / "plugins.toml", environ)


def events_of(watch: Watch, times: int = 2) -> list[str]:
    """Return the log events of some checks."""
    quiet = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        with capture_logs() as logs:
            for _ in range(times):
                watch.check()
    finally:
        structlog.configure(wrapper_class=quiet)
    return [line["event"] for line in logs]


def is_on(api: ApiClient) -> bool:
    """Return whether the provider is on for the organization, as a request finds it."""
    return api.get("config/integrations/").status_code == 200


def is_off(api: ApiClient) -> bool:
    return not is_on(api)


def test_new_configuration_is_used_once_stable(api: ApiClient, watch: Watch, tmp_path: Path) -> None:
    """A change is applied by the second check that reads it: the first may have read a half-written file."""
    path = tmp_path / "plugins.toml"
    assert (events_of(watch), is_on(api)) == ([], True)
    path.write_text("", encoding="utf-8")
    assert (watch.check(), is_on(api)) == (True, True)
    path.write_text(OFF, encoding="utf-8")
    assert (watch.check(), is_on(api)) == (True, True)
    assert (events_of(watch, 1), is_on(api)) == (["configuration changed"], False)
    assert events_of(watch, 5) == []


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"schema = 1\nenabled = maybe\n", "plugins.toml:2: this is not TOML"),
        (b"schema = 1\n[plugins.custom_scm]\nenabeld = true\n", "did you mean 'enabled'?"),
        (b"schema = 2\n", "upgrade scmhost"),
        (b"\xff", "this is not UTF-8"),
        (
            b"[plugins.custom_scm]\nenabled = true\n[plugins.custom_scm.settings]\nx = 1\n",
            "plugins.custom_scm.settings.x",
        ),
        (b'[flags_provider]\nprovider = "nobody"\n', "no entry points of the group scmhost.flags are named 'nobody'"),
        (None, "the file cannot be read"),
    ],
)
def test_last_valid_configuration_stays_in_use(
    api: ApiClient, watch: Watch, tmp_path: Path, content: bytes | None, error: str
) -> None:
    """An invalid file changes nothing and is logged once; the status has the error and the time."""
    path = tmp_path / "plugins.toml"
    before = api.services.plugins.configuration_status
    path.unlink() if content is None else path.write_bytes(content)
    assert events_of(watch, 6) == ["configuration refused"]
    status = api.services.plugins.configuration_status
    assert error in (status.error or "")
    assert status.stale_since is not None
    assert (status.sha256, status.generation, is_on(api)) == (before.sha256, 1, True)
    path.write_text(PLUGINS_TOML, encoding="utf-8")
    assert events_of(watch, 6) == ["configuration valid again"]
    assert api.services.plugins.configuration_status == before


def test_each_configuration_error_is_logged_once(watch: Watch, tmp_path: Path) -> None:
    """A new error is logged again; so is the same error after the file was valid in between."""
    path = tmp_path / "plugins.toml"
    logged = []
    for text in ("x = 1\n", "y = 1\n", PLUGINS_TOML, "y = 1\n"):
        path.write_text(text, encoding="utf-8")
        logged += events_of(watch, 3)
    assert logged == [
        "configuration refused",
        "configuration refused",
        "configuration valid again",
        "configuration refused",
    ]


def test_reload_request_reads_the_file(api: ApiClient, watch: Watch, tmp_path: Path) -> None:
    """A requested check applies the file at once, even if it is unchanged: broken plugins are loaded again."""
    (tmp_path / "plugins.toml").write_text(OFF, encoding="utf-8")
    assert (watch.check(requested=True), is_on(api)) == (False, False)
    watch.check(requested=True)
    assert api.services.plugins.configuration_status.generation == 3


def test_configuration_file_may_be_created_later(tmp_path: Path) -> None:
    """A service that started without a file applies it once it exists."""
    path = tmp_path / "later.toml"
    with open_api(tmp_path, background=False) as api:
        api.services.plugins.reload(read_settings(None, {}))
        watch = Watch(api.services, path)
        assert (events_of(watch, 3), is_on(api)) == ([], False)
        path.write_text(PLUGINS_TOML, encoding="utf-8")
        assert (events_of(watch), is_on(api)) == (["configuration changed"], True)


def test_configuration_change_is_noticed_automatically(
    api: ApiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newly installed version is noted once two checks in a row find it."""
    site, path = tmp_path / "site", tmp_path / "forge.toml"
    install(site, "acme-forge", "forge", "plugins.good_forge")
    monkeypatch.syspath_prepend(str(site))
    path.write_text("[plugins.forge]\nenabled = true\n", encoding="utf-8")
    read = partial(read_settings, path, {})
    plugins = PluginHost.open(read())
    watch = Watch(replace(api.services, plugins=plugins), path)
    events_of(watch)
    metadata = (site / "acme_forge-1.2.dist-info").rename(site / "acme_forge-1.3.dist-info") / "METADATA"
    metadata.write_text(metadata.read_text(encoding="utf-8").replace("1.2", "1.3"), encoding="utf-8")
    notes = []
    for _ in range(2):
        events_of(watch, 1)
        notes.append(report_of(plugins, "forge").notes)
    plugins.close()
    assert notes == [(), ("acme-forge 1.3 is installed by now; restart to run it",)]


def test_disabled_provider_keeps_its_rows(api: ApiClient, watch: Watch, tmp_path: Path) -> None:
    """The rows of a disabled provider stay readable, with the reason why they are idle, until it is enabled again."""
    repository, _ = api.claimed()
    path = f"repos/{repository['id']}/"
    (tmp_path / "plugins.toml").write_text(PLUGINS_TOML.replace("enabled = true", "enabled = false"), encoding="utf-8")
    events_of(watch)
    shown = api.get(path).json()
    assert (shown["name"], shown["idle"]) == ("team/app", "enabled is not true: the plugin is not loaded")
    (tmp_path / "plugins.toml").write_text(PLUGINS_TOML, encoding="utf-8")
    events_of(watch)
    assert api.get(path).json()["idle"] is None


def test_change_is_audited_once_for_all_workers(api: ApiClient, watch: Watch, tmp_path: Path) -> None:
    """All processes apply a change, and one of them saves its entry: the changed keys, without secrets."""
    path = tmp_path / "plugins.toml"
    other = Watch(api.services, path)
    key = "another-key-of-the-operator-that-is-long"
    path.write_text(OFF.replace("an-operator-s-key-of-forty-characters-xx", key), encoding="utf-8")
    events_of(watch)
    events_of(other)
    entries = list_entries(api.services, None, PageQuery()).items
    assert [(entry.action, entry.actor.kind, entry.target) for entry in entries] == [
        ("configuration.change", "file", str(path))
    ]
    details = entries[0].details
    assert sorted(details) == ["after", "before", "changes"]
    assert details["changes"] == ["host.webhook_key", "plugins.custom_scm.allow.organizations: [acme] -> []"]
    assert key not in json.dumps(details)
    path.write_text(PLUGINS_TOML, encoding="utf-8")
    events_of(watch)
    path.write_text(OFF, encoding="utf-8")
    events_of(watch)
    assert len(list_entries(api.services, None, PageQuery()).items) == 3


def changes(api: ApiClient) -> list[tuple[Any, Any, Any]]:
    """Return the digests and the changes of the audit entries, the oldest first."""
    entries = list_entries(api.services, None, PageQuery()).items
    details = [entry.details for entry in reversed(entries)]
    return [(each["before"], each["after"], each["changes"]) for each in details]


def test_change_made_while_stopped_is_audited(api: ApiClient, tmp_path: Path) -> None:
    """At its start a process compares the file with the latest entry; all processes agree on one new entry."""
    path = tmp_path / "plugins.toml"
    read = partial(read_settings, path, {})
    digests = []
    for text in (PLUGINS_TOML, OFF, PLUGINS_TOML):
        path.write_text(text, encoding="utf-8")
        # Always the same old time, like a file that is restored from a copy.
        os.utime(path, (1_700_000_000, 1_700_000_000))
        api.services.plugins.reload(read())
        for _ in range(2):
            events_of(Watch(api.services, path))
        digests.append(api.services.plugins.configuration_status.sha256)
    unseen = ["unknown: the file was changed while no service was running"]
    assert changes(api) == [
        (None, digests[0], ["seen for the first time"]),
        (digests[0], digests[1], unseen),
        (digests[1], digests[2], unseen),
    ]


def test_kill_is_applied_with_tables_of_an_older_version(api: ApiClient, watch: Watch, tmp_path: Path) -> None:
    """Without the table of audit entries a change is applied; its entry stays pending, and the fault is raised."""
    api.services.store.downgrade("0003")
    (tmp_path / "plugins.toml").write_text(KILLED, encoding="utf-8")
    for _ in range(2):
        watch.configuration.check(requested=False)
    assert api.services.plugins.configuration_status.generation == 2
    assert api.services.plugins.decide("custom_scm", api.there.organization).rule == "kill"
    with pytest.raises(StoreError):
        watch.audit.save_pending()
    assert watch.audit.pending == 1
    api.services.store.migrate()
    watch.audit.save_pending()
    assert (watch.audit.pending, len(list_entries(api.services, None, PageQuery()).items)) == (0, 1)


def test_kill_is_applied_while_audit_entries_fail(
    api: ApiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running service applies each change while every audit entry raises, and reports no stuck loop for it."""

    def broken() -> Any:
        raise RuntimeError("no audit today")

    monkeypatch.setattr(api.services.store, "write", broken, raising=False)
    api.host.watch(tmp_path / "plugins.toml")
    for text, on in ((KILLED, False), (PLUGINS_TOML, True), (KILLED, False)):
        (tmp_path / "plugins.toml").write_text(text, encoding="utf-8")
        assert within(10, partial(is_on, api) if on else partial(is_off, api))
    assert api.client.get("/readyz").json()["stuck"] == []


def test_stuck_configuration_loop_makes_the_process_unready(api: ApiClient, tmp_path: Path) -> None:
    """A process that cannot apply changes, or cannot save their entries, is named by the loop that fails."""
    times = iter([0.0, 0.0, 1_000.0])
    audit = ConfigurationAudit(api.services)
    loop = Loop("configuration audit", audit.save_pending, seconds=0.5, monotonic=lambda: next(times))
    api.services.shared(Loops).add(loop)
    api.services.store.downgrade("0003")
    settings = read_settings(tmp_path / "plugins.toml", {})
    audit.add_change(settings, settings, 1)
    with capture_logs() as logs:
        assert loop.round(woken=False) == 1.0
    assert [line["event"] for line in logs] == ["loop failed"]
    times = iter([1_000.0])
    [stuck] = api.client.get("/readyz").json()["stuck"]
    assert stuck == "configuration audit failed once with StoreError; the log has details"


def test_audit_waits_for_the_database(
    api: ApiClient, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change is applied while the database is down; its entry is saved when the database works again."""

    def away() -> Any:
        raise Unavailable("the database is away")

    (tmp_path / "plugins.toml").write_text(OFF, encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(api.services.store, "read", away, raising=False)
        assert events_of(watch) == ["configuration changed", "audit postponed"]
        assert api.services.plugins.configuration_status.generation == 2
    assert events_of(watch, 1) == []
    assert len(list_entries(api.services, None, PageQuery()).items) == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = f'schema = 1\n[host]\ndatabase_url = "sqlite:///{tmp_path}/served.db"\n'
    rules = "# The forge.\n[plugins.custom_scm]\nenabled = true   # loaded\ndefault = true\n"
    (tmp_path / "plugins.toml").write_text(text + rules, encoding="utf-8")
    return tmp_path


def within(seconds: float, check: Callable[[], bool]) -> bool:
    """Return whether a condition becomes true in time."""
    end = monotonic() + seconds
    while monotonic() < end:
        if check():
            return True
    return check()


def agreed(served: Served, token: str, expected: int) -> bool:
    """Return whether many requests, on connections of their own so that all workers answer, have this status."""
    for _ in range(8):
        with served.client(token) as client:
            if client.get("/api/0/organizations/acme/config/integrations/").status_code != expected:
                return False
    return True


def test_all_workers_follow_the_file(folder: Path) -> None:
    """Commands, edits by hand and SIGHUP reach every worker of a running service; an invalid file reaches none."""
    config = ["--config", folder / "plugins.toml"]
    token = json.loads(scmhost("bootstrap", "--org", "acme", "--project", "web", *config, "--json").out)["token"]
    with serve(folder, workers=2) as served:
        served.keep_reading()
        assert agreed(served, token, 200)
        assert scmhost("plugins", "disable", "custom_scm", *config).code == 0
        assert within(10, lambda: agreed(served, token, 404))
        with (folder / "plugins.toml").open("a", encoding="utf-8") as file:
            file.write("enabled = maybe\n")
        assert within(10, lambda: events(served).count("configuration refused") == 2)
        assert agreed(served, token, 404)
        text = (folder / "plugins.toml").read_text(encoding="utf-8").replace("enabled = maybe\n", "")
        # As an editor saves: a worker must not read the file while it is half written.
        (folder / "edited").write_text(text.replace("enabled = false", "enabled = true"), encoding="utf-8")
        (folder / "edited").replace(folder / "plugins.toml")
        assert within(10, lambda: agreed(served, token, 200))
        before = events(served).count("configuration changed")
        os.kill(served.process.pid, signal.SIGHUP)
        assert within(10, lambda: events(served).count("configuration changed") == before + 2)
        assert agreed(served, token, 200)
        assert served.stop() == 0
    assert events(served).count("started") == 2
    assert "enabled = true   # loaded" in (folder / "plugins.toml").read_text(encoding="utf-8")
    entries = json.loads(scmhost("audit", *config, "--json").out)
    assert [entry["actor"]["kind"] for entry in entries] == ["file", "user", "file"]
    assert entries[-1]["data"]["changes"] == ["seen for the first time"]


def events(served: Served) -> list[str]:
    """Return the events of the log."""
    return [line.get("event", "") for line in served.log]
