"""Symbols as notations print them, without their lists of arguments."""

import re
from typing import Final

# What has parentheses or angles and opens no list.
_MARK: Final = re.compile(
    r"operator ?(?:\(\)|<=>|<<=?|>>=?|->\*?|[<>]=?)|\((?:anonymous|extension|lambda)[^()]*\)"
    r"|'lambda\d*'\([^()]*\)|->|=>|[<>{}(]"
)


def bare(symbol: str) -> str:
    """The symbol up to its arguments; parentheses within angles or braces are a part of its name."""
    if symbol[:2] in ("-[", "+["):
        return symbol[: symbol.find("]") + 1] or symbol
    depth = 0
    for found in _MARK.finditer(symbol):
        mark = found.group()
        if mark == "(" and depth == 0:
            return symbol[: found.start()].rstrip() or symbol
        depth = max(0, depth + _DEPTH.get(mark, 0))
    return symbol


_DEPTH: Final = {"<": 1, "{": 1, ">": -1, "}": -1}
