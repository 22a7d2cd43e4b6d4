"""The generated pages agree with the code."""

from pathlib import Path

import pytest
from docs.generate.markdown import with_part
from docs.generate.pages import pages, update

COMMAND = "python -m docs.generate"
PAGES = dict(pages())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_page_is_fresh(path: Path) -> None:
    """A generated page equals the output of its generator."""
    assert path.read_text(encoding="utf-8") == PAGES[path], f"{path.name} is stale; run: {COMMAND}"


def test_a_page_is_written_only_when_it_changes(tmp_path: Path) -> None:
    """Generating twice changes nothing the second time."""
    page = tmp_path / "page.md"
    assert [update(page, "words"), update(page, "words"), update(page, "others")] == [True, False, True]


def test_missing_part_is_an_error() -> None:
    """A page without the markers of its generated part raises an error."""
    with pytest.raises(ValueError, match="no part 'scopes'"):
        with_part("# A page\n", "scopes", "| a table |\n")
