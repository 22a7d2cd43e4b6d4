"""Page URLs of a checkout, and the errors of checkouts without pages."""

import json
from pathlib import Path

import pytest

from scmhost.checkout.pages import CachedPages, NoPages, checkout_pages
from scmhost.checkout.worktree import Checkout

SHA = "0123456789abcdef0123456789abcdef01234567"


def url_of(
    tmp_path: Path,
    remote: str | None,
    kind: str | None = None,
    template: str | None = None,
    configured: tuple[str | None, str | None] = (None, None),
) -> object:
    checkout = Checkout(str(tmp_path), "", SHA, (), str(tmp_path / "pages.json"), remote, *configured)
    return checkout_pages(checkout, kind, template).url("src/a.py", 3)


@pytest.mark.parametrize(
    ("remote", "kind", "configured", "expected"),
    [
        ("git@github.com:acme/shop.git", None, None, f"https://github.com/acme/shop/blob/{SHA}/src/a.py#L3"),
        ("https://gitlab.com/a/b/c", None, None, f"https://gitlab.com/a/b/c/-/blob/{SHA}/src/a.py#L3"),
        ("https://git.x.example/a/b", "gitea", None, f"https://git.x.example/a/b/src/commit/{SHA}/src/a.py#L3"),
        ("https://git.x.example/a/b", None, "gitea", f"https://git.x.example/a/b/src/commit/{SHA}/src/a.py#L3"),
        ("https://git.x.example/a/b", "gitlab", "gitea", f"https://git.x.example/a/b/-/blob/{SHA}/src/a.py#L3"),
        ("https://github.com/a/b", None, "gitea", f"https://github.com/a/b/blob/{SHA}/src/a.py#L3"),
    ],
)
def test_kind_comes_from_option_host_or_setting(
    tmp_path: Path, remote: str, kind: str | None, configured: str | None, expected: str
) -> None:
    """An option is strongest; a setting applies only to hosts whose kind is not known by name."""
    assert url_of(tmp_path, remote, kind, configured=(configured, None)) == expected
    assert url_of(tmp_path, remote, kind, configured=(configured, None)) == expected, "from the cache"


def test_template_of_the_command_line_is_stronger(tmp_path: Path) -> None:
    """The template of the settings is used without one."""
    remote, configured = "https://git.x.example/a/b", (None, "{base_url}/c/{ref}/{path}")
    assert url_of(tmp_path, remote, configured=configured) == f"https://git.x.example/c/{SHA}/src/a.py"
    given = url_of(tmp_path, remote, template="{base_url}/o/{path}?r={ref}", configured=configured)
    assert given == f"https://git.x.example/o/src/a.py?r={SHA}"


@pytest.mark.parametrize(
    ("remote", "kind", "template", "message"),
    [
        (None, None, None, "no remote; add --remote URL"),
        ("/srv/git/shop", None, None, "not on a code host; add --remote URL"),
        ("https://git.x.example/a/b", None, None, r"git\.x\.example is not known; add --kind KIND"),
        ("https://git.x.example/a/b", None, "{nope}", "nope"),
        ("https://git.x.example/a/b", "nokind", None, "nokind"),
    ],
)
def test_checkout_without_pages_is_an_error_with_advice(
    tmp_path: Path, remote: str | None, kind: str | None, template: str | None, message: str
) -> None:
    """No cache is written for it."""
    with pytest.raises(NoPages, match=message):
        url_of(tmp_path, remote, kind, template)
    assert not (tmp_path / "pages.json").exists()


def test_cache_contains_no_commit_and_leaves_no_other_file(tmp_path: Path) -> None:
    """One file serves all commits, and it is replaced as a whole."""
    url_of(tmp_path, "https://github.com/acme/shop")
    assert [file.name for file in tmp_path.iterdir()] == ["pages.json"]
    content = (tmp_path / "pages.json").read_text(encoding="utf-8")
    assert SHA not in content
    assert json.loads(content)["head"] == "https://github.com/acme/shop/blob/{commit}/"


REMOTE = "https://git.x.example/a/b"


@pytest.mark.parametrize(
    "fields",
    [
        {"head": "javascript:alert(1)//"},
        {"head": "https://git.x.example/\x1b]0;x\x07/"},
        {"head": "https://git.x.example/\x1b]8;;https://evil.example\x1b\\"},
        {"head": "https://evil.example/a/b/"},
        {"head": "https://git.x.example.evil.example/"},
        {"head": "https://git.x.example@evil.example/"},
        {"head": "https://user@git.x.example/"},
        {"head": "https://git.x.example/../../c/"},
        {"head": "https://git.x.example/" + "a" * 8000},
        {"head": "https://git.x.example"},
        {"head": "https://example/"},
        {"head": 3},
        {"tail": "\n::error::x"},
        {"tail": "\u202e"},
        {"before_line": "\x9b31m"},
        {"before_line": "#\ud800"},
        {"after_line": " <script>"},
        {"after_line": "\x00"},
        {"extensions": 3},
    ],
)
def test_manipulated_cache_is_not_used(tmp_path: Path, fields: dict[str, object]) -> None:
    """A cache that comes with the checkout adds neither escapes nor another host to the links."""
    fresh = url_of(tmp_path, REMOTE, "gitea")
    file = tmp_path / "pages.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**content, **fields}), encoding="utf-8")
    assert url_of(tmp_path, REMOTE, "gitea") == fresh
    assert json.loads(file.read_text(encoding="utf-8")) == content, "and it is written again"


def test_overlong_cache_is_not_used(tmp_path: Path) -> None:
    """Only the first part of the file is read."""
    fresh = url_of(tmp_path, REMOTE, "gitea")
    file = tmp_path / "pages.json"
    content = file.read_text(encoding="utf-8")
    file.write_text(" " * 100_000 + content, encoding="utf-8")
    assert url_of(tmp_path, REMOTE, "gitea") == fresh
    assert file.read_text(encoding="utf-8") == content


@pytest.mark.parametrize(
    ("remote", "kind"),
    [
        ("git@github.com:acme/shop.git", None),
        ("https://user@git.x.example:8443/a/b.git", "gitea"),
        ("ssh://git@git.x.example:22/a/b", "gitlab"),
        ("ssh://git@ssh.github.com:443/acme/shop.git", None),
    ],
)
def test_usual_remotes_are_cached(tmp_path: Path, remote: str, kind: str | None) -> None:
    """The cache of a usual remote passes the checks."""
    fresh = url_of(tmp_path, remote, kind)
    checkout = Checkout(str(tmp_path), "", SHA, (), str(tmp_path / "pages.json"), remote, None, None)
    pages = checkout_pages(checkout, kind, None)
    assert isinstance(pages, CachedPages)
    assert pages.url("src/a.py", 3) == fresh
