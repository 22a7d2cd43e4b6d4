"""Git keeps the laws of the contract, with a repository that is really there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scmhost.sdk.testing import Examination, ProviderConformance, Samples
from scmhost_git import plugin


@pytest.fixture(scope="module", autouse=True)
def clone() -> Iterator[None]:
    """The operator's folder with one repository in it."""
    with TemporaryDirectory(prefix="scmhost-git-") as root:
        subprocess.run(["git", "init", "--quiet", Path(root) / "team" / "app"], check=True)
        TestConformance.settings = {"root": root}
        yield


def test_the_readme_says_what_it_can_do() -> None:
    """The table of capabilities is the one that the suite gives."""
    examination = Examination(Samples(plugin, form=TestConformance.form, settings=TestConformance.settings))
    assert [finding.law.name for finding in examination.all() if finding.verdict == "broken"] == []
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert examination.report.markdown().partition("\n\n")[0] in readme


class TestConformance(ProviderConformance):
    plugin = plugin
    form = {"preset": "gitea"}  # noqa: RUF012 - as the page for plugin authors has it
