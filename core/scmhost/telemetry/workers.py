"""Where several workers of one service count together."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Final

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the environment by which the Prometheus client library is told of the folder."""


@contextmanager
def common_folder(*, wanted: bool) -> Iterator[None]:
    """A folder for the counts of workers that are started inside the ``with`` block; one that is named is kept.

    It is empty at first: counts of an earlier run would be taken for those of this one.
    """
    if not wanted or os.environ.get(FOLDER):
        yield
        return
    with TemporaryDirectory(prefix="scmhost-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]
