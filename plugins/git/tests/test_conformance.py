"""Git keeps the plugin contract, with a real repository."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scmhost.sdk.testing import ConformanceRun, ProviderConformance, Samples
from scmhost_git import plugin


@pytest.fixture(scope="module", autouse=True)
def clone() -> Iterator[None]:
    """The operator's folder with one repository."""
    with TemporaryDirectory(prefix="scmhost-git-") as root:
        subprocess.run(["git", "init", "--quiet", Path(root) / "team" / "app"], check=True)
        TestConformance.settings = {"root": root}
        yield


def test_readme_has_the_table_of_capabilities() -> None:
    """The README has the table of capabilities that the suite prints."""
    run = ConformanceRun(Samples(plugin, form=TestConformance.form, settings=TestConformance.settings))
    assert [result.check.name for result in run.run_all() if result.outcome == "violated"] == []
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert run.report.markdown().partition("\n\n")[0] in readme


class TestConformance(ProviderConformance):
    plugin = plugin
    form = {"preset": "gitea"}  # noqa: RUF012 - as the page for plugin authors has it
