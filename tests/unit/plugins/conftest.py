"""Fixtures of the plugin host's tests."""

from pathlib import Path

import pytest

from plugins import flag_services
from scmhost.plugins.flags_provider import GROUP


@pytest.fixture
def flag_entry_points(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed distribution whose entry points are the flags providers of ``flag_services``, by their names."""
    folder = tmp_path_factory.mktemp("installed")
    info = folder / "acme_flags-1.dist-info"
    info.mkdir()
    names = [name for name in vars(flag_services) if callable(getattr(flag_services, name))]
    points = "\n".join(f"{name} = plugins.flag_services:{name}" for name in (*names, "missing"))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-flags\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
    monkeypatch.syspath_prepend(folder)
    return folder
