"""Measure how many lines of ordinary text have a place that nobody wrote: a time, a port or a version read as a file.

The text is what the machine has: documentation, changelogs, logs, source code in several languages, JSON, and the
diffs of this repository. Files are chosen by a hash of their path, so one machine gives one corpus. Stack traces and
compiler output are rare in it, but they occur, and places that are really written are no errors.

A place counts as invented unless one of these holds, so the number is an upper bound for what nobody wrote:

- a file of that name exists on this machine, or did in the history of this repository;
- the same text names the file again, elsewhere and without this line number;
- a reference with a folder and a known extension stands in a text that is about such files: the changelogs and
  mailing lists of other projects quote places in sources that are not here. These are counted apart, as "unverified".

The first rule forgives a false place whose file happens to exist, and the last two blame changelogs that quote the
compilers and debuggers of other projects: nearly all of what counts as invented is of this kind. So look at the samples
(``--sample 200``) before you believe the number in either direction.

Usage: ``python benchmarks/precision.py [--sample N] [--megabytes N]``. Exits with 1 if more than 0.1 % of the lines
have an invented place.
"""

import argparse
import gzip
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final

from scmhost.frames import FrameMatch, read_text

ROOT: Final = Path(__file__).parents[1]
MOST_INVENTED: Final = 0.001
LARGEST_FILE: Final = 400_000
MEGABYTE: Final = 1_000_000

# What is read, from where, and the endings of the names; each gives an equal share of the corpus.
PACKAGES: Final = sysconfig.get_path("purelib")
SOURCES: Final = {
    "documentation": ("/usr/share/doc /usr/share/perl /usr/share/vim", ".txt .md .rst .html README .gz"),
    "data": ("/usr/share", ".json .xml .yaml .yml .css .svg .conf .desktop .po .toml"),
    "logs": ("/var/log", ".log .log.1 .gz syslog messages"),
    "python": (f"{sysconfig.get_path('stdlib')} {PACKAGES} /usr/lib/python3", ".py"),
    "c": ("/usr/include /usr/src", ".h .hpp .c .cc"),
    "scripts": ("/usr/lib /usr/local/lib /usr/share", ".js .mjs .ts .rb .pl .pm .php .sh .lua .go"),
    "packages": ("/usr/lib/node_modules /usr/local/lib /usr/share/nodejs", ".json .md .css .map"),
}
DIFFS: Final = ("git", "log", "-p", "--no-color", "--max-count=3000", "--", "core", "docs", "plugins", "*.md", "*.toml")


@dataclass(slots=True)
class Tally:
    """The places of a part of the corpus."""

    lines: int = 0
    size: int = 0
    places: int = 0
    unverified: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)


def main() -> None:
    """Print the numbers of each part, and samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, default=15, metavar="N", help="places to print, of each verdict")
    parser.add_argument("--megabytes", type=float, default=4, metavar="N", help="the size of each part")
    arguments = parser.parse_args()
    tallies = _tallies(int(arguments.megabytes * MEGABYTE))
    print(f"{'part':15} {'MB':>6} {'lines':>9} {'places':>7} {'unverified':>10} {'invented':>9}")
    for name, tally in tallies.items():
        counts = (tally.places, len(tally.unverified), len(tally.invented))
        print(f"{name:15} {tally.size / MEGABYTE:6.1f} {tally.lines:9,} {counts[0]:7,} {counts[1]:10,} {counts[2]:9,}")
    _print_samples(tallies.values(), arguments.sample)
    lines, share = sum(tally.lines for tally in tallies.values()), _invented(tallies)
    print(f"{lines:,} lines; {share:.4%} with an invented place (at most {MOST_INVENTED:.1%})")
    sys.exit(share > MOST_INVENTED)


def ratios() -> dict[str, float]:
    """Return the share of lines with an invented place, in percent, of at least 20 MB of text."""
    return {"frames/lines with an invented place, %": 100 * _invented(_tallies(4 * MEGABYTE))}


def _tallies(share: int) -> dict[str, Tally]:
    known = set(_names_on_disk()) | set(_names_in_history())
    return {name: _tally(texts, known) for name, texts in _corpus(share)}


def _invented(tallies: Mapping[str, Tally]) -> float:
    lines = sum(tally.lines for tally in tallies.values())
    return sum(len(tally.invented) for tally in tallies.values()) / lines


def _print_samples(tallies: Iterable[Tally], number: int) -> None:
    random = Random(1)
    for verdict in ("written", "unverified", "invented"):
        rows = [row for tally in tallies for row in getattr(tally, verdict)]
        print(f"\n{verdict}: {len(rows):,} lines, for example")
        for row in random.sample(rows, min(number, len(rows))):
            print(f"  {row}")
    print()


def _corpus(share: int) -> Iterator[tuple[str, Iterator[str]]]:
    for name, (folders, endings) in SOURCES.items():
        yield name, _texts(folders.split(), tuple(endings.split()), share)
    yield "diffs", _diffs(share)


def _texts(folders: Iterable[str], endings: tuple[str, ...], share: int) -> Iterator[str]:
    paths = [path for folder in folders for path in _files(Path(folder)) if path.name.endswith(endings)]
    size = 0
    for path in sorted(paths, key=lambda path: sha256(str(path).encode()).digest()):
        text = _text(path)
        size += len(text)
        yield text
        if size >= share:
            return


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _text(path: Path) -> str:
    """Return the text of a file, or nothing for one that is too large, binary or not readable."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            return ""
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError):
        return ""
    return "" if b"\0" in content[:10_000] else content.decode(errors="replace")


def _diffs(share: int) -> Iterator[str]:
    text = subprocess.run(DIFFS, cwd=ROOT, capture_output=True, check=True).stdout.decode(errors="replace")
    yield text[:share]


def _names_on_disk() -> Iterator[str]:
    for folder in ("/usr", "/etc", "/opt", "/var/log", str(ROOT)):
        yield from (path.name for path in Path(folder).rglob("*"))


def _names_in_history() -> Iterator[str]:
    command = ("git", "log", "--format=", "--name-only")
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    yield from (Path(name).name for name in names.splitlines())


def _tally(texts: Iterable[str], known: set[str]) -> Tally:
    tally = Tally()
    for text in texts:
        lines = text.split("\n")
        tally.lines += len(lines)
        tally.size += len(text)
        seen: set[int] = set()
        for match in read_text(text, limit=len(text), most=len(text)).frames:
            tally.places += 1
            if match.text_line not in seen:
                seen.add(match.text_line)
                rows = getattr(tally, _verdict(match, text, known))
                frame = match.frame
                rows.append(f"{frame.kind} {frame.path}:{frame.line}  <-  {lines[match.text_line].strip()[:160]}")
    return tally


def _verdict(match: FrameMatch, text: str, known: set[str]) -> str:
    path = match.frame.path
    name = re.split(r"[/\\]", path)[-1]
    if name in known or _named_again(name, text):
        return "written"
    return "unverified" if re.search(r"\w[/\\][\w.-]+\.[A-Za-z]\w{0,5}$", path) else "invented"


def _named_again(name: str, text: str) -> bool:
    """Return whether a text has the name of a file without a number after it."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w:(\[]|\.\w)", text) is not None


if __name__ == "__main__":
    main()
