"""Small parts of the commands: output, options, groups, exit codes, names and answers."""

import io
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from scmhost.checkout.formats import LinkedFrame
from scmhost.checkout.git import GitCommit
from scmhost.checkout.summary import LinkCounts
from scmhost.cli import link_sources
from scmhost.cli import releases as commits_command
from scmhost.cli.context import CommandContext, echo, echo_error, echo_json, fail, read_input, table, width, wrapped
from scmhost.cli.json_lines import answer_lines
from scmhost.cli.link_sources import NoLinks, ServerLinks, UntilFailure, open_source
from scmhost.cli.main import LazyGroup, group, run
from scmhost.cli.mapping_tools import MapRequest
from scmhost.cli.plugin import BadName, Names, NotEmpty, write_plugin
from scmhost.cli.plugin_check import _read_samples
from scmhost.cli.plugins.doctor import plugin_findings
from scmhost.cli.releases import send_history
from scmhost.frames import FrameMatch
from scmhost.frames.frame import Frame
from scmhost.infra.errors import ScmhostError


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def no_host(*_arguments: Any, **_options: Any) -> Any:
    raise ScmhostError("no host is needed here")


def printed_error(call: Any, *arguments: Any) -> tuple[object, str]:
    """Return the exit code and the standard error of a call that exits."""
    with redirect_stderr(io.StringIO()) as err, pytest.raises(SystemExit) as end:
        call(*arguments)
    return end.value.code, err.getvalue()


def test_failure_prints_a_message_and_exits() -> None:
    """The code is 1, or the given one; control characters of the message become visible."""
    assert printed_error(fail, "no") == (1, "error: no\n")
    assert printed_error(fail, "a\x1b[2Jb", 3) == (3, "error: a\u241b[2Jb\n")


def test_output_has_no_lone_surrogates() -> None:
    """Text that no encoding has is replaced in text, and escaped in JSON."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        echo("a\ud800ä")
        echo_json({"ä": "\ud800"})
        echo_error("\ud800\x07")
    assert out.getvalue() == 'a?ä\n{"ä": "\\ud800"}\n'
    assert err.getvalue() == "\ufffd\u2407\n"


@pytest.mark.parametrize("call", [echo, echo_error, lambda text: echo(text, has_colours=True), echo_json])
def test_output_cannot_control_a_terminal(call: Callable[[str], None]) -> None:
    """Texts of databases, plugins and servers: titles, cursor movements, C1 controls and marks of direction."""
    with redirect_stderr(io.StringIO()) as err, redirect_stdout(io.StringIO()) as out:
        call("a\x1b]0;title\x07b\x1b[2Jc\x9b31md\x7fe\rf")
    text = out.getvalue() + err.getvalue()
    assert re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text) == []


def test_colours_of_a_command_stay() -> None:
    """They are added by the command, to text without its own."""
    with redirect_stdout(Terminal()) as out:
        echo(click.style("ready", fg="green"), has_colours=True)
        echo("\x1b[31mred\x1b[0m")
    assert out.getvalue().splitlines() == ["\x1b[32mready\x1b[0m", "red"]


@pytest.mark.parametrize(("columns", "expected"), [("40", 40), ("500", 100), ("0", 80)])
def test_width_is_that_of_the_terminal_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch, columns: str, expected: int
) -> None:
    """Without a terminal, 80 columns are used."""
    monkeypatch.setenv("COLUMNS", columns)
    assert width() == expected


def test_narrow_terminal_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that is wider than the terminal is still printed."""
    monkeypatch.setenv("COLUMNS", "3")
    assert wrapped("some words", "    ").split() == ["some", "words"]
    assert len(table(("A", "B"), [("aaaa", "bbbb")])) == 2


def test_wrapped_text_keeps_its_line_breaks() -> None:
    """Each line is a paragraph of its own."""
    assert wrapped("one\ntwo", "  ") == "  one\n  two"


def test_input_replaces_bytes_that_are_not_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or standard input is text in any case."""
    (tmp_path / "log").write_bytes(b"a\xff\n")
    assert read_input(str(tmp_path / "log")) == "a\ufffd\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xfe")))
    assert read_input("-") == "\ufffd"


@pytest.mark.parametrize("name", ["gone", "."])
def test_unreadable_input_is_wrong_usage(tmp_path: Path, name: str) -> None:
    """The error names the file."""
    with pytest.raises(click.BadParameter, match=str(tmp_path)):
        read_input(str(tmp_path / name))


COMMANDS = {
    "width": ("scmhost.cli.link:frames", "Print frames."),
    "broken": ("scmhost.no_such_module:x", "Cannot be imported."),
}


def test_group_lists_commands_without_importing_them() -> None:
    """The help needs only the summaries, and has them sorted."""
    out = CliRunner().invoke(LazyGroup("tool", lazy=COMMANDS), ["--help"]).output
    assert out.index("broken") < out.index("width")
    assert "Cannot be imported." in out


@pytest.mark.parametrize("words", ["channel", "commits", "db", "organizations", "owners", "repositories", "webhooks"])
def test_help_of_a_group_has_whole_sentences(words: str) -> None:
    """No summary is cut, and no mark for click is printed."""
    help_text = CliRunner().invoke(group, [words, "--help"], terminal_width=60).output
    listed = help_text.partition("Commands:\n")[2]
    assert listed
    assert "..." not in listed
    assert "\\b" not in help_text


def test_group_suggests_the_most_similar_command() -> None:
    """A word that is not similar gets no suggestion."""
    tool = LazyGroup("tool", lazy=COMMANDS)
    assert "Did you mean 'width'?" in CliRunner().invoke(tool, ["widht"]).output
    assert "Did you mean" not in CliRunner().invoke(tool, ["zzz"]).output


def test_missing_package_of_the_server_is_explained() -> None:
    """Only the packages of the server extra are; any other missing module is a defect."""

    def needs(package: str) -> LazyGroup:
        @click.command(name="x")
        def command() -> None:
            raise ModuleNotFoundError(name=package)

        class OneCommand(LazyGroup):
            def get_command(self, _ctx: click.Context, _cmd_name: str) -> click.Command:
                return command

        return OneCommand("tool", lazy={})

    done = CliRunner().invoke(needs("sqlalchemy.orm"), ["x"])
    assert (done.exit_code, 'pip install "scmhost[server]"' in done.output) == (2, True)
    assert isinstance(CliRunner().invoke(needs("other"), ["x"]).exception, ModuleNotFoundError)


def test_error_of_scmhost_becomes_a_message() -> None:
    """A command that cannot open the host exits with 1, without a traceback."""
    assert printed_error(run, no_host, ["migrate"]) == (1, "error: no host is needed here\n")


OPTIONS: dict[str, Any] = {
    **dict.fromkeys(("remote", "kind", "template", "ref", "org", "project", "release", "commit")),
    **dict.fromkeys(("config", "database_url", "url", "token")),
    "maps": (),
}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"project": "web"}, "--project needs --org"),
        ({"commit": "a"}, "--commit needs --org"),
        ({"database_url": "x"}, "--database-url needs --org"),
        ({"org": "a", "remote": "x"}, "--remote applies to the checkout"),
        ({"org": "a", "ref": "x"}, "--ref applies to the checkout"),
        ({"org": "a", "maps": ("a=b",)}, "--map applies to the checkout"),
        ({"org": "a"}, "--org needs --project"),
        ({"maps": ("app",)}, "write STACK=SOURCE"),
        ({"maps": ("=src",)}, "write STACK=SOURCE"),
    ],
)
def test_options_of_another_source_are_wrong_usage(given: Mapping[str, Any], message: str) -> None:
    """The checkout and a project have options of their own."""
    with pytest.raises(click.UsageError, match=message), open_source(CommandContext(no_host), {**OPTIONS, **given}):
        pass


FOUND = [FrameMatch(Frame(f"{name}.py", 3), 0, 0, 4) for name in "abc"]


def test_source_that_cannot_be_opened_gives_no_links() -> None:
    """The text passes through, and the command's error is the summary."""
    assert [(frame.url, frame.reason) for frame in NoLinks().link(FOUND)] == [(None, "error")] * 3
    assert NoLinks().summary(LinkCounts()) == ()


class FailingSource:
    """Links the first frames, and then fails."""

    facts: Mapping[str, object] = {"commit": "c"}

    def __init__(self) -> None:
        self.calls = 0

    def link(self, frames: Sequence[FrameMatch]) -> Sequence[LinkedFrame]:
        self.calls += 1
        if self.calls > 1:
            raise ScmhostError("git failed")
        return [LinkedFrame(found, "https://x", {}) for found in frames]

    def summary(self, counts: LinkCounts) -> Sequence[str]:
        return counts.lines()


def test_source_that_fails_midway_gives_no_further_links() -> None:
    """The text comes through, the source is not asked again, and the command ends with the error."""
    source = FailingSource()
    links = UntilFailure(source)
    assert {frame.url for frame in links.link(FOUND)} == {"https://x"}
    assert links.problem is None
    assert [(frame.url, frame.reason) for frame in [*links.link(FOUND), *links.link(FOUND)]] == [(None, "error")] * 6
    assert (str(links.problem), source.calls, links.facts) == ("git failed", 2, {"commit": "c"})


class Server:
    """A client whose server links the frames of a request to their names, or gives a fixed answer."""

    url = "https://s"

    def __init__(self, answers: Sequence[object] | None = None) -> None:
        self.bodies: list[Any] = []
        self.answers = answers

    def post(self, _path: str, body: Any, _key: str) -> Any:
        self.bodies.append(body)
        if self.answers is not None:
            return self.answers
        keys = ("sourcePath", "confidence", "reason", "message", "nextStep")
        return [{**dict.fromkeys(keys), "link": {"url": f"https://x/{f['filename']}"}} for f in body["frames"]]


def server_links(server: Server, **options: str) -> ServerLinks:
    client: Any = server
    return ServerLinks(client, "/p", {"release": None, "commit": None, **options})


def test_server_gets_frames_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """The links have the order of the frames, and each request has the release."""
    monkeypatch.setattr(link_sources, "_FRAMES_PER_REQUEST", 2)
    server = Server()
    links = server_links(server, release="1.0").link(FOUND)
    assert [frame.url for frame in links] == [f"https://x/{name}.py" for name in "abc"]
    assert [(body["release"], len(body["frames"])) for body in server.bodies] == [("1.0", 2), ("1.0", 1)]
    assert "commit" not in server.bodies[0]


def test_jvm_frames_are_sent_with_their_class() -> None:
    """The server needs the platform to find the folders of a class."""
    server = Server()
    server_links(server).link([FrameMatch(Frame("Cart.java", 1, module="com.Cart", language="kotlin"), 0, 0, 4)])
    assert server.bodies[0]["frames"] == [
        {"filename": "Cart.java", "module": "com.Cart", "lineNo": 1, "absPath": "Cart.java", "platform": "java"}
    ]


@pytest.mark.parametrize("answers", [[], [{}, {}]])
def test_answer_for_another_number_of_frames_gives_no_links(answers: list[object]) -> None:
    """No frame gets a link of another one; the summary has the error, and the server gets no further request."""
    server = Server(answers)
    source = server_links(server)
    assert {frame.reason for frame in source.link(FOUND)} == {"server_unavailable"}
    source.link(FOUND)
    assert len(server.bodies) == 1
    assert source.summary(LinkCounts())[-1] == f"error: https://s answered {len(answers)} of 3 frames"


def test_json_lines_do_not_repeat_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to a malformed line has the field and the problem, without the value, which may be a secret."""
    lines = b'{"frame": {"filename": 5}, "platform": "geheim"}\n{"frame": "a.py", "code_mappings": ["geheim"]}\n'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    with redirect_stdout(io.StringIO()) as out:
        answer_lines(MapRequest, lambda _request: {"ok": True})
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [answer["detail"].partition(":")[0] for answer in answers] == ["frame.filename", "code_mappings.0"]
    assert "geheim" not in out.getvalue()


class Target:
    """Keeps the sizes of the batches that it gets."""

    def __init__(self) -> None:
        self.requested: list[int] = []
        self.sent: list[int] = []

    def missing(self, _repository: str, shas: Sequence[str]) -> set[str]:
        self.requested.append(len(shas))
        return set(shas)

    def send(self, commits: Sequence[Mapping[str, Any]]) -> int:
        self.sent.append(len(commits))
        return len(commits)


def test_history_is_sent_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are limited by their number of SHAs, of commits, and by their size."""
    history = [GitCommit(str(number), "", "", "", "x" * (900 if number == 3 else 1), ()) for number in range(7)]
    monkeypatch.setattr(commits_command, "list_shas", lambda _path, _range: [commit.sha for commit in history])
    monkeypatch.setattr(commits_command, "read_history", lambda _path, _range: iter(history))
    for name, limit in (("SHAS_PER_REQUEST", 4), ("BATCH_SIZE", 3), ("MAX_BATCH_CHARACTERS", 1000)):
        monkeypatch.setattr(commits_command, name, limit)
    target = Target()
    assert send_history(target, "team/app", Path(), "HEAD") == (7, 7)
    assert (target.requested, target.sent) == ([4, 3], [3, 1, 3])


@pytest.mark.parametrize("text", ["Git Box", "git-box", "git_box", "scmhost-git-box", "SCMHOST_Git.Box", " git box "])
def test_spellings_of_a_plugin_name_are_the_same(text: str) -> None:
    """One name gives the distribution, the package and the key."""
    names = Names.of(text)
    assert (names.key, names.distribution, names.package) == ("git_box", "scmhost-git-box", "scmhost_git_box")


@pytest.mark.parametrize("text", ["", "scmhost", "class", "1box", "bóx", "a/b", "../x", "x" * 41, "-", "scmhost-"])
def test_invalid_plugin_name_is_refused(text: str) -> None:
    """A package cannot have this name."""
    with pytest.raises(BadName, match="a plugin cannot be named"):
        Names.of(text)


def test_plugin_is_written_only_into_an_empty_folder(tmp_path: Path) -> None:
    """No placeholder is left, and files that exist are never changed."""
    files = write_plugin(Names.of("gitbox"), tmp_path / "new")
    assert tmp_path / "new/src/scmhost_gitbox/__init__.py" in files
    assert not [file for file in files if "@key@" in file.read_text(encoding="utf-8")]
    (tmp_path / "file").touch()
    for folder in (tmp_path / "new", tmp_path / "file"):
        with pytest.raises(NotEmpty, match="nothing was written"):
            write_plugin(Names.of("other"), folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "samples.toml: "),
        ("setings = 1", "unknown key 'setings'; "),
        ("settings = 5", "settings is not a table"),
        ('push = "x"', "push is not a table"),
        ("[push]\nheaders = {}", "push.body is missing"),
        ("[push]\nbody = 5\nheaders = {}", "push.body is not text"),
        ('[push]\nbody = ""\nheaders = {}\nsecrets = ""', "unknown key 'secrets'"),
        ("file = 'a.py'", "file is not a table"),
        ("[file]\npath = 'a.py'", "file.ref is missing"),
        ("[file]\nref = 'main'\npath = 5", "has text for ref, path and large"),
        ("[file]\nref = 'main'\npath = 'a.py'\noutside = [1]", "a list of texts for outside"),
        ("[file]\nref = 'main'\npath = 'a.py'\nline = 1", "unknown key 'line'"),
    ],
)
def test_invalid_samples_are_reported_with_their_file(tmp_path: Path, text: str, message: str) -> None:
    """The error has the key and what to write instead."""
    file = tmp_path / "samples.toml"
    file.write_text(text, encoding="utf-8")
    code, err = printed_error(_read_samples, file)
    assert (code, message in err) == (1, True), err


PLUGIN = {"name": "forge", "state": "ready", "reason": "", "notes": [], "suspensions": [], "hooks": []}
HOOK = {"name": "scm_link", "calls": 0, "faults": 0, "unavailable": 0}


@pytest.mark.parametrize(
    ("fields", "severity", "problem"),
    [
        ({"state": "broken", "reason": "no import"}, "error", "no import"),
        ({"notes": ["old"]}, "note", "old"),
        ({"hooks": [{**HOOK, "unavailable": 1}]}, "warning", "in the latest call of scm_link"),
        ({"hooks": [{**HOOK, "unavailable": 3}]}, "warning", "in the latest 3 calls of scm_link"),
        ({"hooks": [{**HOOK, "calls": 100, "faults": 2}]}, "warning", "2 of 100 calls of scm_link failed"),
    ],
)
def test_problem_of_a_running_plugin_is_a_finding(fields: Mapping[str, Any], severity: str, problem: str) -> None:
    """Each problem names the plugin and the service."""
    (finding,) = plugin_findings("https://s", {**PLUGIN, **fields})
    assert (finding.severity, finding.subject) == (severity, "plugin forge at https://s")
    assert problem in finding.problem


@pytest.mark.parametrize("hook", [HOOK, {**HOOK, "calls": 99, "faults": 50}, {**HOOK, "calls": 1000, "faults": 10}])
def test_few_failed_calls_are_no_finding(hook: Mapping[str, Any]) -> None:
    """A hook is reported after a hundred calls, if more than one of a hundred failed."""
    assert list(plugin_findings("https://s", {**PLUGIN, "hooks": [hook]})) == []
