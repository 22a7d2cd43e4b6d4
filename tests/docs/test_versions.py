"""The examples in docs/versions.md."""

import tomllib
from pathlib import Path

import pytest

from hosting import host_of, report_of
from pages import blocks, page, write_files
from scmhost.plugins import PluginHost
from scmhost.sdk import API_VERSION
from scmhost.sdk.validation import stated_range

PAGE = page("docs/versions.md")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the page's files to a folder from which they can be imported."""
    write_files(PAGE, tmp_path)
    monkeypatch.syspath_prepend(tmp_path)


def notes_of(host: PluginHost) -> tuple[str, ...]:
    """Return the notes on the page's plugin in the list of plugins."""
    return report_of(host, "later").notes


def test_a_plugin_for_a_later_contract_runs_today() -> None:
    """The host ignores unknown hooks and arguments, and notes them."""
    with host_of({"later": "gitbox_later"}) as host:
        assert report_of(host, "later").state == "ready"
        no_hook, no_argument = notes_of(host)
    assert (f"API {API_VERSION} has no such hook" in no_hook, "passes no 'region'" in no_argument) == (True, True)


def test_the_stated_range_is_read() -> None:
    """The keywords on the page are read as the range of versions."""
    project = next(block.text for block in blocks(PAGE) if block.name == "pyproject.toml")
    keywords = ",".join(tomllib.loads(project)["project"]["keywords"])
    assert stated_range(keywords) == ">=1.1,<2"
