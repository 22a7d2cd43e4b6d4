"""The commands and programs of docs/sentry.md and docs/channels.md, in a checkout with a configuration."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from command import GitRepository, scmhost
from pages import blocks, page

NAMES = ("docs/sentry.md", "docs/channels.md")
CONFIG = """\
schema = 1
[host]
url = "https://scmhost.example.com"
database_url = "sqlite:///{database}"
[plugins.custom_scm]
enabled = true
allow = {{ organizations = ["acme"] }}
"""
SET_UP = """\
bootstrap --org acme --project web --repository team/app=https://git.example.com/team/app
installations add team --provider custom_scm --field url=https://git.example.com/ --field preset=gitea
repositories claim team/app
mappings add /srv/app/=src/ =src/ --repository team/app --branch main
"""
# Sentry's SDK is not needed for more than this.
SENTRY_SDK = "given = []\ndef init(**options):\n    given.append(options['before_send'])\n"
FAILING = """
def run():
    try:
        raise KeyError("price")
    except KeyError as error:
        logger = logging.getLogger("shop")
        logger.addHandler(handler)
        logger.error("failed", exc_info=error)
        structlog.get_logger().error("failed", exc_info=error)
        frame = {"abs_path": __file__, "lineno": 1}
        event = {"exception": {"values": [{"stacktrace": {"frames": [frame]}}]}}
        sent = [send(dict(event), {})["contexts"]["source"]["file"] for send in sentry_sdk.given]
        print(json.dumps([code_attributes(error), dict(resource.attributes), sent]))

def your_before_send(event, hint):
    return event
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A checkout, with the service of the page's organization beside it."""
    made = GitRepository(tmp_path / "checkout")
    made.commit("First", {"src/shop/cart.py": "one\n"})
    made.git("remote", "add", "origin", "https://github.com/team/app.git")
    monkeypatch.chdir(made.path)
    config = tmp_path / "plugins.toml"
    config.write_text(CONFIG.format(database=tmp_path / "scmhost.db"), encoding="utf-8")
    monkeypatch.setenv("SCMHOST_CONFIG", str(config))
    for line in SET_UP.splitlines():
        done = scmhost(*shlex.split(line))
        assert done.code == 0, done.err
    return made


def commands(name: str) -> list[str]:
    """Return the commands in the blocks of a page, without their comments."""
    lines = [line for block in blocks(page(name)) if block.language == "sh" for line in block.text.splitlines()]
    return [line.partition("  #")[0].partition("    #")[0].strip() for line in lines]


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("name", NAMES)
def test_commands_of_the_page(name: str) -> None:
    """Each command succeeds, in the order of the page."""
    lines = commands(name)
    assert len(lines) >= 6
    for line in lines:
        program, *words = shlex.split(line)
        done = scmhost(*words)
        assert (program, done.code) == ("scmhost", 0), (line, done.err)


def test_programs_of_the_pages(checkout: GitRepository) -> None:
    """All of them make links with the file of `scmhost build-info`."""
    texts = [block.text for name in NAMES for block in blocks(page(name)) if block.language == "python"]
    assert len(texts) >= 5
    Path("sentry_sdk.py").write_text(SENTRY_SDK, encoding="utf-8")
    head = f"import json{FAILING}"
    program = Path("src/shop/main.py")
    program.write_text("\n".join([head, *texts, "run()", ""]), encoding="utf-8")
    assert scmhost("build-info").code == 0
    words = [sys.executable, str(program.resolve())]
    done = subprocess.run(words, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=True)
    commit = checkout.shas()[0]
    url = f"https://github.com/team/app/blob/{commit}/src/shop/main.py#L"
    assert re.search(rf"^Source: {re.escape(url)}\d+$", done.stderr, re.MULTILINE), done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["source"].startswith(url)
    attributes, resource, sent = second
    assert attributes["code.url"].startswith(url)
    assert attributes["code.file.path"] == "src/shop/main.py"
    assert resource["vcs.ref.head.revision"] == commit
    assert sent == ["src/shop/main.py"] * 2
