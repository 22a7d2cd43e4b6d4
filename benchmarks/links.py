"""One resolved link against 1,000 code mappings: what is known of folders, against walking the ordered list.

Both sides find the same rule for the same path, make the same repository path and the same URL; this is checked
before anything is measured. The walk is what one would write first: normalized roots and ``str.startswith``.

Of all traffic, a part lies in nobody's code mapping, as libraries' frames do. It is ``seen`` where traces name the same
files again and again, ``never seen`` where each file is new but its folder is known, and ``new folders`` where
nothing of a path is known.

The same traffic is also measured with 100,000 mappings: as many folders are named, among many more mappings.
"""

from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter
from typing import NamedTuple

from scmhost.links import BulkLinks
from scmhost.mapping import MappingIndex, Rule
from scmhost.mapping.roots import subject
from scmhost.sdk import NoUrl, UrlTemplates, preset
from scmhost.sdk.ref_links import RefLinks

MAPPINGS = 1_000
MANY_MAPPINGS = 100_000
PACKAGES = ("api", "core", "models", "tasks", "utils", "views")
LIBRARIES = 300
# The part of a trace's frames that is of libraries.
FOREIGN = 0.3
FILES = 200
FRAMES = 10_000
# The walk is slow, and one path in ten tells how slow.
WALKED = slice(None, None, 10)
ROUNDS = 15

# A path and a line to a URL.
Resolve = Callable[[str, int], str | NoUrl | None]
# The paths of a round.
Traffic = Callable[[int], list[str]]


class Monorepo(NamedTuple):
    """Code mappings, the folders that are known of it, and how its frames come."""

    rules: Sequence[Rule]
    known: Sequence[str]
    traffics: dict[str, Traffic]


def main() -> None:
    """Print each number: times faster than the walk, links a second, and times slower among many mappings."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:,.1f}")


def ratios() -> dict[str, float]:
    """For each kind of traffic: the ratio to walking, the links a second, the ratio of many mappings to few."""
    few = _monorepo(MAPPINGS)
    found = {f"links/{name}": _ratio(few.rules, few.known, traffic) for name, traffic in few.traffics.items()}
    # Only now: the collector of garbage looks at whatever is alive.
    many = _monorepo(MANY_MAPPINGS)
    for name in few.traffics:
        seconds, seconds_among_many = _seconds_of_each((few, many), name)
        found[f"links/{name}, a second"] = 1 / seconds
        found[f"links/{name}, 100 times the mappings"] = seconds_among_many / seconds
    return found


def _monorepo(count: int) -> Monorepo:
    rules, random = _rules(count), Random(2)
    folders = [
        f"{rule.stack_root}{package}/handlers" for rule in random.sample(rules, MAPPINGS) for package in PACKAGES
    ]
    libraries = [f"site-packages/library_{number}" for number in range(LIBRARIES)]
    known = [f"{folder}/known.py" for folder in folders + libraries]
    return Monorepo(rules, known, _traffics(random, folders, libraries))


def _rules(count: int) -> list[Rule]:
    """A monorepo's mappings: services, and packages within some of them."""
    random = Random(1)
    roots = [f"services/team-{number // 8}/service_{number}/" for number in range(count // 2)]
    roots += [root + random.choice(PACKAGES) + "/" for root in roots]
    return [Rule(number, root, f"repo/{root}", generated=number % 3 == 0) for number, root in enumerate(roots)]


def _traffics(random: Random, folders: Sequence[str], libraries: Sequence[str]) -> dict[str, Traffic]:
    shuffled = random.sample(folders, len(folders))

    def folder() -> str:
        if random.random() < FOREIGN:
            return random.choice(libraries)
        # Errors come from some places far more often than from others: half of them from an eighth of the folders.
        return shuffled[int(len(shuffled) * random.random() ** 3)]

    files = [f"{folder()}/module_{number}.py" for number in range(FILES)]
    return {
        "seen": lambda _: random.choices(files, k=FRAMES),
        "never seen": lambda round_: [f"{folder()}/module_{round_}_{number}.py" for number in range(FRAMES)],
        "new folders": lambda round_: [f"{folder()}/part_{round_}_{number}/module.py" for number in range(FRAMES)],
    }


def _pages() -> RefLinks:
    templates = UrlTemplates(pages=preset("github").pages, repo_url="https://git.example.com/team/app")
    links = templates.at("main", "branch")
    assert isinstance(links, RefLinks)
    return links


def _ratio(rules: Sequence[Rule], known: Sequence[str], traffic: Traffic) -> float:
    """The quickest walk against the quickest look-up of rounds that take turns: what nothing else has slowed down."""
    pages = _pages()
    walk, look_up = _walk(rules, pages), _look_up(rules, pages, known)
    rounds = [traffic(number) for number in range(ROUNDS)]
    _check(walk, _look_up(rules, pages, known), rounds[0][WALKED])
    seconds = [(_seconds(walk, paths[WALKED]), _seconds(look_up, paths)) for paths in rounds]
    return min(walked for walked, _ in seconds) / min(looked_up for _, looked_up in seconds)


def _seconds_of_each(monorepos: Sequence[Monorepo], name: str) -> Sequence[float]:
    """The quickest of rounds that take turns, for one path of each."""
    looked_up = [_look_up(item.rules, _pages(), item.known) for item in monorepos]
    rounds = [
        [_seconds(look_up, item.traffics[name](number)) for look_up, item in zip(looked_up, monorepos, strict=True)]
        for number in range(ROUNDS)
    ]
    return [min(seconds) for seconds in zip(*rounds, strict=True)]


def _look_up(rules: Sequence[Rule], pages: RefLinks, known: Sequence[str]) -> Resolve:
    links = BulkLinks(MappingIndex(rules), lambda _: pages)
    for path in known:
        links.url(path)
    return links.url


def _walk(rules: Sequence[Rule], pages: RefLinks) -> Resolve:
    ordered = sorted(rules, key=lambda rule: rule.rank)

    def resolve(path: str, line: int) -> str | NoUrl | None:
        wanted = subject(path)
        for rule in ordered:
            if wanted.startswith(rule.prefix):
                source_path = rule.source_path(path)
                return pages.url(source_path, line) if source_path else None
        return None

    return resolve


def _check(walk: Resolve, look_up: Resolve, paths: Sequence[str]) -> None:
    for path in paths:
        link = look_up(path, 12)
        assert walk(path, 12) == (None if isinstance(link, NoUrl) else link)


def _seconds(resolve: Resolve, paths: Sequence[str]) -> float:
    """For one path."""
    begin = perf_counter()
    for path in paths:
        resolve(path, 12)
    return (perf_counter() - begin) / len(paths)


if __name__ == "__main__":
    main()
