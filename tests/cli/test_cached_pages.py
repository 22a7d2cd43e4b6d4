"""Cached page URLs of a checkout."""

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
from scmhost.sdk.urls.ref_links import RefLinks
from strategies import hostile_text

REPOSITORIES = {case["preset"]: case["repo_url"] for case in load_cases("presets")}
SHA = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
INPUTS = ("https://github.com/acme/shop", None, None, None)


def links_at(commit: str, url: str = INPUTS[0], kind: str | None = None) -> RefLinks:
    remote = read_remote(url, kind)
    found = preset(remote.kind or "").pages.links(remote.web_url or "", commit, "commit")
    assert isinstance(found, RefLinks)
    return found


@given(st.sampled_from(sorted(REPOSITORIES.items())), hostile_text, st.integers(0, 20_000_000))
def test_plain_links_equal_rendered_links(repository: tuple[str, str], path: str, line: int) -> None:
    """The fast way gives the URL of the template, or leaves the path to it."""
    kind, repository_url = repository
    found = preset(kind).pages.links(repository_url, SHA, "commit")
    if not isinstance(found, RefLinks) or found.plain is None:
        return
    for some in (path, "src/app.py", "docs/README.md"):
        url = found.plain.url(some, line)
        assert url is None or url == found.url(some, line)


def test_cache_is_used_for_other_commits(tmp_path: Path) -> None:
    """The pages of another commit come from the cache; odd paths load the templates."""
    file = str(tmp_path / "pages.json")
    cached_pages(file, SHA, INPUTS, lambda: links_at(SHA))
    loads: list[str] = []

    def load() -> RefLinks:
        loads.append(OTHER)
        return links_at(OTHER)

    again = cached_pages(file, OTHER, INPUTS, load)
    assert again.url("src/a.py", 3) == f"https://github.com/acme/shop/blob/{OTHER}/src/a.py#L3"
    assert not loads
    assert again.url("src/ä.py", 3) == f"https://github.com/acme/shop/blob/{OTHER}/src/%C3%A4.py#L3"
    assert loads


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"head": 3}', '{"key": null'])
def test_damaged_cache_is_replaced(tmp_path: Path, damage: str) -> None:
    """With a damaged cache file the links are correct, and the file is written again."""
    file = tmp_path / "pages.json"
    file.write_text(damage, encoding="utf-8")
    assert not isinstance(cached_pages(str(file), SHA, INPUTS, lambda: links_at(SHA)), CachedPages)
    assert isinstance(cached_pages(str(file), SHA, INPUTS, lambda: links_at(SHA)), CachedPages)


def test_cache_of_another_remote_is_ignored(tmp_path: Path) -> None:
    """A cache for another remote, or with a URL that is not http, is not used."""
    file = tmp_path / "pages.json"
    cached_pages(str(file), SHA, INPUTS, lambda: links_at(SHA))
    other = ("https://gitlab.com/acme/shop", None, None, None)
    assert "gitlab.com" in str(cached_pages(str(file), SHA, other, lambda: links_at(SHA, other[0])).url("a.py"))
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, "head": "javascript:alert(1)//"}), encoding="utf-8")
    assert "gitlab.com" in str(cached_pages(str(file), SHA, other, lambda: links_at(SHA, other[0])).url("a.py"))


def test_links_work_without_a_writable_cache(tmp_path: Path) -> None:
    """Links work in a read-only checkout."""
    found = cached_pages(str(tmp_path / "gone" / "pages.json"), SHA, INPUTS, lambda: links_at(SHA))
    assert found.url("a.py") == f"https://github.com/acme/shop/blob/{SHA}/a.py"


def test_pipe_in_place_of_the_cache_is_replaced(tmp_path: Path) -> None:
    """The git folder may come with an archive, and reading a pipe would block."""
    file = tmp_path / "pages.json"
    os.mkfifo(file)
    cached_pages(str(file), SHA, INPUTS, lambda: links_at(SHA))
    assert file.is_file()


def test_cache_is_not_written_through_a_link(tmp_path: Path) -> None:
    """A link in the git folder could lead to any file of the user."""
    victim = tmp_path / "victim"
    victim.write_text("kept", encoding="utf-8")
    file = tmp_path / "pages.json"
    (tmp_path / f"pages.json.{os.getpid()}").symlink_to(victim)
    cached_pages(str(file), SHA, INPUTS, lambda: links_at(SHA))
    file.symlink_to(victim)
    (tmp_path / f"pages.json.{os.getpid()}").unlink()
    cached_pages(str(file), SHA, INPUTS, lambda: links_at(SHA))
    assert victim.read_text(encoding="utf-8") == "kept"


def test_second_run_imports_no_pydantic(tmp_path: Path) -> None:
    """With a cache the templates, and the libraries that read them, are not imported."""
    repository = GitRepository(tmp_path / "checkout")
    repository.commit(files={"a.py": "1\n"})
    repository.git("remote", "add", "origin", INPUTS[0])
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
