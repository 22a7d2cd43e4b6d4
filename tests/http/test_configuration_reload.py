"""The switchboard changes under a running service."""

import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from api import SWITCHBOARD, ApiClient, open_api
from command import scmhost
from hosting import report_of
from installed import install
from scmhost.admin.configuration import SwitchboardWatch
from scmhost.audit.queries import list_entries
from scmhost.infra.errors import Unavailable
from scmhost.infra.paging import PageRequest
from scmhost.plugins import PluginHost, read_settings
from serving import Served, serve

OFF = SWITCHBOARD.replace('allow = { organizations = ["acme"] }', "")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiClient]:
    with open_api(tmp_path, background=False) as opened:
        yield opened


@pytest.fixture
def watch(api: ApiClient, tmp_path: Path) -> SwitchboardWatch:
    path = tmp_path / "plugins.toml"
    read = partial(read_settings, path, {"SCMHOST_DATABASE_URL": f"sqlite:///{tmp_path}/test.db"})
    return SwitchboardWatch(api.services, path, read)


def looked(watch: SwitchboardWatch, times: int = 2) -> list[str]:
    """The events of so many looks."""
    quiet = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        with capture_logs() as logs:
            for _ in range(times):
                watch.look(asked=False)
    finally:
        structlog.configure(wrapper_class=quiet)
    return [line["event"] for line in logs]


def is_on(api: ApiClient) -> bool:
    """Whether the provider is on for the organization, as a request sees it."""
    return api.get("config/integrations/").status_code == 200


def test_new_configuration_is_used_once_stable(api: ApiClient, watch: SwitchboardWatch, tmp_path: Path) -> None:
    """A change counts at the second look that finds it: the first may have come while it was being written."""
    path = tmp_path / "plugins.toml"
    assert (looked(watch), is_on(api)) == ([], True)
    path.write_text("", encoding="utf-8")
    assert (watch.look(asked=False), is_on(api)) == (True, True)
    path.write_text(OFF, encoding="utf-8")
    assert (watch.look(asked=False), is_on(api)) == (True, True)
    assert (looked(watch, 1), is_on(api)) == (["switchboard changed"], False)
    assert looked(watch, 5) == []


@pytest.mark.parametrize(
    ("content", "said"),
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
    api: ApiClient, watch: SwitchboardWatch, tmp_path: Path, content: bytes | None, said: str
) -> None:
    """What cannot be used changes nothing and is told once; the switchboard says what is wrong, and since when."""
    path = tmp_path / "plugins.toml"
    before = api.services.plugins.configuration_status
    path.unlink() if content is None else path.write_bytes(content)
    assert looked(watch, 6) == ["switchboard refused"]
    board = api.services.plugins.configuration_status
    assert said in (board.error or "")
    assert board.stale_since is not None
    assert (board.sha256, board.generation, is_on(api)) == (before.sha256, 1, True)
    path.write_text(SWITCHBOARD, encoding="utf-8")
    assert looked(watch, 6) == ["switchboard good again"]
    assert api.services.plugins.configuration_status == before


def test_each_configuration_error_is_logged_once(watch: SwitchboardWatch, tmp_path: Path) -> None:
    """Another error is another line in the log; the same one again, after it was mended, too."""
    path = tmp_path / "plugins.toml"
    told = []
    for text in ("x = 1\n", "y = 1\n", SWITCHBOARD, "y = 1\n"):
        path.write_text(text, encoding="utf-8")
        told += looked(watch, 3)
    assert told == ["switchboard refused", "switchboard refused", "switchboard good again", "switchboard refused"]


def test_reload_request_reads_the_file(api: ApiClient, watch: SwitchboardWatch, tmp_path: Path) -> None:
    """A look that somebody asks for counts at once, and counts when nothing has changed: plugins are tried again."""
    (tmp_path / "plugins.toml").write_text(OFF, encoding="utf-8")
    assert (watch.look(asked=True), is_on(api)) == (False, False)
    watch.look(asked=True)
    assert api.services.plugins.configuration_status.generation == 3


def test_configuration_file_may_be_created_later(tmp_path: Path) -> None:
    """A service that began without a file takes it once it is there."""
    path = tmp_path / "later.toml"
    with open_api(tmp_path, background=False) as api:
        api.services.plugins.reload(read_settings(None, {}))
        watch = SwitchboardWatch(api.services, path, partial(read_settings, path, {}))
        assert (looked(watch, 3), is_on(api)) == ([], False)
        path.write_text(SWITCHBOARD, encoding="utf-8")
        assert (looked(watch), is_on(api)) == (["switchboard changed"], True)


def test_configuration_change_is_noticed_automatically(
    api: ApiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plugin that is upgraded on disk says so without anybody's doing, once the installation stands still."""
    site, path = tmp_path / "site", tmp_path / "forge.toml"
    install(site, "acme-forge", "forge", "plugins.good_forge")
    monkeypatch.syspath_prepend(str(site))
    path.write_text("[plugins.forge]\nenabled = true\n", encoding="utf-8")
    read = partial(read_settings, path, {})
    plugins = PluginHost.open(read())
    watch = SwitchboardWatch(replace(api.services, plugins=plugins), path, read)
    looked(watch)
    metadata = (site / "acme_forge-1.2.dist-info").rename(site / "acme_forge-1.3.dist-info") / "METADATA"
    metadata.write_text(metadata.read_text(encoding="utf-8").replace("1.2", "1.3"), encoding="utf-8")
    notes = []
    for _ in range(2):
        looked(watch, 1)
        notes.append(report_of(plugins, "forge").notes)
    plugins.close()
    assert notes == [(), ("acme-forge 1.3 is installed by now; restart to run it",)]


def test_disabled_provider_keeps_its_rows(api: ApiClient, watch: SwitchboardWatch, tmp_path: Path) -> None:
    """What belongs to a provider stays readable when its plugin is let go, says why it is idle, and comes back."""
    repository, _ = api.claimed()
    path = f"repos/{repository['id']}/"
    (tmp_path / "plugins.toml").write_text(SWITCHBOARD.replace("enabled = true", "enabled = false"), encoding="utf-8")
    looked(watch)
    shown = api.get(path).json()
    assert (shown["name"], shown["idle"]) == ("team/app", "enabled is not true: the plugin is not loaded")
    (tmp_path / "plugins.toml").write_text(SWITCHBOARD, encoding="utf-8")
    looked(watch)
    assert api.get(path).json()["idle"] is None


def test_change_is_audited_once_for_all_workers(api: ApiClient, watch: SwitchboardWatch, tmp_path: Path) -> None:
    """Every process sees a change, one entry tells of it: what was written, and how many were switched by it."""
    path = tmp_path / "plugins.toml"
    other = SwitchboardWatch(api.services, path, partial(read_settings, path, {}))
    key = "another-key-of-the-operator-that-is-long"
    path.write_text(OFF.replace("an-operator-s-key-of-forty-characters-xx", key), encoding="utf-8")
    looked(watch)
    looked(other)
    entries = list_entries(api.services, None, PageRequest()).items
    assert [(entry.action, entry.actor.kind, entry.target) for entry in entries] == [
        ("switchboard.change", "file", str(path))
    ]
    details = entries[0].details
    assert details["switched"] == {"custom_scm": {"on": 0, "off": 1}}
    assert details["changes"] == ["host.webhook_key", "plugins.custom_scm.allow.organizations: [acme] -> []"]
    assert key not in json.dumps(details)
    path.write_text(SWITCHBOARD, encoding="utf-8")
    looked(watch)
    path.write_text(OFF, encoding="utf-8")
    looked(watch)
    assert len(list_entries(api.services, None, PageRequest()).items) == 3


def changes(api: ApiClient) -> list[tuple[Any, Any, Any]]:
    """What the audit log has of the switchboard, the oldest first: the digests, and the changes."""
    entries = list_entries(api.services, None, PageRequest()).items
    details = [entry.details for entry in reversed(entries)]
    return [(each["before"], each["after"], each["changes"]) for each in details]


def test_change_made_while_stopped_is_audited(api: ApiClient, tmp_path: Path) -> None:
    """At its start a process compares the file with what was noted last; all processes agree on one entry."""
    path = tmp_path / "plugins.toml"
    read = partial(read_settings, path, {})
    digests = []
    for text in (SWITCHBOARD, OFF, SWITCHBOARD):
        path.write_text(text, encoding="utf-8")
        # The same old time each time, as of a file that is put back from a copy.
        os.utime(path, (1_700_000_000, 1_700_000_000))
        api.services.plugins.reload(read())
        for _ in range(2):
            looked(SwitchboardWatch(api.services, path, read))
        digests.append(api.services.plugins.configuration_status.sha256)
    unseen = ["not known: it was written while no service saw it"]
    assert changes(api) == [
        (None, digests[0], ["seen for the first time"]),
        (digests[0], digests[1], unseen),
        (digests[1], digests[2], unseen),
    ]


def test_audit_waits_for_the_database(
    api: ApiClient, watch: SwitchboardWatch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A switch does not wait for the database; what is to be noted of it is noted when the database is back."""

    def away() -> Any:
        raise Unavailable("the database is away")

    (tmp_path / "plugins.toml").write_text(OFF, encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(api.services.store, "read", away, raising=False)
        assert looked(watch) == ["switchboard changed", "audit postponed"]
        assert api.services.plugins.configuration_status.generation == 2
    assert looked(watch, 1) == []
    assert len(list_entries(api.services, None, PageRequest()).items) == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = f'schema = 1\n[host]\ndatabase_url = "sqlite:///{tmp_path}/served.db"\n'
    rules = "# The forge.\n[plugins.custom_scm]\nenabled = true   # loaded\ndefault = true\n"
    (tmp_path / "plugins.toml").write_text(text + rules, encoding="utf-8")
    return tmp_path


def within(seconds: float, check: Callable[[], bool]) -> bool:
    """Whether something becomes true within a time."""
    end = monotonic() + seconds
    while monotonic() < end:
        if check():
            return True
    return check()


def agreed(served: Served, token: str, expected: int) -> bool:
    """Whether many requests, each on a connection of its own so that all workers answer, are answered alike."""
    for _ in range(8):
        with served.client(token) as client:
            if client.get("/api/0/organizations/acme/config/integrations/").status_code != expected:
                return False
    return True


def test_all_workers_follow_the_file(folder: Path) -> None:
    """Commands, edits by hand and SIGHUP reach every worker of a running service; a mistake reaches none."""
    config = ["--config", folder / "plugins.toml"]
    token = json.loads(scmhost("bootstrap", "--org", "acme", "--project", "web", *config, "--json").out)["token"]
    with serve(folder, workers=2) as served:
        served.keep_reading()
        assert agreed(served, token, 200)
        assert scmhost("plugins", "disable", "custom_scm", *config).code == 0
        assert within(10, lambda: agreed(served, token, 404))
        with (folder / "plugins.toml").open("a", encoding="utf-8") as file:
            file.write("enabled = maybe\n")
        assert within(10, lambda: events(served).count("switchboard refused") == 2)
        assert agreed(served, token, 404)
        text = (folder / "plugins.toml").read_text(encoding="utf-8").replace("enabled = maybe\n", "")
        (folder / "plugins.toml").write_text(text.replace("enabled = false", "enabled = true"), encoding="utf-8")
        assert within(10, lambda: agreed(served, token, 200))
        before = events(served).count("switchboard changed")
        os.kill(served.process.pid, signal.SIGHUP)
        assert within(10, lambda: events(served).count("switchboard changed") == before + 2)
        assert agreed(served, token, 200)
        assert served.stop() == 0
    assert events(served).count("started") == 2
    assert "enabled = true   # loaded" in (folder / "plugins.toml").read_text(encoding="utf-8")
    entries = json.loads(scmhost("audit", *config, "--json").out)
    assert [entry["actor"]["kind"] for entry in entries] == ["file", "user", "file"]
    assert entries[-1]["data"]["changes"] == ["seen for the first time"]


def events(served: Served) -> list[str]:
    """What the log tells of."""
    return [line.get("event", "") for line in served.log]
