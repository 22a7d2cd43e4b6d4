"""Monorepos with repeated file names, made of the packages of this machine, and traces of their deployments.

The packages are the environment's and the system's Python packages, the standard library, and the packages of Node.js.
A monorepo combines some dozen of them as services and libraries, in the layouts that people use, so that ``utils.py``,
``__init__.py``, ``models.py``, ``index.js`` and whole packages occur many times. A deployment copies one service, often
with a library, to a folder such as ``/app`` or one of a Windows server, or into a bundle. Its frames are files of the
copy, so that the file of each is known. Between them are frames of libraries that are in no repository; one trace in
eight comes from a program that is in no repository either. No link is right for these.
"""

import os
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from scmhost.mapping.derivation import is_source_file

MONOREPO: Final = "acme/mono"
# As ``limits.derived_from_files``: the service compares no name that more files have.
MOST_WITH_ONE_NAME: Final = 500
SERVICES: Final = range(8, 24)
# Shares of traces whose program is in no repository, is the whole repository, or has a library of it.
FOREIGN: Final = 0.125
WHOLE: Final = 0.15
WITH_LIBRARY: Final = 0.4
# The share of a package's files that an older version of it has too.
UNCHANGED: Final = 0.9
NO_PACKAGES: Final = frozenset({"site-packages", "dist-packages", "test", "tests", "__pycache__"})

# The folder of a service in its repository, and what a deployment copies of it. ``{inner}`` is the package's own name.
PYTHON_LAYOUTS: Final = (
    ("services/{name}/{inner}/", "services/{name}/"),
    ("services/{name}/src/{inner}/", "services/{name}/src/"),
    ("services/{name}/app/", "services/{name}/"),
    ("services/{name}/app/", "services/{name}/app/"),
    ("{name}/", "{name}/"),
    ("libs/{name}/python/{inner}/", "libs/{name}/python/"),
)
NODE_LAYOUTS: Final = (
    ("packages/{name}/", "packages/{name}/"),
    ("apps/{name}/src/", "apps/{name}/"),
    ("apps/{name}/src/", "apps/{name}/src/"),
    ("frontend/{inner}/", "frontend/"),
)
PYTHON_ROOTS: Final = (
    "/app/",
    "/code/",
    "/usr/src/app/",
    "/srv/{name}/releases/20260914101500/",
    "/var/task/",
    "/home/ci/work/build/",
    "C:\\inetpub\\wwwroot\\{name}\\",
    "",
)
NODE_ROOTS: Final = (
    "/usr/src/app/",
    "/app/",
    "webpack:///./",
    "webpack://{name}/./",
    "app:///",
    "D:\\a\\1\\s\\",
    "/var/www/{name}/current/",
    "../",
)
# Where code lies that is in no repository. The last ones are not marked as installed by their path.
PYTHON_LIBRARIES: Final = (
    "/usr/local/lib/python3.12/site-packages/",
    "/usr/lib/python3.12/",
    "C:\\Python312\\Lib\\site-packages\\",
    "/opt/vendor/",
)
NODE_LIBRARIES: Final = ("{root}node_modules/", "{root}node_modules/", "/usr/lib/node_modules/", "{root}vendor/")


class Package(NamedTuple):
    """A package of the machine, with its source files relative to its folder."""

    name: str
    node: bool
    files: tuple[str, ...]


class Service(NamedTuple):
    """A package in the monorepo: its folder, and the folder that deployments copy."""

    package: Package
    folder: str
    copied: str


class TracedFrame(NamedTuple):
    """A printed path, and the repository and file that it means."""

    path: str
    truth: tuple[str, str] | None


Trace = Sequence[TracedFrame]


def find_packages(directories: Sequence[Path]) -> Iterator[Package]:
    """Yield the packages of the machine with at least four source files, each name once."""
    roots = [Path(sysconfig.get_path(name)) for name in ("purelib", "stdlib")]
    roots += [Path("/usr/lib/python3/dist-packages"), *directories]
    node = [Path("/usr/lib/node_modules"), Path("/usr/local/lib/node_modules"), Path("/usr/share/nodejs")]
    roots += [inner for each in node for inner in (each, *sorted(each.glob("*/node_modules"))) if inner.is_dir()]
    seen: set[str] = set()
    for folder in (each for root in roots if root.is_dir() for each in sorted(root.iterdir()) if each.is_dir()):
        files = tuple(source_files(folder)) if folder.name not in seen | NO_PACKAGES else ()
        if len(files) > 3:  # noqa: PLR2004 - a trace has more than one file
            seen.add(folder.name)
            yield Package(folder.name, sum(file.endswith(".py") for file in files) * 2 < len(files), files)


def source_files(folder: Path) -> Iterator[str]:
    """Yield the source files of a package without those that it bundles, relative to its folder."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - {"node_modules", "site-packages", "__pycache__", ".git", "test", "tests"})
        relative = os.path.relpath(parent, folder)
        for name in sorted(names):
            path = name if relative == "." else f"{relative}/{name}"
            if name.endswith((".py", ".js", ".mjs", ".ts", ".rb", ".go")) and is_source_file(path):
                yield path


class Monorepo:
    """Services and libraries in one repository, beside two small repositories, and traces of their deployments."""

    def __init__(self, packages: Sequence[Package], random: Random) -> None:
        self._random = random
        chosen = random.sample(packages, random.choice(SERVICES) + 4)
        names = {package.name for package in chosen}
        # Libraries in no repository: packages that the monorepo does not have.
        self._libraries = [package for package in packages if package.name not in names]
        self._services = [self._service(package, number) for number, package in enumerate(chosen[4:])]
        # A second version of one package: nearly all of its files exist twice.
        forked = random.choice(chosen[4:])
        fewer = tuple(file for file in forked.files if random.random() < UNCHANGED)
        self._services.append(self._service(forked._replace(files=fewer or forked.files), 0, "legacy/"))
        self._foreign = chosen[:2]
        self.files: dict[str, list[str]] = {
            f"acme/{package.name}": [f"src/{file}" for file in package.files] for package in chosen[2:4]
        }
        self.files[MONOREPO] = [file for each in self._services for file in files_of(each)]
        names_of_files = Counter(name_of(file) for listed in self.files.values() for file in listed)
        # As in the service, names that too many files have are left out.
        self.files = {
            name: [file for file in dict.fromkeys(listed) if names_of_files[name_of(file)] <= MOST_WITH_ONE_NAME]
            for name, listed in self.files.items()
        }

    def trace(self) -> tuple[str, Trace]:
        """Return the kind of a deployment, and a trace of it: frames of the deployed files and of libraries."""
        random = self._random
        if random.random() < FOREIGN:
            package = random.choice(self._foreign)
            service = self._service(package, 0)
            root = self._root(package)
            frames = [frame._replace(truth=None) for frame in self._frames(service, root)]
            return "in no repository", self._with_libraries(frames, package, root)
        service = random.choice(self._services)
        root = self._root(service.package)
        if random.random() < WHOLE:
            frames = self._frames(service._replace(copied=""), root)
            return "the whole repository", self._with_libraries(frames, service.package, root)
        frames = self._frames(service, root)
        others = [
            each
            for each in self._services
            if each.package.node == service.package.node and each.package.name != service.package.name
        ]
        kind = "a service and a library" if others and random.random() < WITH_LIBRARY else "one service"
        if kind == "a service and a library":
            library = random.choice(others)
            # A library without a folder of its own gets one, or its files would replace those of the service.
            flat = library.folder.removeprefix(library.copied) in ("", "app/", "src/")
            below = printed(root, f"{library.package.name}/") if flat else root
            frames += self._frames(library, below)[: 1 + len(frames) // 2]
        return kind, self._with_libraries(frames, service.package, root)

    def _service(self, package: Package, number: int, above: str = "") -> Service:
        name = self._random.choice((package.name, f"{package.name}-api", f"team{number}"))
        layout = self._random.choice(NODE_LAYOUTS if package.node else PYTHON_LAYOUTS)
        folder, copied = (above + text.format(name=name, inner=package.name) for text in layout)
        return Service(package, folder, copied)

    def _root(self, package: Package) -> str:
        roots = NODE_ROOTS if package.node else PYTHON_ROOTS
        return self._random.choice(roots).format(name=package.name)

    def _frames(self, service: Service, root: str) -> list[TracedFrame]:
        """Return frames of a few folders of the service, as calls stay near each other."""
        random = self._random
        by_folder: defaultdict[str, list[str]] = defaultdict(list)
        for file in files_of(service):
            by_folder[file.rpartition("/")[0]].append(file)
        weights = [len(listed) for listed in by_folder.values()]
        frames: list[TracedFrame] = []
        for folder in random.choices(list(by_folder), weights, k=random.choice((1, 2, 3))):
            chosen = random.sample(by_folder[folder], min(len(by_folder[folder]), random.choice((1, 2, 3, 4))))
            frames += [
                TracedFrame(printed(root, file.removeprefix(service.copied)), (MONOREPO, file)) for file in chosen
            ]
        return frames

    def _with_libraries(self, frames: list[TracedFrame], package: Package, root: str) -> Trace:
        random = self._random
        mixed = list(frames)
        for _ in range(random.choice((0, 0, 1, 2, 3))):
            library = random.choice(self._libraries)
            if library.node != package.node:
                continue
            places = NODE_LIBRARIES if library.node else PYTHON_LIBRARIES
            place = random.choice(places).format(root=root)
            chosen = random.sample(library.files, min(len(library.files), random.choice((1, 2, 3))))
            mixed += [TracedFrame(printed(place, f"{library.name}/{file}"), None) for file in chosen]
        random.shuffle(mixed)
        return mixed


def files_of(service: Service) -> list[str]:
    """Return the files of a service in its repository."""
    return [service.folder + file for file in service.package.files]


def printed(root: str, path: str) -> str:
    """Return a path below a root as programs print it there."""
    return root + (path.replace("/", "\\") if "\\" in root else path)


def name_of(path: str) -> str:
    """Return the file's name."""
    return path.rpartition("/")[2]
