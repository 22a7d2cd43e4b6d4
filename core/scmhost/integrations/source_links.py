"""The page of a file and line of this program, and the place where an error was raised."""

import sysconfig
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from .build_info import BuildInfo, build_info

if TYPE_CHECKING:
    from scmhost.sdk.urls.ref_links import RefLinks

T = TypeVar("T")

MOST_FRAMES: Final = 1_000
"""How many frames of an error are looked at, from the innermost one on."""

_LONGEST_PATH: Final = 4_096

# Installed packages, and Python itself.
_FOREIGN: Final = ("/site-packages/", "/dist-packages/")


class SourcePlace(NamedTuple):
    """A place in the program's own code.

    Attributes:
        file: the path in the repository.
        url: the page of the line on the code host.
    """

    file: str
    line: int
    function: str
    url: str


class SourceLinks:
    """The pages of one build. Without build information, or on an unknown kind of code host, there are none.

    Attributes:
        problem: why there are no links, or None.
    """

    def __init__(self, info: BuildInfo | None = None) -> None:
        self.info = info or build_info()
        self.problem: str | None = None
        self._root = _folder(self.info.root if self.info else "")
        self._pages = self._load(self.info) if self.info else None
        if self.info is None:
            self.problem = "there is no build information; make it with scmhost build-info, or set SCMHOST_REPOSITORY"

    def url(self, path: str, line: int | None) -> str | None:
        """Return the page of a line of the program's own code, or None."""
        file = self.file_of(path)
        return self._page(file, line) if file else None

    def file_of(self, path: str) -> str | None:
        """Return the path in the repository of a file of the program's own code, or None."""
        if len(path) > _LONGEST_PATH:
            return None
        path = path.replace("\\", "/")
        if path.startswith("/") or path[1:3] == ":/":
            if not path.startswith(self._root) or any(part in path for part in _FOREIGN) or _is_python(path):
                return None
            path = path[len(self._root) :]
        path = path.removeprefix("./")
        return None if not path or path.startswith("<") or ".." in path.split("/") else path

    def place_of(self, error: BaseException) -> SourcePlace | None:
        """Return the innermost place in the program's own code that an error passed, or None."""
        for traceback in reversed(deque(_calls(error.__traceback__), MOST_FRAMES)):
            code = traceback.tb_frame.f_code
            file = self.file_of(code.co_filename)
            if file and (url := self._page(file, traceback.tb_lineno)):
                return SourcePlace(file, traceback.tb_lineno, code.co_qualname, url)
        return None

    def _page(self, file: str, line: int | None) -> str | None:
        url = self._pages.url(file, line) if self._pages else None
        return url if isinstance(url, str) else None

    def _load(self, info: BuildInfo) -> "RefLinks | None":
        # Only here, because it takes a hundred times as long as the rest.
        from pydantic import ValidationError  # noqa: PLC0415

        from scmhost.sdk import NoUrl, Pages, TemplateError, UrlError, preset, read_remote  # noqa: PLC0415
        from scmhost.sdk.urls.presets import known_kind  # noqa: PLC0415

        try:
            remote = read_remote(info.repository)
            if info.kind and not known_kind(remote.host or ""):
                remote = read_remote(info.repository, info.kind)
            if remote.web_url is None or (remote.kind is None and not info.template):
                self.problem = f"the kind of code host at {remote.host} is not known; name it to scmhost build-info"
                return None
            pages = Pages(view=info.template) if info.template else preset(remote.kind or "").pages
            links = pages.links(remote.web_url, info.revision, "commit")
        except (UrlError, TemplateError, ValidationError) as error:
            self.problem = str(error)
            return None
        if isinstance(links, NoUrl):
            self.problem = links.message
            return None
        return links


_of_this_program: Final[list[SourceLinks]] = []


def source_links() -> SourceLinks:
    """Return the links of this program. They are made once, as soon as there is build information."""
    if not _of_this_program:
        links = SourceLinks()
        # A program may set its environment variables later.
        if links.info is None:
            return links
        _of_this_program.append(links)
    return _of_this_program[0]


def answer_or(default: T, answer: Callable[[], T]) -> T:
    """Return an answer, or the default if anything goes wrong.

    A report of an error without a link is better than a program that fails while it reports the error.
    """
    try:
        return answer()
    except Exception:  # noqa: BLE001 - tracebacks, exceptions and events may contain anything
        return default


def _calls(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _folder(root: str) -> str:
    """Return a folder with forward slashes and one at its end."""
    return f"{Path(root or '.').absolute().as_posix().rstrip('/')}/"


_PYTHON: Final = tuple({_folder(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")})


def _is_python(path: str) -> bool:
    return path.startswith(_PYTHON)
