"""``scmhost link`` in a git checkout, without configuration."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from command import SCMHOST, Done, GitRepository, scmhost

REMOTE = "git@github.com:acme/shop.git"
FILES = {
    "main.py": "one\ntwo\nthree\n",
    "shop/cart.py": "".join(f"line {number}\n" for number in range(1, 31)),
    "lib/util.py": "words\n",
}
TRACE = """\
Traceback (most recent call last):
  File "/srv/app/main.py", line 2, in <module>
    run()
  File "/srv/app/shop/cart.py", line 12, in run
    raise ValueError("no")
  File "/usr/lib/python3.11/json/decoder.py", line 1, in dumps
ValueError: no
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """A checkout with a commit and a remote, as the working directory."""
    repository = GitRepository(tmp_path / "checkout")
    repository.commit(files=FILES)
    repository.git("remote", "add", "origin", REMOTE)
    monkeypatch.chdir(repository.path)
    monkeypatch.setenv("PWD", str(repository.path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    return repository


def linked(text: str, *options: object) -> Done:
    Path("../crash.txt").write_text(text, encoding="utf-8")
    return scmhost("link", "../crash.txt", *options)


def frames(text: str, *options: object) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(linked(text, "--format", "json", *options).out)["frames"]
    return found


def links(text: str, *options: object) -> list[object]:
    return [frame["url"] for frame in frames(text, *options)]


def test_trace_links_to_the_commit_that_is_checked_out(checkout: GitRepository) -> None:
    """The text is unchanged; each file of the repository has its link below, and other frames have a reason."""
    done = linked(TRACE)
    page = f"https://github.com/acme/shop/blob/{checkout.shas()[0]}"
    lines = done.out.splitlines()
    assert [line for line in lines if not line.startswith("    -> ")] == TRACE.splitlines()
    assert lines[2] == f"    -> {page}/main.py#L2"
    assert f"    -> {page}/shop/cart.py#L12" in lines
    assert done.err == "2 of 2 frames of yours have links, 1 in installed packages.\n"


def test_pipe_keeps_bytes_that_are_not_utf8(checkout: GitRepository) -> None:
    """Bytes that are not UTF-8 pass through unchanged."""
    done = subprocess.run(
        [SCMHOST, "link"], input=b"main.py:2: Error\n\xff\xfe\r\nend", capture_output=True, check=True
    )
    link = f"    -> https://github.com/acme/shop/blob/{checkout.shas()[0]}/main.py#L2\n"
    assert done.stdout == b"main.py:2: Error\n" + link.encode() + b"\xff\xfe\r\nend"


def test_paths_are_relative_to_the_working_directory(checkout: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools print paths relative to the folder in which they run, also with ``..``."""
    monkeypatch.chdir(checkout.path / "shop")
    found = frames("cart.py:3: Error\n../main.py:1: Error\n")
    assert [frame["sourcePath"] for frame in found] == ["shop/cart.py", "main.py"]
    assert {frame["confidence"] for frame in found} == {"high"}


def test_changed_lines_are_reported(checkout: GitRepository) -> None:
    """A line below an edit links to its committed number; an edited line is reported."""
    edited = FILES["shop/cart.py"].replace("line 5\n", "line 5\nnew\n").replace("line 20\n", "other\n")
    (checkout.path / "shop/cart.py").write_text(edited, encoding="utf-8")
    done = linked("shop/cart.py:11: Error\nshop/cart.py:21: Error\n")
    assert "/shop/cart.py#L10" in done.out
    assert "/shop/cart.py#L20" in done.out
    assert re.search(r"^shop/cart.py:21 was changed since commit [0-9a-f]{12};", done.err, re.MULTILINE)
    assert "shop/cart.py:11" not in done.err


def test_unpushed_commit_is_reported(checkout: GitRepository) -> None:
    """Links lead to the last commit that is pushed, and a warning names both."""
    checkout.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert "of a remote yet" not in linked(TRACE).err
    checkout.commit(files={"main.py": "zero\none\ntwo\nthree\n", "fresh.py": "x\n"})
    second, first = checkout.shas()
    done = linked("main.py:2: Error\nmain.py:1: Error\nfresh.py:1: Error\n")
    assert done.out.count(f"blob/{first}/main.py#L1") == 2
    assert f"commit {second[:12]} is on no branch of a remote yet: links lead to commit {first[:12]}" in done.err
    assert f"main.py:1 was changed since commit {first[:12]}" in done.err
    assert f"not_pushed. fresh.py is new since commit {first[:12]}, the last that is pushed." in done.err
    assert links("main.py:1: Error\n", "--ref", "HEAD") == [f"https://github.com/acme/shop/blob/{second}/main.py#L1"]


def test_uncommitted_file_has_no_link(checkout: GitRepository) -> None:
    """The reason names the file."""
    (checkout.path / "fresh.py").write_text("x\n", encoding="utf-8")
    (frame,) = frames(f'  File "{checkout.path}/fresh.py", line 1, in f\n')
    assert (frame["reason"], frame["message"]) == ("not_committed", "fresh.py is not committed")


def test_ref_option_selects_the_commit(checkout: GitRepository) -> None:
    """A tag links to its commit, with the files of that commit."""
    checkout.git("tag", "v1")
    first = checkout.shas()[0]
    checkout.commit(files={"main.py": None})
    assert links("main.py:2: Error\n") == [None]
    assert links("main.py:2: Error\n", "--ref", "v1") == [f"https://github.com/acme/shop/blob/{first}/main.py#L2"]
    done = linked(TRACE, "--ref", "v9")
    assert (done.code, done.out) == (1, TRACE)
    assert "unknown ref 'v9'" in done.err


def test_options_override_the_settings_of_the_checkout(checkout: GitRepository) -> None:
    """Remote, kind of host, template and roots can be set by options."""
    sha = checkout.shas()[0]
    text = "unit/util.py:1: Error\n"
    (url,) = links(text, "--remote", "ssh://git@git.acme.example/shop", "--kind", "gitea", "--map", "unit=lib")
    assert url == f"https://git.acme.example/shop/src/commit/{sha}/lib/util.py#L1"
    (url,) = links("main.py:2: Error\n", "--template", "{base_url}/f/{path}?at={ref}&l={line}")
    assert url == f"https://github.com/f/main.py?at={sha}&l=2"
    (frame,) = frames("x/gone.py:1: Error\n", "--map", "x=lib")
    assert (frame["reason"], frame["message"]) == ("file_not_found", "lib/gone.py is not in the commit")


def test_settings_of_git_select_remote_and_kind(checkout: GitRepository) -> None:
    """The branch's remote, ``insteadOf`` and ``scmhost.kind`` are used."""
    sha = checkout.shas()[0]
    checkout.git("remote", "add", "forge", "acme:shop.git")
    checkout.git("config", "branch.main.remote", "forge")
    checkout.git("config", "url.https://code.acme.example/team/.insteadOf", "acme:")
    assert "the kind of code host at code.acme.example is not known" in linked(TRACE).err
    checkout.git("config", "scmhost.kind", "gitlab")
    assert links("main.py:2: E\n") == [f"https://code.acme.example/team/shop/-/blob/{sha}/main.py#L2"]
    assert links("main.py:2: E\n", "--remote", "origin") == [f"https://github.com/acme/shop/blob/{sha}/main.py#L2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("remote", "remove", "origin"), "this checkout has no remote"),
        (("remote", "set-url", "origin", "/srv/git/shop"), "the checkout's remote is not on a code host"),
        (("remote", "set-url", "origin", "https://code.acme.example/shop"), "git config scmhost.kind KIND"),
    ],
)
def test_text_passes_through_after_an_error(checkout: GitRepository, words: tuple[str, ...], message: str) -> None:
    """If no link can be made the text is printed unchanged, and the error has the next step."""
    checkout.git(*words)
    done = linked(TRACE)
    assert (done.code, done.out) == (1, TRACE)
    assert message in done.err


def test_unknown_remote_is_an_error(checkout: GitRepository) -> None:
    """A name that is no remote is not taken for a URL without a code host."""
    assert checkout.shas()
    done = linked(TRACE, "--remote", "upstraem")
    assert (done.code, done.out) == (1, TRACE)
    assert "'upstraem' is neither a remote of this checkout nor a URL; git remote -v lists the remotes" in done.err


def test_no_checkout_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a checkout the text is printed unchanged, and the error has the next step."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    done = linked(TRACE)
    assert (done.code, done.out) == (1, TRACE)
    assert "not in a git checkout" in done.err


def test_checkout_without_commit_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository without a commit has nothing to link to."""
    monkeypatch.chdir(GitRepository(tmp_path / "fresh").path)
    assert "has no commit yet" in linked(TRACE).err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--release", "1.0"), "--release needs --org"),
        (("--org", "acme", "--kind", "gitea"), "--kind applies to the checkout"),
        (("--org", "acme", "--map", "a=b"), "--map applies to the checkout"),
        (("--org", "acme"), "--org needs --project"),
        (("--map", "app"), "write STACK=SOURCE"),
    ],
)
def test_options_that_exclude_each_other_are_refused(
    checkout: GitRepository, options: tuple[str, ...], message: str
) -> None:
    """Wrong usage is reported before any text is read."""
    done = linked(TRACE, *options)
    assert (done.code, message in done.err) == (2, True)


def test_json_document_is_read_as_a_whole(checkout: GitRepository) -> None:
    """The frames of an event are found in a document of one line or of many lines."""
    event = {"exception": {"values": [{"stacktrace": {"frames": [{"filename": "main.py", "lineno": 2}]}}]}}
    expected = [f"https://github.com/acme/shop/blob/{checkout.shas()[0]}/main.py#L2"]
    for text in (json.dumps(event), json.dumps(event, indent=1)):
        assert links(text) == expected
    done = linked(json.dumps(event, indent=1))
    assert [line for line in done.out.splitlines() if "->" not in line] == json.dumps(event, indent=1).splitlines()


def test_log_line_with_a_bracket_is_no_document(checkout: GitRepository) -> None:
    """Such lines are read one by one."""
    assert links("[ERROR] main.py:2: Error\n[1, 2\nmain.py:1: Error\n") != [None, None]


def test_link_for_an_earlier_line_is_printed(checkout: GitRepository) -> None:
    """IPython prints the line number below the file; the link is on the line of the file."""
    text = "main.py in run()\n      1 one\n----> 2 two\n      3 three\n"
    (frame,) = frames(text)
    assert (frame["line"], frame["textLine"]) == (2, 1)
    assert linked(text).out.splitlines()[1].endswith("main.py#L2")


def test_several_files_are_printed_one_after_the_other(checkout: GitRepository) -> None:
    """Each file is read on its own, and the summary counts all of them."""
    Path("../a.log").write_text("main.py:1: Error", encoding="utf-8")
    Path("../b.log").write_text("main.py:2: Error\n", encoding="utf-8")
    page = f"https://github.com/acme/shop/blob/{checkout.shas()[0]}/main.py"
    done = scmhost("link", "../a.log", "../b.log", "../a.log")
    assert done.out == (
        f"main.py:1: Error\n    -> {page}#L1\nmain.py:2: Error\n    -> {page}#L2\nmain.py:1: Error\n    -> {page}#L1\n"
    )
    assert done.err.startswith("3 of 3 ")
    document = json.loads(scmhost("link", "../a.log", "../b.log", "--json").out)
    assert [(frame["textFile"], frame["textLine"]) for frame in document["frames"]] == [
        ("../a.log", 1),
        ("../b.log", 1),
    ]


def test_missing_file_is_reported_before_any_output(checkout: GitRepository) -> None:
    """A typo in the last name does not cost the output of the first."""
    Path("../a.log").write_text("main.py:1: Error\n", encoding="utf-8")
    done = scmhost("link", "../a.log", "../gone.log")
    assert (done.code, done.out, "../gone.log" in done.err) == (2, "", True)


def test_file_of_the_repository_sets_kind_and_maps(checkout: GitRepository) -> None:
    """Its kind applies to unknown hosts; settings of git and options override it."""
    checkout.git("remote", "set-url", "origin", "https://code.acme.example/team/shop")
    sha = checkout.commit(files={"other/lib/util.py": "x\n"})
    Path(".scmhost.toml").write_text('kind = "gitea"\n[maps]\n"/unit" = "lib"\n"/unit/a" = "shop"\n', encoding="utf-8")
    text = '  File "/unit/util.py", line 1, in f\n  File "/unit/a/cart.py", line 2, in f\n'
    view = f"https://code.acme.example/team/shop/src/commit/{sha}"
    assert links(text) == [f"{view}/lib/util.py#L1", f"{view}/shop/cart.py#L2"]
    assert links(text, "--map", "/unit=other/lib")[0] == f"{view}/other/lib/util.py#L1"
    checkout.git("config", "scmhost.kind", "gitlab")
    assert links(text)[0] == f"https://code.acme.example/team/shop/-/blob/{sha}/lib/util.py#L1"
    assert links(text, "--kind", "gitea")[0] == f"{view}/lib/util.py#L1"


def test_kind_of_the_file_does_not_change_known_hosts(checkout: GitRepository) -> None:
    """A fork on GitHub stays on GitHub, although the repository itself is elsewhere."""
    Path(".scmhost.toml").write_text('kind = "gitea"\n', encoding="utf-8")
    assert links("main.py:2: E\n") == [f"https://github.com/acme/shop/blob/{checkout.shas()[0]}/main.py#L2"]


def test_remote_of_the_file_is_used_where_it_exists(checkout: GitRepository) -> None:
    """A clone without that remote uses its own."""
    sha = checkout.shas()[0]
    Path(".scmhost.toml").write_text('remote = "upstream"\n', encoding="utf-8")
    assert links("main.py:2: E\n") == [f"https://github.com/acme/shop/blob/{sha}/main.py#L2"]
    checkout.git("remote", "add", "upstream", "git@github.com:first/shop.git")
    assert links("main.py:2: E\n") == [f"https://github.com/first/shop/blob/{sha}/main.py#L2"]
    assert links("main.py:2: E\n", "--remote", "origin") == [f"https://github.com/acme/shop/blob/{sha}/main.py#L2"]


def test_mistake_in_the_file_is_reported(checkout: GitRepository) -> None:
    """The text comes through, and the error has the line."""
    Path(".scmhost.toml").write_text('kind = "gitea"\nkinds = 3\n', encoding="utf-8")
    done = linked(TRACE)
    assert (done.code, done.out) == (1, TRACE)
    assert f"error: {checkout.path}/.scmhost.toml:2: unknown setting 'kinds'" in done.err


def test_editor_opens_files_on_disk(checkout: GitRepository) -> None:
    """No remote is needed, and options for the code host are refused."""
    checkout.git("remote", "remove", "origin")
    Path("fresh.py").write_text("x\n", encoding="utf-8")
    done = linked("fresh.py:1:3: Error\n", "--editor", "vscode")
    assert done.out.splitlines()[1] == f"    -> vscode://file{checkout.path}/fresh.py:1:3"
    done = linked(TRACE, "--editor", "notepad")
    assert (done.code, done.out) == (1, TRACE)
    assert "error: --editor 'notepad': choose clion, cursor" in done.err
    done = linked(TRACE, "--editor", "vscode", "--ref", "main")
    assert (done.code, "--ref has no effect with --editor" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--kind", "gitaea"), "error: 'gitaea' is not a kind of code host; did you mean gitea"),
        (("--kind", "x"), "error: 'x' is not a kind of code host; choose one of allura"),
        (("--template", "{nope}"), "error: template '{nope}': "),
        (("--template", "vscode://file/{path}"), "error: template 'vscode://file/{path}': "),
    ],
)
def test_wrong_kind_or_template_is_one_sentence(
    checkout: GitRepository, options: tuple[str, ...], message: str
) -> None:
    """The text comes through unchanged."""
    done = linked(TRACE, *options)
    assert (done.code, done.out) == (1, TRACE)
    assert done.err.startswith(message)
    assert done.err.count("\n") == 1


def test_guess_is_marked_in_text(checkout: GitRepository) -> None:
    """A path that shares only its end with a file is a guess."""
    checkout.commit(files={"src/till/desk.py": "x\n"})
    done = linked('  File "/build/till/desk.py", line 1, in f\n')
    assert re.fullmatch(
        r"    -> https://github\.com/acme/shop/blob/\w+/src/till/desk\.py#L1 ~", done.out.splitlines()[1]
    )
    assert "~ marks a guess" in done.err


def test_hint_names_the_option_of_a_checkout(checkout: GitRepository) -> None:
    """A checkout has no code mappings."""
    done = linked('  File "/build/gone.py", line 1, in f\n')
    assert "Otherwise add --map, as in --map /app=src." in done.err
    assert "code mapping" not in done.err
