"""The figures that ``make reliability`` prints, and the table of docs/reliability.md."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

LONG: Final = os.environ.get("SCMHOST_RELIABILITY") == "long"
"""Whether the long form runs."""
TABLE_VARIABLE: Final = "SCMHOST_RELIABILITY_TABLE"
_PAGE: Final = "<!-- figures -->\n<!-- end of figures -->\n"
_TABLE: Final = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->)", re.DOTALL)


@dataclass
class Figures:
    """Rows of the table: what was done, how often, what was seen."""

    rows: list[Sequence[object]] = field(default_factory=list)

    def add(self, what: str, times: object, seen: str) -> None:
        """Add a row."""
        self.rows.append((what, times, seen))

    def table(self) -> str:
        """Return the table in Markdown."""
        lines = [("failure", "times", "seen"), ("---", "---:", "---"), *self.rows]
        return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)

    def write(self, page: Path) -> None:
        """Replace the table of a page, or write a page with it."""
        text = page.read_text(encoding="utf-8") if page.exists() else _PAGE
        page.write_text(_TABLE.sub(rf"\g<1>{self.table()}\n\2", text), encoding="utf-8")


FIGURES: Final = Figures()
