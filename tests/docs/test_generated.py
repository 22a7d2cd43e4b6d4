"""The generated pages agree with the code."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from docs.generate.markdown import with_part
from docs.generate.pages import PATHS, pages, update

COMMAND = "python -m docs.generate"


@pytest.fixture(scope="module")
def generated() -> Mapping[Path, str]:
    """Return the generated pages by path."""
    return dict(pages())


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_generated_page_is_fresh(path: Path, generated: Mapping[Path, str]) -> None:
    """A generated page equals the output of its generator."""
    assert path.read_text(encoding="utf-8") == generated[path], f"{path.name} is stale; run: {COMMAND}"


def test_each_page_has_one_generator(generated: Mapping[Path, str]) -> None:
    """Exactly the listed pages are generated."""
    assert tuple(generated) == PATHS


def test_a_page_is_written_only_when_it_changes(tmp_path: Path) -> None:
    """Generating twice changes nothing the second time."""
    page = tmp_path / "page.md"
    assert [update(page, "words"), update(page, "words"), update(page, "others")] == [True, False, True]


def test_missing_part_is_an_error() -> None:
    """A page without the markers of its generated part raises an error."""
    with pytest.raises(ValueError, match="no part 'scopes'"):
        with_part("# A page\n", "scopes", "| a table |\n")
