"""Write every generated page and print the names of those that changed."""

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
    """Write all generated pages."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for path, text in _all():
        if update(path, text):
            sys.stdout.write(f"{path.name} updated\n")


def _all() -> Iterator[tuple[Path, str]]:
    yield from pages()
    # The same test setup runs the examples in tests/docs.
    sys.path.append(str(_TESTS))
    with TemporaryDirectory() as folder, import_module("api").open_api(Path(folder)) as api:
        yield examples(through(api))


main()
