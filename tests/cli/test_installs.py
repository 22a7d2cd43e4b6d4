"""What each install of scmhost gives: the light one, and the one with the server extra."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from command import GitRepository
from scmhost.cli.main import BULK_PACKAGES, MCP_PACKAGES, SERVER_PACKAGES
from wheels import PIP, build_wheels

ROOT = Path(__file__).parents[2]
LIGHT = {"click", "packaging", "pluggy", "pydantic", "rich", "tomlkit"}
START_SECONDS = 60.0

# Runs scmhost with server packages that cannot be imported, and fails if anything tries.
BLOCKED = """\
import sys

class Blocker:
    tried = []

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages}:
            self.tried.append(name)
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
from scmhost.app import main
try:
    main()
finally:
    print(Blocker.tried, file=sys.stderr)
"""


@dataclass(frozen=True)
class Install:
    """A virtual environment with scmhost."""

    folder: Path

    def run(self, *words: object, cwd: Path, text: str = "") -> "subprocess.CompletedProcess[str]":
        """Run the installed command."""
        command: list[str] = [str(self.folder / "bin" / "scmhost"), *map(str, words)]
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=clean_environment(),
        )


def clean_environment() -> dict[str, str]:
    """The environment without settings that reach into another Python, such as coverage of this run."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV", "SCMHOST"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of scmhost, built from this tree."""
    (built,) = build_wheels(tmp_path_factory.mktemp("wheel"), ROOT)
    return built


def install(folder: Path, requirement: str) -> Install:
    """Install a requirement into a new virtual environment, or skip the test if the package index cannot be reached."""
    venv.create(folder, with_pip=False)
    # Most modules that pip would compile are never imported here.
    command = [*PIP, "--python", str(folder), "install", "--no-compile", requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())
    if (
        done.returncode
        and "CI" not in os.environ
        and re.search(r"NewConnectionError|NameResolution|timed? ?out", done.stderr)
    ):
        pytest.skip("pip cannot reach the package index; set CI=true to make this an error")
    assert done.returncode == 0, done.stderr
    return Install(folder)


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """``pip install scmhost``."""
    return install(tmp_path_factory.mktemp("light"), str(wheel))


@pytest.fixture(scope="module")
def server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """``pip install "scmhost[server]"``."""
    return install(tmp_path_factory.mktemp("server"), f"scmhost[server] @ {wheel.as_uri()}")


@pytest.fixture
def checkout(tmp_path: Path) -> GitRepository:
    """A checkout with one file, its owners and a remote."""
    repository = GitRepository(tmp_path / "checkout")
    repository.commit(files={"a.py": "1\n", "CODEOWNERS": "* @all\n"})
    repository.git("remote", "add", "origin", "https://github.com/acme/shop")
    return repository


def check_light_commands(installed: Install, checkout: GitRepository) -> None:
    """Run the commands that need no server."""
    linked = installed.run("link", cwd=checkout.path, text="a.py:1: Error\n")
    page = f"https://github.com/acme/shop/blob/{checkout.shas()[0]}/a.py#L1"
    assert linked.stdout == f"a.py:1: Error\n    -> {page}\n", linked.stderr
    frames = installed.run("frames", "--json", cwd=checkout.path, text="a.py:1: Error\n")
    assert [frame["path"] for frame in json.loads(frames.stdout)["frames"]] == ["a.py"]
    owners = installed.run("owners", "a.py", cwd=checkout.path)
    assert owners.stdout == "a.py: @all (CODEOWNERS:1)\n", owners.stderr
    request = json.dumps({"remote": "git@github.com:acme/shop.git"})
    assert json.loads(installed.run("remote", "--jsonl", cwd=checkout.path, text=request).stdout)["repo"] == "shop"
    new = installed.run("plugin", "new", "gitbox", cwd=checkout.path)
    assert (new.returncode, (checkout.path / "scmhost-gitbox" / "pyproject.toml").exists()) == (0, True), new.stderr


def test_light_install_links_and_writes_plugins(light: Install, checkout: GitRepository) -> None:
    """``link``, ``frames``, the JSON lines and ``plugin new`` work, and other commands name the extra."""
    check_light_commands(light, checkout)
    for words in (["serve"], ["plugins", "list"], ["demo"]):
        refused = light.run(*words, cwd=checkout.path)
        assert (refused.returncode, refused.stdout) == (2, "")
        name = " ".join(words)
        assert refused.stderr == f'error: scmhost {name} needs the server: pip install "scmhost[server]"\n'
    refused = light.run("mcp", cwd=checkout.path)
    message = 'error: scmhost mcp needs the package mcp: pip install "scmhost[mcp]"\n'
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", message)
    refused = light.run("relink", "a.py", cwd=checkout.path)
    message = 'error: scmhost relink needs the package pyarrow: pip install "scmhost[duckdb]"\n'
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", message)
    assert light.run("serve", "--help", cwd=checkout.path).returncode == 0
    typo = light.run("lnik", cwd=checkout.path)
    assert (typo.returncode, "No such command 'lnik'" in typo.stderr) == (2, True)


def test_server_install_serves(server: Install, checkout: GitRepository, tmp_path: Path) -> None:
    """The service starts and is ready, and the commands of the light install work too."""
    check_light_commands(server, checkout)
    with serving(server, tmp_path) as url, urllib.request.urlopen(f"{url}/readyz") as answer:  # noqa: S310 - our own
        assert answer.status == 200


@contextmanager
def serving(installed: Install, folder: Path) -> Iterator[str]:
    """Run ``scmhost serve`` on a free port until the end of the block; gives the URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(installed.folder / "bin" / "scmhost"), "serve", "--port", str(port)]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, stderr=log, env=clean_environment()) as process,
    ):
        try:
            wait_for_port(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the service accepts connections."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the service did not start")


@pytest.mark.parametrize(
    "words",
    [
        *(["link"], ["link", "--map", "x=y", "--json"], ["frames"], ["plugin", "--help"], ["--help"]),
        *([name, "--jsonl"] for name in ("map", "roots", "derive", "url", "remote", "read-url", "owners")),
        *(["owners", "a.py"], ["owners", "check"]),
        *([name, "--help"] for name in ("serve", "demo", "mcp", "migrate", "bootstrap", "audit", "token", "commits")),
        *([name, "--help"] for name in ("export-links", "relink")),
        *(["plugins", name, "--help"] for name in ("list", "show", "why", "doctor", "enable", "disable", "diff")),
    ],
    ids=" ".join,
)
def test_light_commands_import_no_server_package(checkout: GitRepository, words: list[str]) -> None:
    """The commands of the light install, and the help of all commands, import no package of the server extra."""
    program = BLOCKED.format(packages=set(SERVER_PACKAGES | MCP_PACKAGES | BULK_PACKAGES))
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False, cwd=checkout.path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "[]"), done.stderr


def test_server_packages_are_those_of_the_extra() -> None:
    """The list that the command line checks covers the server extra, and nothing of the light install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base, extra = names_of(project["dependencies"]), names_of(project["optional-dependencies"]["server"])
    assert base == LIGHT
    packages = {
        package: {re.sub(r"[._]", "-", name.lower()) for name in distributions}
        for package, distributions in packages_distributions().items()
    }
    for distribution in extra:
        assert [package for package in SERVER_PACKAGES if distribution in packages.get(package, ())], distribution
    assert [package for package in SERVER_PACKAGES if packages.get(package, set()) & base] == []


def names_of(requirements: list[str]) -> set[str]:
    """The distributions that requirements name."""
    return {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}
