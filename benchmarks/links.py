"""One resolved link against 1,000 code mappings: the index and ready templates, against walking the ordered list.

Both sides find the same rule for the same path, make the same repository path and the same URL; this is checked
before anything is measured. The walk is what one would write first: normalized roots and ``str.startswith``.
"""

from collections.abc import Callable, Sequence
from random import Random
from statistics import median
from time import perf_counter

from scmhost.mapping import MappingIndex, Rule
from scmhost.mapping.roots import subject
from scmhost.sdk import NoUrl, UrlTemplates, preset
from scmhost.sdk.ref_links import RefLinks

MAPPINGS = 1_000
FILES = 1_500
# The part of a trace's frames that lies in nobody's code mapping.
LIBRARIES = 0.3
# More than what is remembered of paths, so that in each round every path is new again.
FRAMES = 12_000
ROUNDS = 7
PACKAGES = ("api", "core", "models", "tasks", "utils", "views")

Resolve = Callable[[str], str | NoUrl | None]


def main() -> None:
    """Print each ratio: how many times faster than the walk."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.1f}")


def ratios() -> dict[str, float]:
    """How many times faster a resolved link is than by walking, per kind of traffic."""
    rules = _rules(Random(1))
    ordered = sorted(rules, key=lambda rule: rule.rank)
    links = _links()
    index = MappingIndex(rules)
    return {
        f"links/{name}": _ratio(_walk(ordered, links), _look_up(index, links), paths)
        for name, paths in _traffic(Random(2), rules).items()
    }


def _rules(random: Random) -> list[Rule]:
    """A monorepo's mappings: services, and packages within some of them."""
    roots = [f"services/team-{number // 8}/service_{number}/" for number in range(MAPPINGS // 2)]
    roots += [root + random.choice(PACKAGES) + "/" for root in roots]
    return [Rule(number, root, f"repo/{root}", generated=number % 3 == 0) for number, root in enumerate(roots)]


def _traffic(random: Random, rules: Sequence[Rule]) -> dict[str, list[str]]:
    """Traces name the same files again and again; paths that were never seen are the other extreme."""
    files = [_file(random, rules) for _ in range(FILES)]
    libraries = [f"site-packages/library_{number}/client.py" for number in range(FILES)]
    seen = random.choices(files, k=FRAMES)
    return {
        "seen": seen,
        "seen, with libraries": [random.choice(libraries) if random.random() < LIBRARIES else path for path in seen],
        "never seen": [f"{_file(random, rules)}.{number}" for number in range(FRAMES)],
    }


def _file(random: Random, rules: Sequence[Rule]) -> str:
    return f"{random.choice(rules).stack_root}{random.choice(PACKAGES)}/handlers/module_{random.randrange(500)}.py"


def _links() -> RefLinks:
    templates = UrlTemplates(pages=preset("github").pages, repo_url="https://git.example.com/team/app")
    links = templates.at("main", "branch")
    assert isinstance(links, RefLinks)
    return links


def _look_up(index: MappingIndex, links: RefLinks) -> Resolve:
    def resolve(path: str) -> str | NoUrl | None:
        matches = index.matches(path)
        source_path = matches[0].source_path if matches else None
        return links.url(source_path, 12) if source_path else None

    return resolve


def _walk(ordered: Sequence[Rule], links: RefLinks) -> Resolve:
    def resolve(path: str) -> str | NoUrl | None:
        wanted = subject(path)
        for rule in ordered:
            if wanted.startswith(rule.prefix):
                source_path = rule.source_path(path)
                return links.url(source_path, 12) if source_path else None
        return None

    return resolve


def _ratio(walk: Resolve, look_up: Resolve, paths: Sequence[str]) -> float:
    """The middle of several ratios, each from two measurements that follow each other."""
    assert [walk(path) for path in paths] == [look_up(path) for path in paths]
    return median(_round(walk, paths) / _round(look_up, paths) for _ in range(ROUNDS))


def _round(resolve: Resolve, paths: Sequence[str]) -> float:
    begin = perf_counter()
    for path in paths:
        resolve(path)
    return perf_counter() - begin


if __name__ == "__main__":
    main()
