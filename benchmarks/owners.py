"""Measure the owners of paths in files of 2,000 rules: thousand paths a second, and compared with splitting them.

Every name is new, so that only folders and extensions repeat, as in a first look at a large repository.
"""

from collections.abc import Callable
from random import Random
from time import process_time

from scmhost.owners import CodeOwners, OwnersDialect

RULES = 2_000
PATHS = 200_000
FILES_IN_A_FOLDER = 10
ROUNDS = 7
SHORT, LONG = 100, 200

KINDS = (
    "/services/s{} @org/t{}",
    "*.x{} @org/t{}",
    "/libs/l{}/src/*.py @org/t{}",
    "/docs/d{}/* @org/t{}",
    "test_{}_*.py @org/t{}",
    "/apps/*/m{}/ @org/t{}",
    "**/gen{}/** @org/t{}",
    "file{}.json @org/t{}",
    "/web/w{}/**/*.tsx @org/t{}",
    "packages/p{} @org/t{}",
)
# The same rules as expressions of Gitea and Forgejo, and in place of two of them expressions that globs cannot replace.
EXPRESSIONS = (
    "services/s{}/.* @org/t{}",
    ".*\\\\.x{} @org/t{}",
    "libs/l{}/src/[^/]*\\\\.py @org/t{}",
    "docs/d{}/[^/]+ @org/t{}",
    "(.*/)?test_{}_[^/]*\\\\.py @org/t{}",
    "apps/[^/]+/m{}/.* @org/t{}",
    ".*/gen{}/.* @org/t{}",
    "(.*/)?file{}\\\\.json @org/t{}",
    "web/w{}/.*\\\\.(tsx?|jsx?) @org/t{}",
    "packages/p{}/(v[0-9]+/)*[^/]+ @org/t{}",
)
# Many people forget that a dot is any character, also a slash.
UNESCAPED = tuple(kind.replace("\\\\.", ".") for kind in EXPRESSIONS)
FILES = {
    "GitHub": (OwnersDialect.GITHUB, "* @org/all", KINDS),
    "Bitbucket": (OwnersDialect.BITBUCKET, "* @org/all", KINDS),
    "GitLab": (OwnersDialect.GITLAB, "* @org/all\n[Team] @org/team", KINDS),
    "Gitea": (OwnersDialect.GITEA, ".* @org/all", EXPRESSIONS),
    "Forgejo": (OwnersDialect.FORGEJO, ".* @org/all", EXPRESSIONS),
    "Gitea, unescaped dots": (OwnersDialect.GITEA, ".* @org/all", UNESCAPED),
}
FOLDERS = ("services/s{}", "libs/l{}/src", "docs/d{}", "apps/a/m{}", "web/w{}/x/y", "packages/p{}", "other/o{}/gen{}")
# A pattern and a path of a size, of which most engines make a multiple of the product.
HOSTILE: tuple[tuple[Callable[[int], str], Callable[[int], str]], ...] = (
    (lambda n: "*a" * n + "b", lambda n: "a" * 4 * n),
    (lambda n: "**/" * n + "b", lambda n: "a/" * 40 * n + "c"),
    (lambda n: "**/a/" * n + "b", lambda n: "a/" * 40 * n + "c"),
    (lambda n: "\n".join(f"*a*{i}* @x" for i in range(n)), lambda _: "a" * 200),
)


def main() -> None:
    """Print the ratios."""
    for name, ratio in ratios().items():
        print(f"{name}: {ratio:.2f}")


def ratios() -> dict[str, float]:
    """Return the ratios by the name of their bound."""
    paths = list(_paths(Random(1)))
    split = min(_split(paths) for _ in range(ROUNDS))
    few = min(_match("GitHub", RULES // 10, paths) for _ in range(ROUNDS))
    # In turns, so that other work on the machine slows none of them alone.
    rounds = [{name: _match(name, RULES, paths) for name in FILES} for _ in range(ROUNDS)]
    many = {name: min(found[name] for found in rounds) for name in FILES}
    return {
        **{f"owners/{name}": PATHS / seconds / 1_000 for name, seconds in many.items()},
        "owners/to splitting paths": max(many.values()) / split,
        "owners/ten times the rules": many["GitHub"] / few,
        "owners/growth on hostile patterns": max(_growth(*case) for case in HOSTILE),
    }


def _split(paths: list[str]) -> float:
    begin = process_time()
    assert len([path.rpartition("/") for path in paths]) == PATHS
    return process_time() - begin


def _match(name: str, rules: int, paths: list[str]) -> float:
    dialect, head, kinds = FILES[name]
    owners = CodeOwners(dialect, "\n".join([head, *(kinds[i % len(kinds)].format(i, i) for i in range(rules))]))
    owners.owners_of("x")
    begin = process_time()
    assert len(owners.owners_of_all(paths)) == PATHS
    return process_time() - begin


def _paths(random: Random) -> list[str]:
    folders = [
        random.choice(FOLDERS).format(number, number) + f"/sub{random.randrange(3)}"
        for number in (random.randrange(RULES) for _ in range(PATHS // FILES_IN_A_FOLDER))
    ]
    extensions = ("py", "tsx", "js", "md", "x1", "json")
    return [f"{folders[i // FILES_IN_A_FOLDER]}/name{i}.{random.choice(extensions)}" for i in range(PATHS)]


def _growth(pattern: Callable[[int], str], path: Callable[[int], str]) -> float:
    """Return by how much the cost grows when pattern and path double."""
    short, long = (min(_seconds(f"{pattern(n)} @x", path(n)) for _ in range(ROUNDS)) for n in (SHORT, LONG))
    return long / short


def _seconds(text: str, path: str) -> float:
    files = [CodeOwners(OwnersDialect.GITHUB, text) for _ in range(5)]
    for file in files:
        file.owners_of("x")
    begin = process_time()
    for file in files:
        file.owners_of(path)
    return process_time() - begin


if __name__ == "__main__":
    main()
