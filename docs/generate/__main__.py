"""``python -m docs.generate`` writes every generated page, and names those that changed."""

import logging
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from .examples import through
from .pages import DOCS, examples, pages, update

_TESTS: Final = DOCS.parent / "tests"


def main() -> None:
    """Write all pages."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for path, text in _all():
        if update(path, text):
            sys.stdout.write(f"{path.name} is new\n")


def _all() -> Iterator[tuple[Path, str]]:
    yield from pages()
    # The house in which the tests run the examples.
    sys.path.append(str(_TESTS))
    with TemporaryDirectory() as folder, import_module("house").open_house(Path(folder)) as house:
        yield examples(through(house))


main()
