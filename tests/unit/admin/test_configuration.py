"""Editing plugins.toml, with its audit entry."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, open_api
from scmhost.admin import configuration
from scmhost.admin.configuration import (
    ConfigurationEdit,
    change_details,
    changed_keys,
    edit_configuration,
    unknown_organizations,
)
from scmhost.app import operating_user
from scmhost.audit.queries import AuditEntry, list_entries
from scmhost.infra.errors import Unavailable
from scmhost.infra.paging import PageQuery
from scmhost.organizations.create import create_organization, list_organizations
from scmhost.plugins import ConfigError, Settings
from scmhost.plugins.config.editing import PluginEdit
from scmhost.plugins.config.reading import settings_of
from scmhost.services import Services
from statement_count import recorded_statements


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with open_api(tmp_path, background=False) as api:
        yield api.services.for_actor(operating_user())


def settings(text: str) -> Settings:
    return settings_of(text.encode(), "plugins.toml", {})


def edit(path: Path, change: PluginEdit, services: Services | None, plugin: str = "custom_scm") -> ConfigurationEdit:
    return edit_configuration(path, plugin, change, partial(settings_of, file=str(path), environ={}), services)


def entries(services: Services) -> list[AuditEntry]:
    return list(list_entries(services, None, PageQuery()).items)


def test_edit_writes_the_file_and_one_entry(services: Services, tmp_path: Path) -> None:
    """The entry has the user, the digests of both files, and the changed keys with both values."""
    path = tmp_path / "plugins.toml"
    done = edit(path, PluginEdit(kill=True, deny=("rival",)), services)
    changes = [
        "plugins.custom_scm.deny.organizations: [] -> [rival]",
        "plugins.custom_scm.kill: false -> true",
    ]
    assert list(done.changes) == changes
    assert settings(path.read_text(encoding="utf-8")).of("custom_scm").kill
    [entry] = entries(services)
    assert (entry.action, entry.target) == ("configuration.change", str(path))
    assert (entry.actor.kind, entry.actor.name) == ("user", getpass.getuser())
    assert entry.details == {
        "before": done.before.source.sha256,
        "after": done.after.source.sha256,
        "changes": changes,
    }


def test_edit_without_effect_writes_nothing(services: Services, tmp_path: Path) -> None:
    """The file keeps its time, and there is no entry."""
    path = tmp_path / "plugins.toml"
    before = path.stat().st_mtime_ns
    assert edit(path, PluginEdit(enabled=True, allow=("acme",)), services).changes == ()
    assert (path.stat().st_mtime_ns, entries(services)) == (before, [])


def test_edit_creates_a_missing_file(services: Services, tmp_path: Path) -> None:
    """The first edit creates a valid file; its entry has no digest before it, only that of an empty file."""
    path = tmp_path / "new.toml"
    done = edit(path, PluginEdit(enabled=True), services)
    assert settings(path.read_text(encoding="utf-8")).enables("custom_scm")
    assert (done.before.plugins, len(entries(services))) == ({}, 1)


def test_edit_without_a_database_writes_the_file(tmp_path: Path) -> None:
    """Turning a plugin off does not need the audit log."""
    path = tmp_path / "plugins.toml"
    path.write_text(PLUGINS_TOML, encoding="utf-8")
    done = edit(path, PluginEdit(enabled=False), None)
    assert done.changes == ("plugins.custom_scm.enabled: true -> false",)
    assert not settings(path.read_text(encoding="utf-8")).enables("custom_scm")


def test_file_stays_unchanged_when_the_entry_cannot_be_saved(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file and its entry are written together; no temporary file is left."""

    def away() -> Any:
        raise Unavailable("the database is down")

    monkeypatch.setattr(services.store, "write", away, raising=False)
    path = tmp_path / "plugins.toml"
    files = sorted(tmp_path.iterdir())
    with pytest.raises(Unavailable):
        edit(path, PluginEdit(kill=True), services)
    assert (path.read_text(encoding="utf-8"), sorted(tmp_path.iterdir())) == (PLUGINS_TOML, files)


def test_transaction_holds_one_insert_only(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Organizations are not read, and settings are not compared, while the write transaction is open."""
    for number in range(20):
        create_organization(services, f"tenant-{number}")
    statements: list[str] = []
    compared: list[bool] = []
    is_open = False
    original = services.store.write

    @contextmanager
    def write() -> Iterator[Any]:
        nonlocal is_open
        with original() as tx, recorded_statements(services.store) as sent:
            is_open = True
            yield tx
            is_open = False
        statements.extend(sent)

    def details(before: Settings, after: Settings) -> Any:
        compared.append(is_open)
        return change_details(before, after)

    monkeypatch.setattr(services.store, "write", write, raising=False)
    monkeypatch.setattr(configuration, "change_details", details)
    edit(tmp_path / "plugins.toml", PluginEdit(percent=Decimal("12.5")), services)
    begin, next_id, insert = statements
    assert (begin, next_id[:22], insert[:25]) == (
        "BEGIN IMMEDIATE",
        "UPDATE audit_id_series",
        "INSERT INTO audit_entries",
    )
    assert compared == [False]


@pytest.mark.parametrize(
    ("text", "plugin", "message"),
    [
        ("schema = 1\nenabled = maybe\n", "custom_scm", "this is not TOML"),
        ("[plugins.custom_scm]\nenabeld = true\n", "custom_scm", "did you mean 'enabled'?"),
        ("schema = 2\n", "custom_scm", "upgrade scmhost"),
        ('plugins = "none"\n', "custom_scm", "plugins"),
    ],
)
def test_invalid_file_is_refused_and_stays(
    services: Services, tmp_path: Path, text: str, plugin: str, message: str
) -> None:
    """A file that is invalid before the edit is not changed, and the error names its line or key."""
    path = tmp_path / "plugins.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        edit(path, PluginEdit(enabled=True), services, plugin)
    assert (path.read_text(encoding="utf-8"), entries(services)) == (text, [])


def test_edit_with_an_invalid_result_is_refused(services: Services, tmp_path: Path) -> None:
    """A percentage that the schema does not allow changes nothing."""
    path = tmp_path / "plugins.toml"
    with pytest.raises(ConfigError, match="percent"):
        edit(path, PluginEdit(percent=Decimal(101)), services)
    assert (path.read_text(encoding="utf-8"), entries(services)) == (PLUGINS_TOML, [])


def test_missing_folder_is_refused(services: Services, tmp_path: Path) -> None:
    """A file cannot be created in a folder that does not exist."""
    with pytest.raises(ConfigError, match="cannot be written"):
        edit(tmp_path / "none" / "plugins.toml", PluginEdit(enabled=True), services)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("", "", []),
        ("", "[plugins.x]\nenabled = true\n", ["plugins.x.enabled: nothing -> true"]),
        ("[plugins.x]\norder = 5\n", "", ["plugins.x.order: 5 -> nothing"]),
        ("[plugins.x]\norder = 5\n", "[plugins.x]\n", ["plugins.x.order: 5 -> 100"]),
        ("", '[host]\ndatabase_url = "sqlite:///secret"\n', ["host.database_url"]),
        ("", '[plugins.x.settings]\ntoken = "secret"\n', ["plugins.x.settings.token"]),
        ('[plugins.x.settings]\na = "secret"\n', "[plugins.x.settings.a]\n", ["plugins.x.settings.a"]),
        ("", "[limits]\npage_size = 50\n", ["limits.page_size: 100 -> 50"]),
        ("", '[flags_provider]\nprovider = "acme"\nsettings = { key = "secret" }\n', None),
    ],
)
def test_changed_keys_have_both_values(before: str, after: str, changes: list[str] | None) -> None:
    """Each changed key has both values; a value that may be secret is left out."""
    found = list(changed_keys(settings(before), settings(after)))
    assert changes is None or found == changes
    assert "secret" not in str(found)


def test_details_have_no_counts_of_organizations() -> None:
    """An entry describes the file and not its effects, which ``plugins diff`` computes on demand."""
    assert sorted(change_details(settings(""), settings("[plugins.x]\nkill = true\n"))) == [
        "after",
        "before",
        "changes",
    ]


def test_organizations_by_slug_and_id(services: Services) -> None:
    """A slug and an id name the same organization; what is neither is returned."""
    [acme] = list_organizations(services)
    assert unknown_organizations(services, ["acme", acme.id, "acmi", 999, ""]) == ["acmi", "999", ""]
