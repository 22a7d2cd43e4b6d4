"""Text from a pipe that stays open."""

import os
import subprocess
from pathlib import Path
from select import select

from hypothesis import given
from hypothesis import strategies as st

from command import SCMHOST, GitRepository
from scmhost.checkout.linked_text import LONGEST_PART, read_stream

TIMEOUT_SECONDS = 60.0


def test_open_pipe_is_printed_when_idle(tmp_path: Path) -> None:
    """Complete lines, and the start of the next one, are printed while the pipe is idle."""
    repository = GitRepository(tmp_path / "checkout")
    sha = repository.commit(files={"a.py": "1\n2\n"})
    command = [str(SCMHOST), "link", "--remote", "https://github.com/acme/shop"]
    with subprocess.Popen(
        command, cwd=repository.path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b'a.py:1: Error\n  File "')
        process.stdin.flush()
        page = f"https://github.com/acme/shop/blob/{sha}/a.py"
        expected = f'a.py:1: Error\n    -> {page}#L1\n  File "'.encode()
        assert _read(process.stdout.fileno(), len(expected)) == expected
        process.stdin.write(b'a.py", line 2, in f\n')
        process.stdin.close()
        assert process.stdout.read() == f'a.py", line 2, in f\n    -> {page}#L2\n'.encode()
        assert process.stderr
        process.stderr.read()


def _read(descriptor: int, size: int) -> bytes:
    """Read a number of bytes, or those that arrive within the time limit."""
    found = b""
    while len(found) < size and select([descriptor], [], [], TIMEOUT_SECONDS)[0]:
        block = os.read(descriptor, size - len(found))
        if not block:
            break
        found += block
    return found


@given(st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")), max_size=10), st.booleans())
def test_stream_keeps_every_byte(lines: list[bytes], ended: bool) -> None:
    """All lines arrive complete and in order, with any bytes."""
    content = b"\n".join(lines) + b"\n" * ended
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    arrived_lines = [line for arrived in read_stream(read) for line in arrived.lines]
    os.close(read)
    assert "".join(line.text + line.ending for line in arrived_lines).encode(errors="surrogateescape") == content
    assert not any("\n" in line.text for line in arrived_lines)


def test_very_long_line_is_split(tmp_path: Path) -> None:
    """A very long line is passed on in parts, which bounds memory."""
    file = tmp_path / "long.txt"
    file.write_bytes(b"x" * (3 * LONGEST_PART) + b"\nend")
    with file.open("rb") as opened:
        arrived_lines = [line for arrived in read_stream(opened.fileno()) for line in arrived.lines]
    assert max(len(line.text) for line in arrived_lines) < 2 * LONGEST_PART
    assert [line.ending for line in arrived_lines[-2:]] == ["\n", ""]
    assert sum(len(line.text) for line in arrived_lines) == 3 * LONGEST_PART + len("end")
