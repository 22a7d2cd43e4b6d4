"""Presets: the pages of the code hosts that scmhost knows, one file for each under ``hosts/``."""

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

from .errors import TemplateError
from .pages import Pages
from .values import Value


class Preset(Value):
    """A known kind of code host.

    Attributes:
        kind: the file's name, and what a configuration says.
        name: what people read.
        confidence: how sure the templates are: high is tested by peers, low is from memory.
        pages: its templates.
    """

    kind: str
    name: str
    confidence: Literal["high", "medium", "low"]
    pages: Pages


@cache
def preset_kinds() -> tuple[str, ...]:
    """The kinds of host with a preset, sorted."""
    files = resources.files(__package__).joinpath("hosts").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


@cache
def preset(kind: str) -> Preset:
    """The preset of a kind of host.

    Raises:
        TemplateError: there is no such kind; the message lists them.
    """
    if kind not in preset_kinds():
        raise TemplateError(kind, "no preset has this name", f"the presets are {', '.join(preset_kinds())}")
    text = resources.files(__package__).joinpath("hosts", f"{kind}.toml").read_text(encoding="utf-8")
    return Preset.model_validate({"kind": kind, **tomllib.loads(text)})
