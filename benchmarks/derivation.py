r"""Measure how many frames are placed, and how many of them right, in monorepos with repeated file names.

The packages are those of the machine: the environment's and the system's Python packages, the standard library, and
the packages of Node.js. A monorepo combines some dozen of them as services and libraries, in the layouts that people
use, so that ``utils.py``, ``__init__.py``, ``models.py``, ``index.js`` and whole packages occur many times. A
deployment copies one service, often with a library, to a folder such as ``/app`` or ``C:\inetpub``, or into a bundle.
Its frames are files of the copy, so that the file of each is known. Between them are frames of libraries that are in no
repository; one trace in eight comes from a program that is in no repository either. No link is right for these.

A frame is placed if a derived mapping leads to a listed file, which is what links it. Precision: how many placed frames
are placed at their file. Recall: how many frames that have a file are placed at it. ``unique files`` is the rule that
compares each frame alone: a file counts if it is the only one that the frame can mean.

Usage: ``python benchmarks/derivation.py [--monorepos N] [--traces N] [--seed N] [DIRECTORY...]``. Each further
directory holds packages or checkouts, one in each folder. Exits with 1 if the precision is below 99 % or the recall is
less than 10 points above that of ``unique files``.
"""

import argparse
import os
import sys
import sysconfig
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from scmhost.mapping import (
    DerivedRoots,
    FrameInfo,
    MappingIndex,
    Rule,
    Unmapped,
    derive_mappings,
    derive_roots,
    map_frame,
)
from scmhost.mapping.derivation import is_source_file
from scmhost.mapping.paths import FramePath, read_frame_path

LEAST_PRECISION: Final = 0.99
LEAST_GAIN: Final = 0.10
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


Files = Mapping[str, Sequence[str]]
Trace = Sequence[TracedFrame]
# The repository and the roots of derived mappings.
Placed = list[tuple[str, DerivedRoots]]
Derive = Callable[[list[FrameInfo], Files], Placed]


@dataclass(slots=True)
class Tally:
    """The frames of traces, by what became of them."""

    traces: int = 0
    frames: int = 0
    owned: int = 0
    placed: int = 0
    right: int = 0
    seconds: float = 0
    wrong: list[str] = field(default_factory=list)

    def shares(self) -> tuple[float, float]:
        """Return precision and recall."""
        return self.right / max(1, self.placed), self.right / max(1, self.owned)


def main() -> None:
    """Print the shares by the kind of deployment, and check the bounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("directories", nargs="*", type=Path, metavar="DIRECTORY")
    parser.add_argument("--monorepos", type=int, default=40, metavar="N")
    parser.add_argument("--traces", type=int, default=60, metavar="N", help="traces of each monorepo")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--wrong", type=int, default=0, metavar="N", help="frames at wrong files to print")
    arguments = parser.parse_args()
    packages = list(find_packages(arguments.directories))
    rules: dict[str, Derive] = {"unique files": unique_files, "all frames together": together}
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    random = Random(arguments.seed)
    for _ in range(arguments.monorepos):
        monorepo = Monorepo(packages, random)
        for _ in range(arguments.traces):
            kind, trace = monorepo.trace()
            for name, rule in rules.items():
                for key in (kind, "all"):
                    count(tallies[name, key], rule, trace, monorepo.files)
    print(f"{len(packages)} packages, {sum(len(each.files) for each in packages):,} source files\n")
    report(tallies, rules)
    for line in tallies["all frames together", "all"].wrong[: arguments.wrong]:
        print(line)
    before, after = (tallies[name, "all"].shares() for name in rules)
    sys.exit(after[0] < LEAST_PRECISION or after[1] < before[1] + LEAST_GAIN)


def report(tallies: Mapping[tuple[str, str], Tally], rules: Mapping[str, Derive]) -> None:
    """Print a row for each rule and kind of deployment."""
    print("| deployment | rule | frames | precision | recall | ms per trace |\n| --- | --- | --- | --- | --- | --- |")
    for kind in sorted({kind for _, kind in tallies}):
        for name in rules:
            tally = tallies[name, kind]
            precision, recall = tally.shares()
            milliseconds = 1000 * tally.seconds / max(1, tally.traces)
            shares = f"{precision:.1%} | {recall:.1%}" if tally.owned else f"{tally.placed} placed | "
            print(f"| {kind} | {name} | {tally.frames:,} | {shares} | {milliseconds:.1f} |")


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
        self.files["acme/mono"] = [file for each in self._services for file in files_of(each)]
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
                TracedFrame(printed(root, file.removeprefix(service.copied)), ("acme/mono", file)) for file in chosen
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


def count(tally: Tally, rule: Derive, trace: Trace, files: Files) -> None:
    """Place the frames of a trace and add them to a tally."""
    names = {name_of(frame.path.replace("\\", "/")) for frame in trace}
    # As the service does, which reads only the files with these names.
    needed = {name: [file for file in listed if name_of(file) in names] for name, listed in files.items()}
    infos = [FrameInfo(filename=frame.path) for frame in trace]
    start = time.process_time()
    placed = rule(infos, needed)
    tally.traces += 1
    tally.seconds += time.process_time() - start
    index = MappingIndex([Rule(n, roots.stack_root, roots.source_root) for n, (_, roots) in enumerate(placed)])
    listed = {name: set(paths) for name, paths in needed.items()}
    for frame, info in zip(trace, infos, strict=True):
        matches = map_frame(index, info)
        targets = [] if isinstance(matches, Unmapped) else [(placed[m.rule.id][0], m.source_path) for m in matches]
        target = next((each for each in targets if each[1] in listed[each[0]]), None)
        tally.frames += 1
        tally.owned += frame.truth is not None
        tally.placed += target is not None
        tally.right += target is not None and target == frame.truth
        if target is not None and target != frame.truth:
            tally.wrong.append(f"{frame.path} -> {target}, not {frame.truth} in {[each.path for each in trace]}")


def together(frames: list[FrameInfo], files: Files) -> Placed:
    """The rule of this project."""
    return [(mapping.repository, mapping.roots) for mapping in derive_mappings(frames, files, whole=False)]


def unique_files(frames: list[FrameInfo], files: Files) -> Placed:
    """The rule that compares each frame alone, again without the files below the source roots that it found."""
    waiting = [path for info in frames if isinstance(path := read_frame_path(info), FramePath)]
    found: Placed = []
    while waiting:
        tops: set[str] = set()
        covered = list(found)
        for path in waiting:
            matching = [
                (name, file)
                for name, listed in files.items()
                for file in listed
                if one_ends_other(path.normalized, file)
                and not any(
                    name == other and roots.source_root and file.startswith(roots.source_root)
                    for other, roots in covered
                )
            ]
            roots = derive_roots(FrameInfo(filename=path.raw), matching[0][1]) if len(matching) == 1 else None
            if isinstance(roots, DerivedRoots):
                tops.add(path.top)
                found.append((matching[0][0], roots))
        if not tops:
            break
        waiting = [path for path in waiting if path.top not in tops]
    return sorted(set(found), key=lambda item: (item[0], item[1].stack_root, item[1].source_root))


def one_ends_other(path: str, file: str) -> bool:
    """Return whether one of two paths is the end of the other, by whole segments."""
    return f"/{file}".endswith(f"/{path}") or f"/{path}".endswith(f"/{file}")


if __name__ == "__main__":
    main()
