"""Measure how many frames are placed, and how many of them right, in monorepos with repeated file names.

``monorepos`` has how the repositories and the traces are made.

A frame is placed if a derived mapping leads to a listed file, which is what links it. Precision: how many placed frames
are placed at their file. Recall: how many frames that have a file are placed at it. ``unique files`` is the rule that
compares each frame alone: a file counts if it is the only one that the frame can mean. ``checkout`` is the rule of
``scmhost link`` in a checkout, which has no mappings, for frames one by one and for all frames of a trace.

Usage: ``python benchmarks/derivation.py [--monorepos N] [--traces N] [--seed N] [DIRECTORY...]``. Each further
directory holds packages or checkouts, one in each folder. Exits with 1 if the precision is below 99 % or the recall is
less than 10 points above that of ``unique files``.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from monorepos import MONOREPO, Monorepo, Package, Trace, find_packages, name_of

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
from scmhost.mapping.file_tree import FileTree, LocatedFile
from scmhost.mapping.paths import FramePath, read_frame_path, read_printed_path

LEAST_PRECISION: Final = 99
LEAST_GAIN: Final = 10
ALONE, TOGETHER = "unique files", "all frames together"
CHECKOUT_ALONE, CHECKOUT_TOGETHER = "checkout, one by one", "checkout, all frames together"

Files = Mapping[str, Sequence[str]]
# The repository and file of a frame, if it is placed.
Target = tuple[str, str] | None
PlaceFrames = Callable[[list[FrameInfo], Files], list[Target]]
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


Tallies = Mapping[tuple[str, str], Tally]


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
    tallies = measure(packages, arguments.monorepos, arguments.traces, arguments.seed)
    print(f"{len(packages)} packages, {sum(len(each.files) for each in packages):,} source files\n")
    report(tallies)
    for line in tallies[TOGETHER, "all"].wrong[: arguments.wrong]:
        print(line)
    found = shares(tallies)
    sys.exit(
        found["derivation/precision, %"] < LEAST_PRECISION or found["derivation/recall gained, points"] < LEAST_GAIN
    )


def ratios() -> dict[str, float]:
    """Return the shares by the name of their bound."""
    return shares(measure(list(find_packages([])), 40, 60, 1))


def shares(tallies: Tallies) -> dict[str, float]:
    """Return the precision, and by how much the recall is above that of each frame alone."""
    found = {}
    for name, alone, together in (("", ALONE, TOGETHER), (" in a checkout", CHECKOUT_ALONE, CHECKOUT_TOGETHER)):
        before, after = (tallies[rule, "all"].shares() for rule in (alone, together))
        found[f"derivation/precision{name}, %"] = 100 * after[0]
        found[f"derivation/recall gained{name}, points"] = 100 * (after[1] - before[1])
    return found


def measure(packages: Sequence[Package], monorepos: int, traces: int, seed: int) -> Tallies:
    """Place the frames of many traces by each rule."""
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    random = Random(seed)
    for _ in range(monorepos):
        monorepo = Monorepo(packages, random)
        for _ in range(traces):
            kind, trace = monorepo.trace()
            for name, rule in RULES.items():
                for key in (kind, "all"):
                    count(tallies[name, key], rule, trace, monorepo.files)
    return tallies


def report(tallies: Tallies) -> None:
    """Print a row for each rule and kind of deployment."""
    print("| deployment | rule | frames | precision | recall | ms per trace |\n| --- | --- | --- | --- | --- | --- |")
    for kind in sorted({kind for _, kind in tallies}):
        for name in RULES:
            tally = tallies[name, kind]
            precision, recall = tally.shares()
            milliseconds = 1000 * tally.seconds / max(1, tally.traces)
            shares = f"{precision:.1%} | {recall:.1%}" if tally.owned else f"{tally.placed} placed | "
            print(f"| {kind} | {name} | {tally.frames:,} | {shares} | {milliseconds:.1f} |")


def count(tally: Tally, rule: PlaceFrames, trace: Trace, files: Files) -> None:
    """Place the frames of a trace and add them to a tally."""
    names = {name_of(frame.path.replace("\\", "/")) for frame in trace}
    # As the service does, which reads only the files with these names.
    needed = {name: [file for file in listed if name_of(file) in names] for name, listed in files.items()}
    start = time.process_time()
    targets = rule([FrameInfo(filename=frame.path) for frame in trace], needed)
    tally.traces += 1
    tally.seconds += time.process_time() - start
    for frame, target in zip(trace, targets, strict=True):
        tally.frames += 1
        tally.owned += frame.truth is not None
        tally.placed += target is not None
        tally.right += target is not None and target == frame.truth
        if target is not None and target != frame.truth:
            tally.wrong.append(f"{frame.path} -> {target}, not {frame.truth} in {[each.path for each in trace]}")


def by_mappings(derive: Derive) -> PlaceFrames:
    """Return a rule that places frames by derived mappings."""

    def place(infos: list[FrameInfo], files: Files) -> list[Target]:
        placed = derive(infos, files)
        index = MappingIndex([Rule(n, roots.stack_root, roots.source_root) for n, (_, roots) in enumerate(placed)])
        listed = {name: set(paths) for name, paths in files.items()}
        found: list[Target] = []
        for info in infos:
            matches = map_frame(index, info)
            targets = [] if isinstance(matches, Unmapped) else [(placed[m.rule.id][0], m.source_path) for m in matches]
            found.append(next((each for each in targets if each[1] in listed[each[0]]), None))
        return found

    return place


def together(frames: list[FrameInfo], files: Files) -> Placed:
    """The rule of this project."""
    return [(mapping.repository, mapping.roots) for mapping in derive_mappings(frames, files, whole=False)]


def in_checkout(infos: list[FrameInfo], files: Files, *, is_trace: bool) -> list[Target]:
    """The rule of a checkout of the monorepo, for all frames together or one by one."""
    tree = FileTree(files[MONOREPO])
    printed = [read_printed_path(info.filename or "") for info in infos]
    if is_trace:
        tree.place(path for path in printed if path)
    found = [tree.locate(path) if path else None for path in printed]
    return [(MONOREPO, one.path) if isinstance(one, LocatedFile) else None for one in found]


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


RULES: Final[Mapping[str, PlaceFrames]] = {
    ALONE: by_mappings(unique_files),
    TOGETHER: by_mappings(together),
    CHECKOUT_ALONE: partial(in_checkout, is_trace=False),
    CHECKOUT_TOGETHER: partial(in_checkout, is_trace=True),
}


if __name__ == "__main__":
    main()
