"""What a checkout remembers of its host's pages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import GitRepository
from loading import load_cases
from scmhost.checkout.pages import CachedPages, cached_pages
from scmhost.sdk import preset, read_remote
from scmhost.sdk.ref_links import RefLinks
from strategies import hostile_text

REPOSITORIES = {case["preset"]: case["repo_url"] for case in load_cases("presets")}
SHA = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
SAID = ("https://github.com/acme/shop", None, None, None)


def links_at(commit: str, url: str = SAID[0], kind: str | None = None) -> RefLinks:
    remote = read_remote(url, kind)
    found = preset(remote.kind or "").pages.links(remote.web_url or "", commit, "commit")
    assert isinstance(found, RefLinks)
    return found


@given(st.sampled_from(sorted(REPOSITORIES.items())), hostile_text, st.integers(0, 20_000_000))
def test_what_is_put_together_is_what_is_rendered(repository: tuple[str, str], path: str, line: int) -> None:
    """The short way gives the URL of the long way, or leaves a path to it."""
    kind, url = repository
    found = preset(kind).pages.links(url, SHA, "commit")
    plain = found.plain if isinstance(found, RefLinks) else None
    for some in (path, "src/app.py", "docs/README.md"):
        url = plain.url(some, line) if plain else None
        assert url is None or url == found.url(some, line)


def test_it_is_remembered_for_all_commits(tmp_path: Path) -> None:
    """Another commit's pages need no second look; odd paths do."""
    file = str(tmp_path / "pages.json")
    cached_pages(file, SHA, SAID, lambda: links_at(SHA))
    looked: list[str] = []
    again = cached_pages(file, OTHER, SAID, lambda: looked.append("x") or links_at(OTHER))
    assert again.url("src/a.py", 3) == f"https://github.com/acme/shop/blob/{OTHER}/src/a.py#L3"
    assert not looked
    assert again.url("src/ä.py", 3) == f"https://github.com/acme/shop/blob/{OTHER}/src/%C3%A4.py#L3"
    assert looked


@pytest.mark.parametrize("spoil", ["", "[]", "{}", '{"head": 3}', '{"key": null'])
def test_a_spoilt_memory_is_written_anew(tmp_path: Path, spoil: str) -> None:
    """Whatever stands in the file, the links are right, and so is the file afterwards."""
    file = tmp_path / "pages.json"
    file.write_text(spoil, encoding="utf-8")
    assert not isinstance(cached_pages(str(file), SHA, SAID, lambda: links_at(SHA)), CachedPages)
    assert isinstance(cached_pages(str(file), SHA, SAID, lambda: links_at(SHA)), CachedPages)


def test_what_is_remembered_is_of_one_remote_and_of_the_web(tmp_path: Path) -> None:
    """Another remote is looked at anew, and so is what would lead elsewhere than to the web."""
    file = tmp_path / "pages.json"
    cached_pages(str(file), SHA, SAID, lambda: links_at(SHA))
    other = ("https://gitlab.com/acme/shop", None, None, None)
    assert "gitlab.com" in str(cached_pages(str(file), SHA, other, lambda: links_at(SHA, other[0])).url("a.py"))
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, "head": "javascript:alert(1)//"}), encoding="utf-8")
    assert "gitlab.com" in str(cached_pages(str(file), SHA, other, lambda: links_at(SHA, other[0])).url("a.py"))


def test_where_nothing_can_be_written_links_are_made_all_the_same(tmp_path: Path) -> None:
    """A checkout that may only be read is linked from."""
    found = cached_pages(str(tmp_path / "gone" / "pages.json"), SHA, SAID, lambda: links_at(SHA))
    assert found.url("a.py") == f"https://github.com/acme/shop/blob/{SHA}/a.py"


def test_a_second_run_loads_little(tmp_path: Path) -> None:
    """What reads templates is not even imported when the pages are known."""
    repository = GitRepository(tmp_path / "checkout")
    repository.commit(files={"a.py": "1\n"})
    repository.git("remote", "add", "origin", SAID[0])
    program = (
        "import sys\nfrom scmhost.app import open_host\nfrom scmhost.cli.main import run\n"
        "try:\n    run(open_host, ['link'])\nfinally:\n    print('pydantic' in sys.modules)\n"
    )
    for loaded in ("True", "False"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            input=b"a.py:1: Error\n",
            capture_output=True,
            check=True,
            cwd=repository.path,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
        )
        assert done.stdout.split()[-1].decode() == loaded
