"""Presets: the code hosts that scmhost knows, one file for each under ``hosts/``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from pydantic import Field

from .confidence import Confidence
from .errors import TemplateError
from .pages import Pages
from .tokens import PageName
from .values import Value


class Recognition(Value):
    """What gives a kind of host away.

    Attributes:
        hosts: names of hosts, whole.
        suffixes: what names of hosts end in.
        patterns: regular expressions for names that such hosts often have; a guess.
        markers: regular expressions for paths, with their query, that only such hosts have.
        shortcuts: what remotes begin with, before a colon, that mean the first of the hosts.
    """

    hosts: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    shortcuts: tuple[str, ...] = ()


class CloneRule(Value):
    """How repositories are cloned from a host, where that differs from their web address.

    Attributes:
        at: host and path of the remote, with tokens; without a host, of any host of this kind. ``{account}`` is the
            remote's user where the path has none.
        web: the base URL of the web pages; empty where it is the remote's own host, below ``{prefix}``.
        path: the repository's path; by default what ``at`` says of owner and repo.
        web_only: whether only http and https remotes have this form.
    """

    at: str
    web: str = ""
    path: str = ""
    web_only: bool = False


class HostFacts(Value):
    """What is known of a kind of code host beside its pages; ``Preset`` says what each field is."""

    kind: str
    name: str
    confidence: Confidence
    doubts: dict[PageName | Literal["anchor", "columns"], Confidence] = Field(default_factory=dict)
    bases: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    strict: bool = False
    suffix_in_name: bool = False
    recognise: Recognition = Recognition()
    web_hosts: dict[str, str] = Field(default_factory=dict)
    clone: tuple[CloneRule, ...] = ()

    def confidence_of(self, page: PageName | Literal["anchor", "columns"]) -> Confidence:
        """How sure one page's templates are."""
        return self.doubts.get(page, self.confidence)


class Preset(HostFacts):
    """A known kind of code host.

    Attributes:
        kind: the file's name, and what a configuration says.
        name: what people read.
        confidence: how sure the templates are: high is tested by peers, low is from memory.
        doubts: pages that are less sure than the others, and how sure.
        bases: base URLs of public hosts whose pages do not begin at the root.
        skipped: segments that clone URLs may have in their paths and repositories have not.
        strict: whether a remote of none of the forms of ``clone`` names no repository.
        suffix_in_name: whether a ``.git`` ending is part of a repository's name.
        recognise: what gives the kind away.
        web_hosts: hosts that are cloned from, and the base URLs of their web pages.
        clone: other ways to clone; the first that fits counts.
        pages: its templates.
    """

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
    return Preset.model_validate(_content(kind))


@cache
def host_facts(kind: str) -> HostFacts:
    """What is known of a kind of host; its templates are left alone, which is quick.

    Raises:
        TemplateError: there is no such kind.
    """
    return HostFacts.model_validate({name: value for name, value in _content(kind).items() if name != "pages"})


@cache
def _content(kind: str) -> Mapping[str, Any]:
    if kind not in preset_kinds():
        raise TemplateError(kind, "no preset has this name", f"the presets are {', '.join(preset_kinds())}")
    text = resources.files(__package__).joinpath("hosts", f"{kind}.toml").read_text(encoding="utf-8")
    return {"kind": kind, **tomllib.loads(text)}
