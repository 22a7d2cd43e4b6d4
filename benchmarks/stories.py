"""Count the project's own files that run code during one request, and during the load of one plugin.

A reader who follows a request from its route to its answer opens these files. Imports do not count: before anything is
counted, a request of another kind is answered, and code that runs because a module is imported is left out.

Usage: ``python benchmarks/stories.py [--files]``. With ``--files`` the files are listed too.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import CO_OPTIMIZED
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from api import ApiClient

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

OWN: Final = (f"{ROOT}/core/scmhost/", f"{ROOT}/plugins/")
SHA: Final = "a" * 40
PASTED: Final = """\
Traceback (most recent call last):
  File "/srv/app/shop/views.py", line 12, in checkout
    total = cart.total()
  File "/srv/app/shop/cart.py", line 30, in total
    raise ValueError(price)
ValueError: 3
"""
CONFIGURATION: Final = """\
schema = 1
[plugins.custom_scm]
enabled = true
default = true
"""
AT_MOST: Final = {
    "claim a repository": 22,
    "link one frame": 30,
    "link a pasted trace": 34,
    "create a release with one commit": 42,
    "load a plugin": 15,
}


class Recorder:
    """Records the files of the functions that are called in any thread while it is switched on."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.on = False

    def install(self) -> None:
        """Watch this thread, and those that start from now on."""
        threading.settrace(self)
        sys.settrace(self)

    def __call__(self, frame: FrameType, _event: str, _argument: object) -> None:
        """Note the file of a function that begins or goes on. Returns nothing, so that lines are not traced."""
        code = frame.f_code
        # Bodies of modules and classes run at import; they have no fast local variables.
        if self.on and code.co_filename.startswith(OWN) and code.co_flags & CO_OPTIMIZED and not _is_import(frame):
            self.files.add(code.co_filename)

    @contextmanager
    def recording(self) -> Iterator[None]:
        self.files = set()
        self.on = True
        try:
            yield
        finally:
            self.on = False


def _is_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def measure() -> dict[str, set[str]]:
    """Return the files of each story. Each request meets a host of its own, whose caches are empty."""
    recorder = Recorder()
    recorder.install()
    stories = {name: _files_of(recorder, *parts) for name, parts in REQUESTS.items()}
    load = _plugin_loader()
    with recorder.recording():
        load()
    return {**stories, "load a plugin": recorder.files}


def _files_of(
    recorder: Recorder, prepare: Callable[["ApiClient"], object], request: Callable[["ApiClient", Any], object]
) -> set[str]:
    from api import open_api  # noqa: PLC0415 - imported after the recorder, which misses older threads

    with TemporaryDirectory() as folder, open_api(Path(folder), background=False) as api:
        prepared = prepare(api)
        api.get("projects/")
        with recorder.recording():
            request(api, prepared)
    return recorder.files


def _unclaimed(api: "ApiClient") -> tuple[dict[str, Any], dict[str, Any]]:
    return api.repository(), api.install()


def _mapped(api: "ApiClient") -> None:
    answer = api.mapping(*api.claimed())
    assert answer.is_success, answer.text


def _claim(api: "ApiClient", prepared: tuple[dict[str, Any], dict[str, Any]]) -> None:
    answer = api.claim(*prepared)
    assert answer.is_success, answer.text


def _link(api: "ApiClient", _: object) -> None:
    assert api.link(file="/srv/app/shop/cart.py", lineNo="3")["sourceUrl"]


def _link_trace(api: "ApiClient", _: object) -> None:
    answer = api.post("/api/0/projects/acme/web/trace-links/", {"text": PASTED})
    assert answer.is_success, answer.text


def _release(api: "ApiClient", _: object) -> None:
    commit = {"id": SHA, "repository": "team/app", "patch_set": [{"path": "shop/cart.py", "type": "M"}]}
    api.release(commits=[commit])


REQUESTS: Final[dict[str, tuple[Callable[["ApiClient"], object], Callable[["ApiClient", Any], object]]]] = {
    "claim a repository": (_unclaimed, _claim),
    "link one frame": (_mapped, _link),
    "link a pasted trace": (_mapped, _link_trace),
    "create a release with one commit": (_mapped, _release),
}


def _plugin_loader() -> Callable[[], object]:
    """Return what loads one plugin; a host without plugins was opened before."""
    from scmhost.plugins import PluginHost, read_settings  # noqa: PLC0415 - after the recorder
    from scmhost.plugins.discovery import discover  # noqa: PLC0415

    with TemporaryDirectory() as folder:
        file = Path(folder) / "plugins.toml"
        file.write_text(CONFIGURATION, encoding="utf-8")
        PluginHost.open(read_settings(None, {}), candidates=discover()).close()
        settings = read_settings(file, {})
    return lambda: PluginHost.open(settings, candidates=discover())


def main() -> int:
    """Print the table; return 1 if a story takes more files than it should."""
    stories = measure()
    print(f"{'story':<34} {'files':>5} {'at most':>7}")
    for story, files in stories.items():
        print(f"{story:<34} {len(files):>5} {AT_MOST[story]:>7}")
        if "--files" in sys.argv:
            print("".join(f"    {Path(name).relative_to(ROOT)}\n" for name in sorted(files)), end="")
    return int(any(len(files) > AT_MOST[story] for story, files in stories.items()))


if __name__ == "__main__":
    sys.exit(main())
