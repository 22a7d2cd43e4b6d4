"""What a code host says about the lines of a file."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from .commits import Text
from .frozen import Value
from .values import Line, Sha


class BlamedLine(Value):
    """The commit that last changed a line.

    Attributes:
        line: the number of the line in the file that was asked for, from 1.
        sha: the full id of the commit.
        author_name: the author's name.
        author_email: the author's address.
        timestamp: the time of the commit, with a UTC offset.
        original_path: the path of the file in that commit, if it is another one.
        original_line: the number of the line in that commit, if known.
    """

    line: Line
    sha: Sha
    author_name: Text | None = None
    author_email: Text | None = None
    timestamp: AwareDatetime | None = None
    original_path: Annotated[Text, Field(min_length=1, max_length=4096)] | None = None
    original_line: Line | None = None
