"""Commits as a large repository has them, made up: 200 authors, 5,000 paths, messages of a few lines."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from random import Random
from typing import Any

CHANGES = 3
AUTHORS = 200
PATHS = 5_000
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = tuple(
    """
    add move keep the a retry of exports into queue when cart is empty total rounding for tax invoice customer never
    twice because database was busy test cover case old client sends header again remove dead branch after flag
    """.split()  # noqa: SIM905 - a hundred quotation marks are no easier to read
)


def bodies(count: int, size: int) -> list[bytes]:
    """Return ``count`` bodies with ``size`` commits each, all of one repository; every commit is different."""
    random = Random(7)
    paths = [_path(random, number) for number in range(PATHS)]
    return [
        json.dumps({"commits": [_commit(random, paths, first + place) for place in range(size)]}).encode()
        for first in range(0, count * size, size)
    ]


def _commit(random: Random, paths: list[str], number: int) -> dict[str, Any]:
    author = random.randrange(AUTHORS)
    return {
        "id": sha1(str(number).encode(), usedforsecurity=False).hexdigest(),
        "repository": "team/app",
        "message": _message(random, number),
        "author_name": f"Author Number {author}",
        "author_email": f"author.{author}@example.com",
        "timestamp": (BEGIN + timedelta(minutes=number)).isoformat(),
        "patch_set": [{"path": path, "type": random.choice("AMMMD")} for path in random.sample(paths, CHANGES)],
    }


def _message(random: Random, number: int) -> str:
    """A subject and, for most commits, a body; every tenth resolves an issue."""
    lines = [_sentence(random, 8), "", *(_sentence(random, 12) for _ in range(random.randrange(4)))]
    return "\n".join([*lines, f"Fixes SHOP-{number}"] if number % 10 == 0 else lines).strip()


def _sentence(random: Random, words: int) -> str:
    return " ".join(random.choices(WORDS, k=words)).capitalize()


def _path(random: Random, number: int) -> str:
    folders = "/".join(random.choices(WORDS, k=random.randrange(1, 5)))
    return f"src/{folders}/module_{number}.py"


def names(count: int) -> Iterator[str]:
    """Names of repositories, no two alike."""
    return (f"team-{number % 500}/service-{number}" for number in range(count))
