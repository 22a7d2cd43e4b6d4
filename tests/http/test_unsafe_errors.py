"""The text of a plugin's exception is safe and short wherever it is shown."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from api import PLUGINS_TOML, ApiClient, open_api
from hosting import candidate, logged
from plugins.unsafe_errors import UnsafeError, UnsafeRefusal
from scmhost.admin import background
from scmhost.admin.configuration import ConfigurationAudit, ConfigurationWatch
from scmhost.admin.doctor import run_checks
from scmhost.audit.queries import list_entries
from scmhost.infra.db import jobs
from scmhost.infra.paging import PageQuery
from scmhost.plugins import PluginHost, read_settings

KINDS = ("surrogates", "huge", "raising")
LONGEST = 10_000
ENABLED = "[plugins.unsafe]\nenabled = true\ndefault = true\n"


@contextmanager
def unsafe(folder: Path, entry: str, more: str = "") -> Iterator[ApiClient]:
    """A host with one of the plugins; its log lines are checked at the end."""
    text = f"{PLUGINS_TOML}{ENABLED}breaker = {{ faults = 1 }}\n{more}"
    plugin = candidate("unsafe", f"plugins.unsafe_errors:{entry}")
    with logged() as foreign, capture_logs() as own:
        with open_api(folder, text, more=[plugin], background=False) as api:
            yield api
        for line in (*foreign, *own):
            check({name: value for name, value in line.items() if name != "exc_info"})


def check(value: Any) -> None:
    """Assert that all texts in a value can be encoded, have no control characters, and are short."""
    if isinstance(value, list):
        for item in value:
            check(item)
        return
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    text.encode()
    assert len(text) < LONGEST
    assert [mark for mark in text if ord(mark) < 0x20 and mark not in "\n\t"] == []


def install_fault(folder: Path, kind: str) -> Any:
    """A hook raises: the answer names the plugin."""
    with unsafe(folder, "offers_huge") as api:
        answer = api.post("integrations/", {"provider": "unsafe", "fail": kind})
        assert (answer.status_code, "UnsafeError" in answer.text) == (502, True)
        return answer.json()


def refusal(folder: Path, kind: str) -> Any:
    """A hook raises an error of the contract: the answer has its text."""
    with unsafe(folder, f"offers_{kind}") as api:
        installation = api.post("integrations/", {"provider": "unsafe"}).json()["id"]
        answer = api.get(f"integrations/{installation}/repos/")
        assert answer.status_code == 403
        return answer.json()


def form_error(folder: Path, kind: str) -> Any:
    """The validator of an install form raises: the answer is the map of fields, or names the plugin."""
    with unsafe(folder, "offers_huge") as api:
        answer = api.post("integrations/", {"provider": "unsafe", "invalid": kind})
        assert answer.status_code in (400, 502)
        return answer.json()


def suspension(folder: Path, kind: str) -> Any:
    """A suspended hook shows its last fault, in the list and to the doctor."""
    with unsafe(folder, "offers_huge") as api:
        api.post("integrations/", {"provider": "unsafe", "fail": kind})
        shown = api.get("/api/0/plugins/unsafe/").json()
        assert (shown["state"], len(shown["suspensions"])) == ("suspended", 1)
        return [shown, *(finding.described() for finding in run_checks(api.services))]


def broken_plugin(folder: Path, kind: str, entry: str) -> Any:
    """A plugin that fails at its start is listed with the reason, in the list and by the doctor."""
    with unsafe(folder, f"{entry}_{kind}") as api:
        shown = api.get("/api/0/plugins/unsafe/").json()
        findings = [finding.described() for finding in run_checks(api.services)]
        assert (shown["state"], findings[0]["subject"]) == ("broken", "plugin unsafe")
        return [shown, api.get("/api/0/plugins/").json(), *findings]


def refused_settings(folder: Path, kind: str) -> Any:
    """A plugin's model rejects settings: the report at the start, and the status of a changed file."""
    settings = f'[plugins.unsafe.settings]\ninvalid = "{kind}"\n'
    with unsafe(folder, "offers_huge", settings) as api:
        shown = api.get("/api/0/plugins/unsafe/").json()
        assert shown["state"] == "broken"
    with unsafe(folder, "offers_huge") as api:
        path = folder / "plugins.toml"
        path.write_text(path.read_text(encoding="utf-8") + settings, encoding="utf-8")
        watch = ConfigurationWatch(
            api.services, path, partial(read_settings, path, {}), ConfigurationAudit(api.services)
        )
        watch.check(requested=True)
        status = api.services.plugins.configuration_status
        assert status.error is not None
        return [shown, status.error]


def failed_job(folder: Path, kind: str) -> Any:
    """A job raises: its last fault is stored, and the doctor shows it."""
    error = UnsafeRefusal(kind) if kind == "raising" else UnsafeError(kind)

    def handler(*_: object) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch, unsafe(folder, "offers_huge") as api:
        patch.setattr(background, "_HANDLERS", {"unsafe": handler})
        now = api.services.clock.now()
        with api.services.store.write() as tx:
            jobs.put(tx, api.there.organization.id, "unsafe", "1", {}, now)
        background.run_due_jobs(api.services)
        with api.services.store.read() as tx:
            [job] = jobs.with_key_prefix(tx, api.there.organization.id, "unsafe", "")
        assert (job.fault or "").startswith("Unsafe")
        with api.services.store.write() as tx:
            jobs.fail(tx, job, job.fault or "")
        return [job.fault, *(finding.described() for finding in run_checks(api.services))]


PLACES: dict[str, Callable[[Path, str], Any]] = {
    "a fault in an HTTP answer": install_fault,
    "a refusal in an HTTP answer": refusal,
    "a form's error in an HTTP answer": form_error,
    "plugins show and doctor, suspended": suspension,
    "plugins list and doctor, broken": partial(broken_plugin, entry="start"),
    "plugins list and doctor, refused": partial(broken_plugin, entry="refused"),
    "settings": refused_settings,
    "jobs and doctor": failed_job,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", PLACES)
def test_text_of_a_plugins_exception_is_safe(tmp_path: Path, place: str, kind: str) -> None:
    """Surrogates are escaped, megabytes are cut, and a text that cannot be read is replaced, also in the log."""
    check(PLACES[place](tmp_path, kind))


def test_audit_entry_of_a_change_is_safe(tmp_path: Path) -> None:
    """A control character in the file, which databases reject, does not prevent the entry."""
    with open_api(tmp_path, background=False) as api:
        path = tmp_path / "plugins.toml"
        before = api.services.plugins.settings
        path.write_text(PLUGINS_TOML.replace('["acme"] }', '["acme", "a\\u0000b"] }'), encoding="utf-8")
        audit = ConfigurationAudit(api.services)
        audit.add_change(before, read_settings(path, {}), 1)
        audit.save_pending()
        [entry] = list_entries(api.services, None, PageQuery()).items
        check(dict(entry.details))
        assert "\\x00" in json.dumps(entry.details)


def test_opening_a_host_survives_unsafe_errors(tmp_path: Path) -> None:
    """For every error of a plugin's start, it is listed as broken and the host opens."""
    path = tmp_path / "plugins.toml"
    path.write_text(ENABLED, encoding="utf-8")
    for kind in KINDS:
        plugin = candidate("unsafe", f"plugins.unsafe_errors:start_{kind}")
        host = PluginHost.open(read_settings(path, {}), candidates=[plugin])
        host.close()
        assert [report.state for report in host.plugins] == ["broken"]
        check(host.plugins[0].reason)
