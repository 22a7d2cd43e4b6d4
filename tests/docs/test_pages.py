"""Rules for all pages."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("plugins/*/*.md")])
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)|<img [^>]*src=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`\n]+`")
LONGEST = 120


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    text = CODE.sub("", path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def broken_links(path: Path) -> Iterator[str]:
    text = INLINE.sub("", CODE.sub("", path.read_text(encoding="utf-8")))
    for target, anchor, image in LINK.findall(text):
        there = path.parent / (target or image) if target or image else path
        if not there.exists() or (anchor and anchor not in anchors(there)):
            yield f"{target or image}#{anchor}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_have_a_target(path: Path) -> None:
    """Every link to a page or heading has a target."""
    assert list(broken_links(path)) == []


@pytest.mark.parametrize("path", [path for path in PAGES if path.name != "decisions.md"], ids=name)
def test_lines_are_short_enough_to_read(path: Path) -> None:
    """Lines of prose have at most 120 characters; code and tables may be wider."""
    prose = CODE.sub("", path.read_text(encoding="utf-8")).splitlines()
    assert [line for line in prose if len(line) > LONGEST and not line.startswith("|")] == []


def test_every_dependency_has_a_reason() -> None:
    """The page of decisions names every dependency and every package of an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8").lower()
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}
    assert {name for name in names if not re.search(rf"\b{name}\b", decisions)} == set()


def test_readme_links_every_page() -> None:
    """The README links to every page in docs."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in ROOT.glob("docs/*.md") if f"docs/{page.name}" not in readme] == []
