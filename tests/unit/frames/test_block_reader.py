"""Blocks of lines, one after another."""

import pytest

from scmhost.frames.reader import LONGEST_LINE, REPEATED_LINES, BlockReader

FRAME = '  File "a.py", line 1, in f'
DJANGO = 'File "/srv/app/views.py" in show'


def test_lines_are_numbered_over_blocks() -> None:
    """The number of a line counts the lines of the blocks before."""
    reader = BlockReader()
    assert [match.text_line for match in reader.read(f"x\n{FRAME}\n{FRAME}")] == [1, 2]
    assert [match.text_line for match in reader.read(f"{FRAME}\nx\n{FRAME}")] == [3, 5]


def test_lines_that_no_notation_understands_are_counted() -> None:
    """Blank lines and lines of a notation do not count, in blocks with and without frames."""
    reader = BlockReader()
    list(reader.read("x\n\n   \ny"))
    assert reader.unread == 2
    list(reader.read(f"{FRAME}\nline z\n    at main (native)"))
    assert reader.unread == 3


def test_undo_reads_a_block_again() -> None:
    """After an undo, a block gives the same frames, numbers and count."""
    reader = BlockReader()
    list(reader.read("x"))
    first = list(reader.read(f"y\n{FRAME}"))
    reader.undo()
    assert list(reader.read(f"y\n{FRAME}")) == first
    assert reader.unread == 2


def test_undo_forgets_the_lines_above() -> None:
    """A line of a block that was undone is no context for the next block."""
    reader = BlockReader()
    list(reader.read("~/shop.py in total(x)"))
    reader.undo()
    assert list(reader.read("---> 11     return x")) == []


def test_frame_that_needs_the_next_line_is_reported() -> None:
    """The reader reports that the next line would complete a frame, until a block needs none."""
    reader = BlockReader()
    (match,) = reader.read(DJANGO)
    assert reader.looked_ahead
    assert match.frame.line is None
    reader.undo()
    (match,) = reader.read(DJANGO, "  12.     return total()")
    assert not reader.looked_ahead
    assert match.frame.line == 12


def test_next_line_may_have_escaped_line_ends() -> None:
    """Only the first physical line of the next line completes a frame."""
    reader = BlockReader()
    (match,) = reader.read(DJANGO, "  12.     return total()\\n  13.     x")
    assert match.frame.line == 12


def test_path_above_the_block_has_its_own_line() -> None:
    """The position of a path in an earlier block is on its line there."""
    reader = BlockReader()
    assert list(reader.read("x\n~/shop.py in total(x)\n     10 def total(x):")) == []
    (match,) = reader.read("---> 11     return x")
    assert (match.text_line, match.start, match.frame.line) == (1, 0, 11)


def test_item_of_a_list_of_strings_is_read_without_its_quotes() -> None:
    """A list of strings has a quote before, and a quote and a comma after each line."""
    (match,) = BlockReader().read('    "/srv/shop.go:12 +0x1d",')
    assert (match.frame.path, match.start) == ("/srv/shop.go", 5)


def test_position_ends_before_a_colour() -> None:
    """The colour after a line number is no part of the position; those within it are."""
    line = "\x1b[31m/srv/shop.go\x1b[0m:12\x1b[0m +0x1d"
    (match,) = BlockReader().read(line)
    assert line[match.start : match.end] == "/srv/shop.go\x1b[0m:12"


@pytest.mark.parametrize(("blanks", "frames"), [(0, 1), (1, 0)])
def test_line_of_the_maximal_length_is_read_whole(blanks: int, frames: int) -> None:
    """The maximal length counts the characters of the physical line."""
    frame = "at total (/srv/shop.js:12:3)"
    line = " " * (LONGEST_LINE - len(frame) + blanks) + frame
    matches = [match for match in BlockReader().read(f"{line}\nx") if match.frame.kind == "frame"]
    assert len(matches) == frames


def test_repeated_line_is_read_with_the_lines_around_it() -> None:
    """The same line below another one is another frame."""
    below = "\t/srv/shop.go:12 +0x1d"
    text = f"main.total(0x1)\n{below}\nmain.pay(0x2)\n{below}"
    assert [match.frame.function for match in BlockReader().read(text)] == ["main.total", "main.pay"]


def test_repeated_lines_are_kept_up_to_a_bound() -> None:
    """A text without repetition does not fill the memory, and its first line is still read after many others."""
    reader = BlockReader()
    lines = [f'  File "a{number}.py", line 1, in f' for number in range(REPEATED_LINES + 1)]
    read = [match.frame.path for match in reader.read("\n".join([*lines, lines[0]]))]
    assert (len(read), read[-1]) == (REPEATED_LINES + 2, "a0.py")
    assert len(reader._known) <= REPEATED_LINES
