"""The examples in docs/versions.md."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from hosting import candidate, host_of, report_of
from manual import blocks, page, write_files
from scmhost.plugins import PluginHost
from scmhost.plugins.discovery import stated_range
from scmhost.sdk import API_VERSION, PROMISES

PAGE = page("docs/versions.md")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's files, where they can be imported."""
    write_files(PAGE, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def notes_of(host: PluginHost) -> tuple[str, ...]:
    """What the list of plugins notes beside the page's plugin."""
    return report_of(host, "later").notes


def test_a_plugin_for_a_later_contract_runs_today() -> None:
    """What this host does not know is left out, and noted."""
    with host_of({"later": "gitbox_later"}) as host:
        assert report_of(host, "later").state == "ready"
        no_hook, no_argument = notes_of(host)
    assert (f"API {API_VERSION} has no such hook" in no_hook, "passes no 'region'" in no_argument) == (True, True)


def test_the_stated_range_is_read() -> None:
    """The keywords of the page are a range that this host is in."""
    project = next(block.text for block in blocks(PAGE) if block.name == "pyproject.toml")
    keywords = ",".join(tomllib.loads(project)["project"]["keywords"])
    assert stated_range(keywords) == ">=1.1,<2"


def test_what_is_deprecated_is_noted_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lists the plugins sees what will go, and where it is used."""
    going = {"deprecated": "since 1.1, goes in 2.0; write scm_begin", "old_arguments": {"settings": "take scm_begin's"}}
    for hook in ("scm_startup", "scm_source_url"):
        monkeypatch.setitem(PROMISES, hook, replace(PROMISES[hook], **going))
    assert candidate("good_forge").value == "plugins.good_forge"
    with host_of({"good_forge": "plugins.good_forge", "later": "gitbox_later"}) as host:
        told = [*notes_of(host), *report_of(host, "good_forge").notes]
    assert [text for text in told if "the hook is deprecated: since 1.1, goes in 2.0" in text and ".py:" in text] == [
        told[0] if "deprecated" in told[0] else told[1],
        told[-1],
    ]


def test_the_page_knows_whether_anything_is_deprecated() -> None:
    """The page says that nothing is, for as long as that is so."""
    old = [name for name, promise in PROMISES.items() if promise.deprecated or promise.old_arguments]
    assert ("Nothing is deprecated now." in PAGE) is (old == [])
