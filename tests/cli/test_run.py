"""``scmhost run``: a command in a pseudo-terminal, with links in its output."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from command import SCMHOST, GitRepository, scmhost
from terminal_session import TerminalSession

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tests wait for processes with pidfd_open")

PAGE = "https://github.com/acme/shop/blob"


@pytest.fixture(autouse=True)
def default_signals() -> Iterator[None]:
    """A command inherits which signals are ignored: under ``nohup`` SIGHUP, in the background SIGINT and SIGQUIT."""
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
    earlier = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in zip(numbers, earlier, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """A checkout as the working directory, and the environment of a terminal that is not known."""
    repository = GitRepository(tmp_path / "checkout")
    repository.commit(files={"main.py": "one\ntwo\nthree\n"})
    repository.git("remote", "add", "origin", "git@github.com:acme/shop.git")
    monkeypatch.chdir(repository.path)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "COVERAGE_PROCESS_START")}
    return {**kept, "TERM": "xterm", "GIT_CONFIG_GLOBAL": os.devnull, "PWD": str(repository.path), "PS1": "prompt> "}


def session(
    environ: Mapping[str, str], program: str, *options: str, columns: int = 100, rows: int = 30
) -> TerminalSession:
    """Run a Python program with ``scmhost run`` in a terminal."""
    command = [str(SCMHOST), "run", *options, "--", sys.executable, "-c", program]
    return TerminalSession(command, environ, columns=columns, rows=rows)


def piped(environ: Mapping[str, str], *command: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([SCMHOST, "run", "--", *command], input=stdin, capture_output=True, env=environ, check=False)


def python(environ: Mapping[str, str], program: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return piped(environ, sys.executable, "-c", program, stdin=stdin)


def test_output_has_links_and_the_exit_code_stays(environ: Mapping[str, str]) -> None:
    """A failing command fails, with the link below its line and a summary at the end."""
    with session(environ, "print('main.py:2: Error'); print('end'); raise SystemExit(3)") as terminal:
        assert terminal.wait() == 3
        shown = terminal.shown.decode()
    assert re.fullmatch(
        rf"main\.py:2: Error\r\n    -> {PAGE}/[0-9a-f]{{40}}/main\.py#L2\r\nend\r\n1 of 1 [^\n]* have links\.\r\n",
        shown,
    )


def test_terminal_with_hyperlinks_gets_them(environ: Mapping[str, str]) -> None:
    """The text stays as it is, and the place itself is the link."""
    with session({**environ, "TERM": "xterm-kitty"}, "print('main.py:2: Error')") as terminal:
        assert terminal.wait() == 0
        assert re.match(
            rf"\x1b\]8;;{PAGE}/\w+/main\.py#L2\x1b\\main\.py:2\x1b\]8;;\x1b\\: Err", terminal.shown.decode()
        )


def test_option_decides_on_hyperlinks(environ: Mapping[str, str]) -> None:
    """The option wins over the terminal."""
    with session({**environ, "TERM": "xterm-kitty"}, "print('main.py:2: Error')", "--no-hyperlinks") as terminal:
        assert terminal.wait() == 0
        assert b"\x1b" not in terminal.shown


def test_command_without_frames_adds_nothing(environ: Mapping[str, str]) -> None:
    """A command that succeeds looks as it does without scmhost."""
    with session(environ, "print('ok')") as terminal:
        assert terminal.wait() == 0
        assert terminal.shown == b"ok\r\n"


def test_command_has_a_terminal_of_the_same_size(environ: Mapping[str, str]) -> None:
    """All three streams are a terminal, which is also the controlling one."""
    program = "import os; print(*[os.isatty(n) for n in range(3)], *os.get_terminal_size(), os.open('/dev/tty', 2) > 2)"
    with session(environ, program, columns=133, rows=44) as terminal:
        assert terminal.wait() == 0
        assert terminal.shown == b"True True True 133 44 True\r\n"


def test_change_of_size_is_passed_on(environ: Mapping[str, str]) -> None:
    """The program gets SIGWINCH, and sees the new size."""
    program = """
import os, signal
signal.signal(signal.SIGWINCH, lambda *_: print("now", *os.get_terminal_size(), flush=True))
print("ready", flush=True)
input()
"""
    with session(environ, program) as terminal:
        terminal.wait_for("ready")
        terminal.resize(61, 17)
        terminal.wait_for("now 61 17")
        terminal.press("\n")
        assert terminal.wait() == 0


def test_prompt_without_line_end_appears(environ: Mapping[str, str]) -> None:
    """The program waits for the answer, so the prompt must be shown before the line ends."""
    with session(environ, "print('hello', input('name? '))") as terminal:
        terminal.wait_for("name? ")
        terminal.press("ada\n")
        terminal.wait_for("hello ada")
        assert terminal.wait() == 0


def test_progress_appears_while_it_runs(environ: Mapping[str, str]) -> None:
    """Carriage returns pass unchanged, and each step is shown before the next."""
    program = """
import sys
for step in range(3):
    sys.stdout.write(f"\\r{step}0%")
    sys.stdout.flush()
    sys.stdin.readline()
"""
    with session(environ, program) as terminal:
        for step in range(3):
            assert terminal.wait_for(f"{step}0%").endswith(f"\r{step}0%")
            terminal.press("\n")
        assert terminal.wait() == 0


def test_interrupt_key_reaches_the_command(environ: Mapping[str, str]) -> None:
    """A command may handle Ctrl-C; its exit code stays."""
    program = """
try:
    print("ready", flush=True)
    input()
except KeyboardInterrupt:
    print("stopped main.py:2")
    raise SystemExit(5)
"""
    with session(environ, program) as terminal:
        terminal.wait_for("ready")
        terminal.press("\x03")
        terminal.wait_for("stopped main.py:2")
        assert terminal.wait() == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_death_by_signal_is_passed_on(environ: Mapping[str, str], number: signal.Signals) -> None:
    """A shell must see the signal, to stop a script after Ctrl-C."""
    # Python itself would make an exception of SIGINT.
    default = "" if number == signal.SIGKILL else f"signal.signal({int(number)}, signal.SIG_DFL);"
    program = f"import os, signal; {default} os.kill(os.getpid(), {int(number)})"
    with session(environ, program) as terminal:
        assert terminal.wait() == -number
        assert terminal.terminal_settings() == terminal.settings
    assert python(environ, program).returncode == -number


def test_keys_are_passed_as_they_are(environ: Mapping[str, str]) -> None:
    """A program in raw mode gets control keys as bytes; afterwards the terminal is as before."""
    program = """
import os, tty
tty.setraw(0)
os.write(1, b"ready")
keys = b""
while not keys.endswith(b"q"):
    keys += os.read(0, 100)
os.write(1, repr(keys).encode())
"""
    with session(environ, program) as terminal:
        terminal.wait_for("ready")
        terminal.press("\x03\x1a\x04\x1b[A\rq")
        terminal.wait_for(repr(b"\x03\x1a\x04\x1b[A\rq"))
        assert terminal.wait() == 0
        assert terminal.terminal_settings() == terminal.settings


def test_end_of_input_key_ends_the_input(environ: Mapping[str, str]) -> None:
    """Ctrl-D is the end of the input for a program that reads lines."""
    with session(environ, "import sys; print('ready', flush=True); print(len(sys.stdin.read()), 'read')") as terminal:
        terminal.wait_for("ready")
        terminal.press("abc\n\x04")
        terminal.wait_for("4 read")
        assert terminal.wait() == 0


def test_terminal_of_another_session_is_used(environ: Mapping[str, str]) -> None:
    """A container may give a terminal that controls no job."""
    command = [str(SCMHOST), "run", sys.executable, "-c", "print('hello', input('name? '))"]
    with TerminalSession(command, environ, controlling=False) as terminal:
        terminal.wait_for("name? ")
        terminal.press("ada\n")
        terminal.wait_for("hello ada")
        assert terminal.wait() == 0
        assert terminal.terminal_settings() == terminal.settings


def test_command_ends_with_its_terminal(environ: Mapping[str, str], tmp_path: Path) -> None:
    """When the window is closed, the command gets SIGHUP, and may clean up."""
    program = f"""
import os, signal, sys
def clean_up(*_):
    open({str(tmp_path / "cleaned")!r}, "w").close()
    os._exit(0)
signal.signal(signal.SIGHUP, clean_up)
print("ready", flush=True)
while True:
    signal.pause()
"""
    with session(environ, program) as terminal:
        terminal.wait_for("ready")
        terminal.hang_up()
        assert (tmp_path / "cleaned").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_suspend_key_stops_the_job(environ: Mapping[str, str]) -> None:
    """The shell gets its terminal back, and ``fg`` continues the command."""
    with TerminalSession(["bash", "--norc", "--noediting", "-i"], environ) as terminal:
        terminal.wait_for("prompt> ")
        terminal.press(f"'{SCMHOST}' run -- sh -c 'echo rea''dy; read word; echo got $word; exit 4'\n")
        terminal.wait_for("ready")
        terminal.press("\x1a")
        terminal.wait_for("Stopped")
        terminal.wait_for("prompt> ")
        terminal.press("echo still he''re; fg\n")
        terminal.wait_for("still here")
        terminal.wait_for("run -- sh")
        terminal.press("word\n")
        terminal.wait_for("got word")
        terminal.wait_for("prompt> ")
        terminal.press("echo code $?; exit\n")
        terminal.wait_for("code 4")
        assert terminal.wait() == 0


def test_pipes_keep_streams_apart(environ: Mapping[str, str]) -> None:
    """Without a terminal each stream is linked on its own, and the program sees no terminal."""
    program = "import sys; print('main.py:2: a', sys.stdout.isatty()); print('main.py:3: b', file=sys.stderr)"
    done = python(environ, program)
    assert re.fullmatch(rf"main\.py:2: a False\n    -> {PAGE}/\w+/main\.py#L2\n", done.stdout.decode())
    assert re.match(rf"main\.py:3: b\n    -> {PAGE}/\w+/main\.py#L3\n", done.stderr.decode())


def test_one_pipe_keeps_the_order(environ: Mapping[str, str]) -> None:
    """With ``2>&1`` both streams are one, as in the log of a CI system."""
    program = "import os; [os.write(1 + n % 2, b'line %d\\n' % n) for n in range(50)]"
    done = subprocess.run(
        [SCMHOST, "run", "--", sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environ,
        check=True,
    )
    assert done.stdout.decode() == "".join(f"line {number}\n" for number in range(50))


def test_redirected_error_stays_in_its_file(environ: Mapping[str, str], tmp_path: Path) -> None:
    """On a terminal with ``2> file`` the file has the errors, and the terminal the rest."""
    program = "import sys; print('out', sys.stdout.isatty()); print('err', sys.stderr.isatty(), file=sys.stderr)"
    script = f"'{SCMHOST}' run -- '{sys.executable}' -c \"$PROGRAM\" 2> '{tmp_path}/err'"
    with TerminalSession(["sh", "-c", script], {**environ, "PROGRAM": program}) as terminal:
        assert terminal.wait() == 0
        assert terminal.shown == b"out True\r\n"
    assert (tmp_path / "err").read_text(encoding="utf-8") == "err False\n"


def test_input_from_a_pipe_reaches_the_command(environ: Mapping[str, str]) -> None:
    """Any bytes pass in both directions."""
    content = b"one\r\n\xff\x00two\nend"
    assert piped(environ, "cat", stdin=content).stdout == content
    with TerminalSession(["sh", "-c", f"printf 'a\\nb' | '{SCMHOST}' run -- cat"], environ) as terminal:
        assert terminal.wait() == 0
        assert terminal.shown.replace(b"\r", b"") == b"a\nb"


@pytest.mark.parametrize("in_terminal", [True, False])
def test_large_output_is_complete(environ: Mapping[str, str], *, in_terminal: bool) -> None:
    """Nothing is lost when the program ends right after it has written."""
    program = "import sys; sys.stdout.write(''.join('%06d\\n' % n for n in range(30000)))"
    expected = b"".join(b"%06d\n" % number for number in range(30000))
    if not in_terminal:
        assert python(environ, program).stdout == expected
        return
    with session(environ, program) as terminal:
        assert terminal.wait() == 0
        assert terminal.shown.replace(b"\r", b"") == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_passed_on(environ: Mapping[str, str], number: signal.Signals) -> None:
    """A CI system ends the command by a signal to scmhost; the command may clean up."""
    program = f"""
import signal, sys
signal.signal({int(number)}, lambda *_: sys.exit(7))
print("ready", flush=True)
signal.pause()
"""
    command = [str(SCMHOST), "run", "--", sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait() == 7


def test_reader_that_ends_early_ends_the_command(environ: Mapping[str, str]) -> None:
    """As in every pipe, the next write of the command fails."""
    with subprocess.Popen([SCMHOST, "run", "--", "yes"], stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"y\n"
        process.stdout.close()
        assert process.wait() == -signal.SIGPIPE


def test_process_in_the_background_does_not_keep_the_command(environ: Mapping[str, str], tmp_path: Path) -> None:
    """A server that a command leaves behind holds the output open."""
    os.mkfifo(tmp_path / "fifo")
    done = piped(environ, "sh", "-c", f"cat '{tmp_path}/fifo' & echo started; exit 6")
    assert (done.returncode, done.stdout) == (6, b"started\n")
    # This ends the process in the background.
    os.close(os.open(tmp_path / "fifo", os.O_WRONLY))


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ("no-such-command", 127, "command not found"),
        ("./main.py", 126, "Permission denied"),
    ],
)
def test_command_that_cannot_start(environ: Mapping[str, str], command: str, code: int, message: str) -> None:
    """The exit codes are those of shells."""
    done = piped(environ, command)
    assert (done.returncode, done.stdout, done.stderr.decode()) == (code, b"", f"error: {command}: {message}\n")
    with TerminalSession([SCMHOST, "run", command], environ) as terminal:
        assert terminal.wait() == code
        assert terminal.terminal_settings() == terminal.settings


def test_command_runs_without_a_checkout(environ: Mapping[str, str], tmp_path: Path) -> None:
    """The command matters more than its links."""
    program = "print('main.py:2: Error'); raise SystemExit(3)"
    done = subprocess.run(
        [SCMHOST, "run", "--", sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        env=environ,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, b"main.py:2: Error\n")
    assert done.stderr.decode().startswith("error: this folder is not in a git checkout")


def test_words_after_the_command_are_its_own(environ: Mapping[str, str]) -> None:
    """Two hyphens are needed only before a command that begins with one."""
    done = subprocess.run([SCMHOST, "run", "echo", "--kind", "-x", "--"], capture_output=True, env=environ, check=True)
    assert done.stdout == b"--kind -x --\n"


def test_help_shows_examples_on_lines_of_their_own() -> None:
    """Each can be copied."""
    lines = scmhost("run", "--help").out.splitlines()
    assert {"    scmhost run -- pytest -x", "    scmhost run -- make test"} <= set(lines)


def test_wrong_usage_is_reported_before_the_command_runs() -> None:
    """A command, and options that fit together, are needed."""
    assert scmhost("run").code == 2
    done = scmhost("run", "--map", "x", "--", "touch", "never")
    assert (done.code, "write STACK=SOURCE" in done.err, Path("never").exists()) == (2, True, False)
