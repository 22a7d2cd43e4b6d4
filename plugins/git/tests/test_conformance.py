"""Git passes the conformance suite, with a real repository."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest

from scmhost.sdk.testing import ConformanceRun, ProviderConformance, Samples
from scmhost_git import plugin


@pytest.fixture(scope="module", autouse=True)
def clone() -> Iterator[None]:
    """Make the operator's folder, with one repository in it."""
    with TemporaryDirectory(prefix="scmhost-git-") as root:
        subprocess.run(["git", "init", "--quiet", Path(root) / "team" / "app"], check=True)
        TestConformance.settings = {"root": root}
        yield


def test_the_readme_lists_the_capabilities() -> None:
    """The table in the README is the one that the suite prints."""
    run = ConformanceRun(Samples(plugin, form=TestConformance.form, settings=TestConformance.settings))
    assert [result.check.name for result in run.run_all() if result.outcome == "violated"] == []
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert run.report.markdown().partition("\n\n")[0] in readme


class TestConformance(ProviderConformance):
    plugin: ClassVar[object] = plugin
    form: ClassVar[Mapping[str, Any]] = {"preset": "gitea"}
