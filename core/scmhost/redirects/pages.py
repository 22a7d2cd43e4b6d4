"""The pages of a redirect, for a browser: a choice of several links, or the reason why there is none.

Every text in them is escaped. They load one style sheet from this service, no script, and nothing of another host.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

_FOLDER: Final = Path(__file__).with_name("templates")


def page(name: str, **values: Any) -> str:
    """Return a page of the templates as HTML."""
    return _environment().get_template(name).render(values)


def style_sheet() -> str:
    """Return the style sheet of the pages."""
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=select_autoescape(default=True),
        # A misspelt name in a template is an error instead of a blank.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
