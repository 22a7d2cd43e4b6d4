"""The file ``.scmhost.toml`` in a repository's root."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.checkout.project_file import NO_PROJECT_FILE, ProjectFile, ProjectFileError, read_project_file


def read(folder: Path, content: str) -> ProjectFile:
    (folder / ".scmhost.toml").write_text(content, encoding="utf-8")
    return read_project_file(str(folder))


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    """Most repositories have none."""
    assert read_project_file(str(tmp_path)) == NO_PROJECT_FILE == ProjectFile()


def test_all_settings(tmp_path: Path) -> None:
    """Maps keep their order."""
    content = """
kind = "gitea"
remote = "upstream"
template = "{base_url}/{repo_path}/at/{ref}/{path}#{line}"

[maps]
"/srv/releases/*" = "src"
"/app" = ""
"""
    assert read(tmp_path, content) == ProjectFile(
        "gitea",
        "upstream",
        "{base_url}/{repo_path}/at/{ref}/{path}#{line}",
        (("/srv/releases/*", "src"), ("/app", "")),
    )


@pytest.mark.parametrize(
    "remote",
    [
        "origin",
        "team/upstream",
        "https://git.acme.example/team/shop",
        "https://ada@git.acme.example:8443/team/shop.git",
        "ssh://git@git.acme.example:22/team/shop.git",
        "git@git.acme.example:team/shop.git",
        "git.acme.example:team/shop.git",
    ],
)
def test_remote_is_a_name_or_a_url(tmp_path: Path, remote: str) -> None:
    """A remote is a name or a URL in any of git's forms for code hosts."""
    assert read(tmp_path, f'remote = "{remote}"\n').remote == remote


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("kind = ", 1, "Invalid value"),
        ('\n\nkind = "a" "b"\n', 3, "Expected newline"),
        ('kind = "gitea"\nkind = "gitlab"\n', 2, "Cannot overwrite"),
        ('\nkinds = "gitea"\n', 2, "unknown setting 'kinds'; the settings are kind, remote, template and maps"),
        ("# first\nkind = 3\n", 2, "'kind' must be a kind of code host"),
        ('kind = "../x"\n', 1, "'kind' must be"),
        ('editor = "vscode"\n', 1, "use the option --editor"),
        (
            'kind = "gitea"\ntemplate = "vscode://file/{path}"\n',
            2,
            "'template' must be a URL that begins with https://",
        ),
        ('template = "javascript:alert(1)//{path}"\n', 1, "'template' must be"),
        ('template = "https://x/{path}\\u001b]8;;"\n', 1, "'template' must be"),
        ('remote = "ext::sh -c touch% pwned"\n', 1, "'remote' must be"),
        ('remote = "ext::sh"\n', 1, "'remote' must be"),
        ('remote = "-oProxyCommand=x"\n', 1, "'remote' must be"),
        ('remote = "git@-oProxyCommand=x:y"\n', 1, "'remote' must be"),
        ('remote = "/srv/git"\n', 1, "'remote' must be"),
        ("maps = 3\n", 1, "'maps' must be a table"),
        ('maps = ["/app=src"]\n', 1, "'maps' must be a table"),
        ('[maps]\n"/app" = "src"\n"/lib" = 3\n', 3, "a map is a line such as"),
        ('[maps]\n"" = "src"\n', 2, "a map is a line such as"),
        ('[maps."/app"]\nx = "y"\n', 1, "a map is a line such as"),
        ("[maps]\n" + "".join(f'"/{number}" = "x"\n' for number in range(101)), 1, "at most 100"),
        (f'kind = "{"a" * 2000}"\n', 1, "'kind' must be"),
        ("x = " + "[" * 20_000, 1, ""),
    ],
)
def test_mistake_has_its_line(tmp_path: Path, content: str, line: int, message: str) -> None:
    """The error names the file, the line and what is right."""
    with pytest.raises(ProjectFileError) as raised:
        read(tmp_path, content)
    assert str(raised.value).startswith(f"{tmp_path}/.scmhost.toml:{line}: ")
    assert message in str(raised.value)


def test_other_encoding_is_an_error(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    (tmp_path / ".scmhost.toml").write_bytes(b'kind = "gitea"\nremote = "\xff"\n')
    with pytest.raises(ProjectFileError, match=re.escape(".scmhost.toml:2: it must be UTF-8")):
        read_project_file(str(tmp_path))


def test_large_file_is_refused(tmp_path: Path) -> None:
    """Nobody writes so many settings."""
    with pytest.raises(ProjectFileError, match="larger than 64 KiB"):
        read(tmp_path, "#" * (1 << 16) + "\n")


def symlink(path: Path) -> None:
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, symlink])
def test_only_a_regular_file_is_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """A pipe would block, and an error message could quote the target of a symbolic link."""
    make(tmp_path / ".scmhost.toml")
    with pytest.raises(ProjectFileError, match="must be a regular file") as raised:
        read_project_file(str(tmp_path))
    assert "root" not in str(raised.value).replace(str(tmp_path), "")


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_any_content_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """A repository may hold anything."""
    folder = tmp_path_factory.mktemp("any")
    (folder / ".scmhost.toml").write_bytes(content)
    refused = ""
    try:
        read_project_file(str(folder))
    except ProjectFileError as error:
        refused = str(error)
    assert refused == "" or re.search(r"\.scmhost\.toml:\d+: ", refused)
