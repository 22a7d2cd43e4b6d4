"""Aliases of hosts in the user's SSH configuration."""

from pathlib import Path

import pytest

from command import GitRepository
from scmhost.checkout import remotes
from scmhost.checkout.pages import checkout_pages
from scmhost.checkout.remotes import without_alias
from scmhost.checkout.worktree import read_checkout

CONFIGURATION = """\
Host github.com-work gh work
  HostName github.com
  IdentityFile ~/.ssh/id_work
Host forge
  HostName git.acme.example
Host lab
  HostName gitlab.com
  Port 2222
Host gitlab.com
  HostName altssh.gitlab.com
Host canon
  CanonicalizeHostname always
"""


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "home/.ssh/config"
    file.parent.mkdir(parents=True)
    file.write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    remotes._host_name.cache_clear()
    return file


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@github.com-work:acme/shop.git", "git@github.com:acme/shop.git"),
        ("work:acme/shop", "github.com:acme/shop"),
        ("ssh://git@gh/acme/shop.git", "ssh://git@github.com/acme/shop.git"),
        ("ssh://git@lab:2222/acme/shop.git", "ssh://git@gitlab.com/acme/shop.git"),
        ("git+ssh://git@forge/acme/shop", "ssh://git@git.acme.example/acme/shop"),
        ("git@forge:acme/shop", "git@git.acme.example:acme/shop"),
    ],
)
def test_alias_is_replaced_by_the_host(configuration: Path, url: str, expected: str) -> None:
    """User and path stay; the port of SSH is none of the web pages."""
    assert without_alias(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "git@gitlab.com:acme/shop",
        "git@other.example:acme/shop",
        "git@canon:acme/shop",
        "https://gh/acme/shop",
        "/srv/gh:acme",
        "C:\\shop",
        "C:/shop",
        "",
        "git@-oProxyCommand=x:acme/shop",
        "-oProxyCommand=x:acme/shop",
        "git@$(touch x):acme/shop",
        "-x@gh:acme/shop",
        "ext::sh -c x",
        "gh://acme/shop",
    ],
)
def test_other_urls_stay(configuration: Path, url: str) -> None:
    """Known hosts, other forms, and names that are no hosts are not looked up."""
    assert without_alias(url) == url


def test_alias_that_is_named_after_a_host_needs_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine the configuration is missing, and no host has a dash in its last part."""
    monkeypatch.setenv("HOME", str(tmp_path))
    remotes._host_name.cache_clear()
    assert without_alias("git@github.com-work:acme/shop") == "git@github.com:acme/shop"
    assert without_alias("git@gh:acme/shop") == "git@gh:acme/shop"
    assert without_alias("git@acme.example-work:acme/shop") == "git@acme.example-work:acme/shop"


def test_ssh_is_not_needed(configuration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ssh the alias is unknown."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert without_alias("git@forge:acme/shop") == "git@forge:acme/shop"


def test_cached_pages_follow_the_configuration(configuration: Path, repository: GitRepository) -> None:
    """An edit of the configuration is seen in the next run."""
    repository.git("remote", "add", "origin", "git@gh:acme/shop.git")
    sha = repository.shas()[0]
    for host in ("github.com", "gitlab.com"):
        configuration.write_text(f"# for {host}\nHost gh\n  HostName {host}\n", encoding="utf-8")
        remotes._host_name.cache_clear()
        for _ in range(2):
            url = checkout_pages(read_checkout(), None, None).url("main.py")
            assert isinstance(url, str)
            assert url.startswith(f"https://{host}/acme/shop/")
            assert sha in url
