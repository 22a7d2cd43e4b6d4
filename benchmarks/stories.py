"""Count the project's own files that run code during one request, and during the load of one plugin.

A reader who follows a request from its route to its answer opens these files. Imports do not count: before anything is
counted, other requests are answered, and code that runs because a module is imported is left out. Each request is
counted twice: the first of its kind, which fills the caches, and one more of the same kind, as most requests are.

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
        """Record the file of a function that begins or continues. Return nothing, so that lines are not traced."""
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


def measure() -> dict[str, tuple[set[str], set[str]]]:
    """Return the files of each story: of the first request, and of one more. A plugin is loaded once."""
    recorder = Recorder()
    recorder.install()
    stories = {name: _files_of(recorder, *parts) for name, parts in REQUESTS.items()}
    load = _plugin_loader()
    with recorder.recording():
        load()
    return {**stories, "load a plugin": (recorder.files, recorder.files)}


def _files_of(
    recorder: Recorder, prepare: Callable[["ApiClient"], Any], request: Callable[["ApiClient", Any, str], None]
) -> tuple[set[str], set[str]]:
    from api import open_api  # noqa: PLC0415 - imported after the recorder, which misses older threads

    counted = []
    with TemporaryDirectory() as folder, open_api(Path(folder), background=False) as api:
        prepared = prepare(api)
        api.get("projects/")
        for name in ("first", "second"):
            with recorder.recording():
                request(api, prepared, name)
            counted.append(recorder.files)
    return counted[0], counted[1]


def _unclaimed(api: "ApiClient") -> tuple[dict[str, Any], dict[str, Any]]:
    repositories = {name: api.repository(name, f"https://git.example.com/{name}") for name in ("first", "second")}
    return repositories, api.install()


def _mapped(api: "ApiClient") -> None:
    answer = api.mapping(*api.claimed())
    assert answer.is_success, answer.text


def _claim(api: "ApiClient", prepared: tuple[dict[str, Any], dict[str, Any]], name: str) -> None:
    repositories, installation = prepared
    answer = api.claim(repositories[name], installation)
    assert answer.is_success, answer.text


def _link(api: "ApiClient", _prepared: None, _name: str) -> None:
    assert api.link(file="/srv/app/shop/cart.py", lineNo="3")["sourceUrl"]


def _link_trace(api: "ApiClient", _prepared: None, _name: str) -> None:
    answer = api.post("/api/0/projects/acme/web/trace-links/", {"text": PASTED})
    assert answer.is_success, answer.text


def _release(api: "ApiClient", _prepared: None, name: str) -> None:
    sha = name.encode().hex().ljust(40, "0")
    commit = {"id": sha, "repository": "team/app", "patch_set": [{"path": "shop/cart.py", "type": "M"}]}
    api.release(name, commits=[commit])


REQUESTS: Final[dict[str, tuple[Callable[["ApiClient"], Any], Callable[["ApiClient", Any, str], None]]]] = {
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
    print(f"{'story':<34} {'first':>5} {'again':>5} {'at most':>7}")
    for story, (first, again) in stories.items():
        print(f"{story:<34} {len(first):>5} {len(again):>5} {AT_MOST[story]:>7}")
        if "--files" in sys.argv:
            names = sorted(first | again)
            print(
                "".join(f"    {Path(name).relative_to(ROOT)}{'' if name in again else ' (first)'}\n" for name in names)
            )
    return int(any(len(again) > AT_MOST[story] for story, (_, again) in stories.items()))


if __name__ == "__main__":
    sys.exit(main())
