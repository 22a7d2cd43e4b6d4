"""The time that a hook has left, and answers that are read within it."""

import io
from time import monotonic

import pytest

from scmhost.sdk import read_answer, remaining_seconds
from scmhost.sdk.execution import DEADLINE


class OneByOne(io.BytesIO):
    """A stream that gives one byte at a time, and notes how many."""

    reads = 0

    def read1(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        return super().read(1 if size else 0)


def test_whole_body_is_read() -> None:
    """The body may come in any number of pieces, and may be empty."""
    assert read_answer(OneByOne(b"pages"), 5) == b"pages"
    assert read_answer(io.BytesIO(b"pages"), 100) == b"pages"
    assert read_answer(io.BytesIO(b""), 0) == b""


@pytest.mark.parametrize("kind", [OneByOne, io.BytesIO])
def test_body_that_is_too_long_is_refused(kind: type[io.BytesIO]) -> None:
    """Only one byte more than the limit is read."""
    stream = kind(b"x" * 1_000)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        read_answer(stream, 10)
    assert stream.tell() == 11


def test_answer_without_end_is_left() -> None:
    """When the budget is used up the answer is not read any further."""
    token = DEADLINE.set(monotonic() - 1)
    try:
        assert remaining_seconds() == 0
        stream = OneByOne(b"x" * 1_000)
        with pytest.raises(TimeoutError, match="did not end in time"):
            read_answer(stream, 1_000)
        assert stream.reads == 1
    finally:
        DEADLINE.reset(token)
