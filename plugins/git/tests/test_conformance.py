"""Git passes the conformance suite, with a real repository."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest

from command import GitRepository
from scmhost.sdk import MAX_FILE_BYTES
from scmhost.sdk.testing import FileSample, ProviderConformance
from scmhost_git import plugin


@pytest.fixture(scope="module", autouse=True)
def clone() -> Iterator[None]:
    """Make the operator's folder, with one repository and some files in it."""
    with TemporaryDirectory(prefix="scmhost-git-") as root:
        app = GitRepository(Path(root) / "team" / "app")
        app.path.joinpath("outside").symlink_to("/etc/passwd")
        app.commit(files={"src/old.py": "one\ntwo\nthree\n", "large": "x" * (MAX_FILE_BYTES + 1)})
        app.commit(files={"src/old.py": None, "src/a.py": "zero\none\ntwo\nthree\n"})
        TestConformance.settings = {"root": root}
        yield


class TestConformance(ProviderConformance):
    plugin: ClassVar[object] = plugin
    # The plugin reads folders: it asks no host, and has no secret.
    nothing_to_check = frozenset({"host-slow", "host-timeout", "host-unreachable", "secrets-hidden"})
    form: ClassVar[Mapping[str, Any]] = {"preset": "gitea"}
    file: ClassVar[FileSample | None] = FileSample("main", "src/a.py", large="large", outside=("outside",))


def test_the_readme_lists_the_capabilities() -> None:
    """The table in the README is the one that the suite prints."""
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert TestConformance.conformance_report().markdown().partition("\n\n")[0] in readme
