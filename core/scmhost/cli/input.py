"""What commands read: a file, or standard input."""

import sys
from pathlib import Path

import click


def read_input(file: str) -> str:
    """The text of a file or of standard input; bytes that are no UTF-8 are replaced."""
    if file == "-":
        return sys.stdin.buffer.read().decode(errors="replace")
    try:
        return Path(file).read_bytes().decode(errors="replace")
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from error
