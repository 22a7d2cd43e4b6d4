"""Git keeps the laws of the contract, with a repository that is really there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from scmhost.sdk.testing import ProviderConformance
from scmhost_git import plugin


@pytest.fixture(scope="module", autouse=True)
def clone() -> Iterator[None]:
    """The operator's folder with one repository in it."""
    with TemporaryDirectory(prefix="scmhost-git-") as root:
        subprocess.run(["git", "init", "--quiet", Path(root) / "team" / "app"], check=True)
        TestConformance.settings = {"root": root}
        yield


class TestConformance(ProviderConformance):
    plugin = plugin
    form = {"preset": "gitea"}  # noqa: RUF012 - as the page for plugin authors has it
