"""Time of one resolved link among 1,000 code mappings: the index of folders, compared with a walk of the ordered list.

Both sides find the same rule for a path, and make the same repository path and the same URL. The benchmark checks this
before it measures. The walk is the simplest implementation: normalized roots and ``str.startswith``.

A part of the traffic matches no code mapping, like the frames of libraries. There are three kinds of traffic: ``seen``
repeats the same files, ``never seen`` has new files in known folders, and ``new folders`` has new files in new folders.

The benchmark prints three ratios for each kind of traffic: the speed of a link compared with the walk; its time
compared with joining the parts of a URL, which is the least possible work; and its time among 100,000 mappings compared
with 1,000, with the same number of folders. All sides take turns in each round, and each number is the median of the
ratios of the rounds, because a disturbance then slows both sides of a ratio. The benchmark also prints the links
per second; the goal is 300,000 on one core.
"""

from collections.abc import Callable, Sequence
from random import Random
from statistics import median
from time import perf_counter
from typing import NamedTuple

from scmhost.mapping import MappingIndex, Rule
from scmhost.mapping.code_mapping import comparable
from scmhost.sdk import NoUrl, UrlTemplates, preset
from scmhost.sdk.urls.ref_links import RefLinks

MAPPINGS = 1_000
MANY_MAPPINGS = 100_000
PACKAGES = ("api", "core", "models", "tasks", "utils", "views")
LIBRARIES = 300
# The share of frames that belong to libraries.
FOREIGN = 0.3
FILES = 200
FRAMES = 10_000
# The walk is slow, so only one path in ten is measured with it.
WALKED = slice(None, None, 10)
ROUNDS = 15

# A path and a line to a URL.
Resolve = Callable[[str, int], str | NoUrl | None]
# The paths of a round.
Traffic = Callable[[int], list[str]]


class Monorepo(NamedTuple):
    """Code mappings, paths in their known folders, and the kinds of traffic."""

    rules: Sequence[Rule]
    known: Sequence[str]
    traffics: dict[str, Traffic]


class Round(NamedTuple):
    """Seconds for one path, in one round of a kind of traffic."""

    walk: float
    join: float
    few: float
    many: float


def main() -> None:
    """Print each ratio."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:,.1f}")


def ratios() -> dict[str, float]:
    """Return three ratios for each kind of traffic: to walking, to joining, and of many mappings to few."""
    few, many = _monorepo(MAPPINGS), _monorepo(MANY_MAPPINGS)
    found = {}
    for name in few.traffics:
        rounds = _rounds(few, many, name)
        print(f"links/{name}: {1 / median(item.few for item in rounds):,.0f} a second")
        found[f"links/{name}"] = median(item.walk / item.few for item in rounds)
        found[f"links/{name}, to joining alone"] = median(item.few / item.join for item in rounds)
        found[f"links/{name}, 100 times the mappings"] = median(item.many / item.few for item in rounds)
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
    """Return the mappings of a monorepo: services, and packages within some of them."""
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


def _rounds(few: Monorepo, many: Monorepo, name: str) -> Sequence[Round]:
    """Measure rounds of one kind of traffic; each round measures all sides."""
    pages = _pages()
    walk = _walk(few.rules, pages)
    look_up, look_up_among_many = (_look_up(item.rules, pages, item.known) for item in (few, many))
    _check(walk, _look_up(few.rules, pages, few.known), few.traffics[name](0)[WALKED])
    rounds = []
    for number in range(ROUNDS):
        paths, others = few.traffics[name](number), many.traffics[name](number)
        sides = ((walk, paths[WALKED]), (_join, paths), (look_up, paths), (look_up_among_many, others))
        rounds.append(Round(*(_seconds(resolve, of_side) for resolve, of_side in sides)))
    return rounds


def _join(path: str, line: int) -> str:
    return f"https://git.example.com/team/app/blob/main/repo/{path}#L{line}"


def _look_up(rules: Sequence[Rule], pages: RefLinks, known: Sequence[str]) -> Resolve:
    index = MappingIndex(rules)
    for path in known:
        index.matches(path)

    def resolve(path: str, line: int) -> str | NoUrl | None:
        for _, source_path in index.matches(path):
            if source_path:
                return pages.url(source_path, line)
        return None

    return resolve


def _walk(rules: Sequence[Rule], pages: RefLinks) -> Resolve:
    ordered = sorted(rules, key=lambda rule: rule.rank)

    def resolve(path: str, line: int) -> str | NoUrl | None:
        text = comparable(path)
        for rule in ordered:
            if text.startswith(rule.prefix):
                source_path = rule.source_path(path)
                return pages.url(source_path, line) if source_path else None
        return None

    return resolve


def _check(walk: Resolve, look_up: Resolve, paths: Sequence[str]) -> None:
    for path in paths:
        assert walk(path, 12) == look_up(path, 12)


def _seconds(resolve: Resolve, paths: Sequence[str]) -> float:
    """For one path."""
    begin = perf_counter()
    for path in paths:
        resolve(path, 12)
    return (perf_counter() - begin) / len(paths)


if __name__ == "__main__":
    main()
