"""Editing plugins.toml: only the edited keys change, and readers see the old file or the new one."""

import re
import stat
import tomllib
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.plugins import ConfigError
from scmhost.plugins.config.editing import PluginEdit, edited, exclusive_writer, replacement_file
from scmhost.plugins.config.reading import settings_of

EDITS = st.builds(
    PluginEdit,
    enabled=st.none() | st.booleans(),
    kill=st.none() | st.booleans(),
    default=st.none() | st.booleans(),
    percent=st.none() | st.decimals(min_value=0, max_value=100, places=3),
    allow=st.lists(st.sampled_from(["acme", "o'hara", 42]), max_size=2, unique=True).map(tuple),
)
MADE: dict[str, Any] = {"allow": tuple, "deny": tuple, "percent": lambda value: Decimal(str(value))}
LAYOUTS = [case["before"] for case in load_cases("edits") if "refused" not in case]


@pytest.mark.parametrize("case", load_cases("edits"), ids=case_id)
def test_edit_keeps_what_people_wrote(case: dict[str, Any]) -> None:
    """Comments, order and spacing stay; a layout that cannot be edited is refused with the next step."""
    edit = PluginEdit(**{name: MADE.get(name, bool)(value) for name, value in case["edit"].items()})
    if "refused" in case:
        with pytest.raises(ConfigError, match=re.escape(case["refused"])):
            edited(case["before"], "plugins.toml", "forge", edit)
    else:
        assert edited(case["before"], "plugins.toml", "forge", edit) == case["after"]


@given(layout=st.sampled_from(LAYOUTS), edit=EDITS)
def test_edit_has_its_effect_in_every_layout(layout: str, edit: PluginEdit) -> None:
    """In every layout the settings have the new values, comments stay, and a second edit changes nothing."""
    text = edited(layout, "plugins.toml", "forge", edit)
    table = settings_of(text.encode(), "plugins.toml", {}).of("forge")
    changed = {name: getattr(edit, name) for name in ("enabled", "kill", "default") if getattr(edit, name) is not None}
    assert {name: getattr(table, name) for name in changed} == changed
    assert edit.percent is None or (table.rollout is not None and table.rollout.percent == edit.percent)
    assert all(table.allow.name(str(name), name if isinstance(name, int) else 0) for name in edit.allow)
    assert [line for line in re.findall("#.*", layout) if line not in text] == []
    assert edited(text, "plugins.toml", "forge", edit) == text


@given(layout=st.sampled_from(LAYOUTS), edit=EDITS)
def test_edit_touches_no_other_table(layout: str, edit: PluginEdit) -> None:
    """The values of all other tables stay the same."""
    before, after = tomllib.loads(layout), tomllib.loads(edited(layout, "plugins.toml", "forge", edit))
    for tree in (before, after):
        tree.setdefault("schema", 1)
        tree.setdefault("plugins", {}).pop("forge", None)
    assert before == after


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def replace(path: Path, content: bytes) -> None:
    """Write a file as the commands do."""
    with exclusive_writer(path) as target, replacement_file(target, content) as beside:
        beside.replace(target)


def test_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    """The mode of the file stays; a new file is readable by all."""
    path = tmp_path / "plugins.toml"
    replace(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o640)
    replace(path, b"two")
    assert (stat.S_IMODE(path.stat().st_mode), path.read_bytes()) == (0o640, b"two")
    assert names(tmp_path) == ["plugins.toml"]


def test_link_stays_a_link(tmp_path: Path) -> None:
    """A file that is reached through a symbolic link is replaced where it is."""
    real, link = tmp_path / "real.toml", tmp_path / "plugins.toml"
    real.write_bytes(b"one")
    link.symlink_to(real)
    replace(link, b"two")
    assert (link.is_symlink(), real.read_bytes()) == (True, b"two")


def test_failure_leaves_no_trace(tmp_path: Path) -> None:
    """If an error occurs between writing and replacing, only the old file is left."""
    path = tmp_path / "plugins.toml"
    path.write_bytes(b"one")
    with pytest.raises(RuntimeError), exclusive_writer(path) as target, replacement_file(target, b"two"):
        raise RuntimeError
    assert (path.read_bytes(), names(tmp_path)) == (b"one", ["plugins.toml"])


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ConfigError, match=r"plugins\.toml: the file cannot be written \(No such file"):
        replace(tmp_path / "nowhere" / "plugins.toml", b"")


def test_writers_take_turns(tmp_path: Path) -> None:
    """Concurrent writers do not lose each other's lines."""
    path = tmp_path / "plugins.toml"
    path.write_bytes(b"")

    def add(number: int) -> None:
        line = b"%d\n" % number
        with exclusive_writer(path) as target, replacement_file(target, target.read_bytes() + line) as beside:
            beside.replace(target)

    writers = [Thread(target=add, args=(number,)) for number in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(map(int, path.read_text().split())) == list(range(20))
