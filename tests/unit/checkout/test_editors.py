"""Links that open a local file in an editor."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import GitRepository
from scmhost.checkout.editors import EDITORS, EditorLinks, EditorTemplate, UnknownEditor, editor_template
from scmhost.frames import read_text

ALL = sorted(EDITORS)


@pytest.mark.parametrize(
    ("editor", "url"),
    [
        ("vscode", "vscode://file/srv/a.py:3:7"),
        ("VSCode", "vscode://file/srv/a.py:3:7"),
        ("vscode-insiders", "vscode-insiders://file/srv/a.py:3:7"),
        ("vscodium", "vscodium://file/srv/a.py:3:7"),
        ("cursor", "cursor://file/srv/a.py:3:7"),
        ("windsurf", "windsurf://file/srv/a.py:3:7"),
        ("zed", "zed://file/srv/a.py:3:7"),
        ("idea", "idea://open?file=/srv/a.py&line=3&column=7"),
        ("pycharm", "pycharm://open?file=/srv/a.py&line=3&column=7"),
        ("sublime", "subl://open?url=file:///srv/a.py&line=3&column=7"),
        ("textmate", "txmt://open?url=file:///srv/a.py&line=3&column=7"),
        ("macvim", "mvim://open/?url=file:///srv/a.py&line=3&column=7"),
        ("emacs", "emacs://open?url=file:///srv/a.py&line=3&column=7"),
        ("nova", "nova://core/open/file?filename=/srv/a.py&line=3&column=7"),
        ("myide://{path}@{line}", "myide:///srv/a.py@3"),
        ("http://127.0.0.1:63342/api/file/{path}:{line}", "http://127.0.0.1:63342/api/file/srv/a.py:3"),
    ],
)
def test_url_of_an_editor(editor: str, url: str) -> None:
    """Each editor has the form that it registers; a template is used as it is."""
    assert editor_template(editor).url("/srv/a.py", 3, 7) == url


@pytest.mark.parametrize("editor", ALL)
def test_unknown_line_is_the_first(editor: str) -> None:
    """A file without a line opens at its beginning."""
    template = editor_template(editor)
    assert template.url("/a.py", None, None) == template.url("/a.py", 1, 1)


def test_path_of_windows_keeps_its_drive() -> None:
    """Editors expect the drive after the slash."""
    assert editor_template("vscode").url("C:/shop/a.py", 3, None) == "vscode://file/C:/shop/a.py:3:1"


@pytest.mark.thorough
@pytest.mark.parametrize("editor", ALL)
@given(name=st.binary(min_size=1, max_size=20) | st.text(min_size=1, max_size=20).map(str.encode))
def test_path_cannot_change_the_url(editor: str, name: bytes) -> None:
    """No character of a path ends the URL, begins another parameter or reaches the terminal."""
    template = editor_template(editor)
    path = name.decode(errors="surrogateescape").lstrip("/")
    url = template.url(f"/{path}", 3, 1)
    assert re.fullmatch(r"[!-~]+", url)
    assert not set(url) & set("\"'<>\\`{}")
    plain = template.url("/x", 3, 1)
    assert [url.count(sign) for sign in "?#&="] == [plain.count(sign) for sign in "?#&="]
    assert path in unquote(url, errors="surrogateescape")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("notepad", "choose clion, cursor, emacs"),
        ("", "choose"),
        ("javascript://%0aalert(1)//{path}", "write a URL"),
        ("javascript:alert('{path}')", "write a URL"),
        ("data://text/html,{path}", "write a URL"),
        ("{path}", "write a URL"),
        ("vscode://file", "write a URL"),
        ("vscode://file/{path} x", "write a URL"),
        ("vscode://file/{path}\x1b]8;;", "write a URL"),
        ("vscode://file/{file}", "{file} is none of {path}, {line} and {column}"),
        ("vscode://file/{path}:{}", "{} is none of"),
    ],
)
def test_other_values_are_refused(value: str, message: str) -> None:
    """The error lists the editors, or shows a template."""
    with pytest.raises(UnknownEditor, match=re.escape(message)):
        editor_template(value)


def linked(text: str) -> list[str | None]:
    """Link a text in the working directory; return each frame's URL."""
    links = EditorLinks(EditorTemplate("e://{path}:{line}:{column}"))
    return [frame.url for frame in links.link(read_text(text).frames)]


def test_links_have_lines_on_disk(repository: GitRepository) -> None:
    """An edit above the line does not matter, because the editor shows the file as it is."""
    (repository.path / "main.py").write_text("zero\none\ntwo\n", encoding="utf-8")
    assert linked("main.py:3:2: Error\n") == [f"e://{repository.path}/main.py:3:2"]


def test_new_files_are_linked(repository: GitRepository) -> None:
    """An editor opens files that are in no commit, also ignored ones."""
    (repository.path / "fresh.py").write_text("x\n", encoding="utf-8")
    (repository.path / "made.py").write_text("x\n", encoding="utf-8")
    (repository.path / ".gitignore").write_text("made.py\n", encoding="utf-8")
    urls = [f"e://{repository.path}/{name}.py:1:1" for name in ("fresh", "made")]
    assert linked("fresh.py:1: Error\nmade.py:1: Error\n") == urls
    assert linked("gone.py:1: Error\n") == [None]


def test_deleted_file_has_a_reason(repository: GitRepository) -> None:
    """A link would open an empty file."""
    (repository.path / "main.py").unlink()
    (frame,) = EditorLinks(editor_template("vscode")).link(read_text("main.py:1: Error\n").frames)
    assert (frame.url, frame.reason, frame.message) == (None, "file_not_found", "main.py was deleted")


def test_paths_below_the_working_directory(repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools print paths relative to their folder, and maps apply."""
    monkeypatch.chdir(repository.path / "shop")
    assert linked("cart.py:3: Error\n") == [f"e://{repository.path}/shop/cart.py:3:1"]
    links = EditorLinks(EditorTemplate("e://{path}"), [("/app", "shop")])
    (frame,) = links.link(read_text('  File "/app/cart.py", line 3, in f\n').frames)
    assert frame.url == f"e://{repository.path}/shop/cart.py"


def test_no_remote_is_needed(repository: GitRepository) -> None:
    """Nothing is read from the code host."""
    assert repository.git("remote") == ""
    assert Path(linked("main.py:1: Error\n")[0] or "").name == "main.py:1:1"
