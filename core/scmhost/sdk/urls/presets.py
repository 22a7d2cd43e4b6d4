"""The known code hosts, one file for each under ``hosts/``, and the recognition of their URLs."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field

from scmhost.sdk.errors import TemplateError
from scmhost.sdk.reasons import Confidence
from scmhost.sdk.values import Value

from .matching import ParsedUrl, parse_url
from .page_reading import PageScope, UrlCandidate, find_candidates
from .page_templates import names_in
from .pages import Pages
from .templates import PageName


class Recognition(Value):
    """How a kind of host is recognised.

    Attributes:
        hosts: whole names of hosts.
        suffixes: ends of names of hosts.
        patterns: regular expressions for names that such hosts often have; a guess.
        markers: regular expressions for paths, with their query, that only such hosts have.
        clone_markers: regular expressions for host and path of SSH clone URLs that only such hosts have.
        shortcuts: prefixes of clone URLs, before a colon, for the first of the hosts: ``github`` in ``github:a/b``.
    """

    hosts: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    clone_markers: tuple[str, ...] = ()
    shortcuts: tuple[str, ...] = ()


class CloneRule(Value):
    """A form of clone URL that differs from the URL of the repository's web page.

    Attributes:
        at: host and path of the clone URL, with tokens; without a host, it applies to any host of this kind.
            ``{account}`` is the user in the URL if the path has none.
        web: the base URL of the web pages; if empty, the host in the clone URL, with ``{prefix}``.
        path: the repository's path; by default from owner and repo in ``at``.
        web_only: whether only http and https URLs have this form.
    """

    at: str
    web: str = ""
    path: str = ""
    web_only: bool = False


class HostFacts(Value):
    """The fields of a preset except its pages; ``Preset`` describes them."""

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
    ssh_prefix: str = ""
    clone: tuple[CloneRule, ...] = ()

    def confidence_of(self, page: PageName | Literal["anchor", "columns"]) -> Confidence:
        """Return how sure one page's templates are."""
        return self.doubts.get(page, self.confidence)


class Preset(HostFacts):
    """A known kind of code host.

    Attributes:
        kind: the name of its file, used in configurations.
        name: the displayed name.
        confidence: how sure the templates are: ``high`` is tested by other projects, ``low`` is from memory.
        doubts: pages that are less sure than the others, with their confidence.
        bases: base URLs of public hosts whose pages do not begin at the root.
        skipped: path segments that clone URLs may have, and web pages do not have.
        strict: whether a clone URL of none of the forms of ``clone`` is refused.
        suffix_in_name: whether a ``.git`` at the end is part of a repository's name.
        recognise: how the kind is recognised.
        web_hosts: hosts of clone URLs, and the base URLs of their web pages.
        ssh_prefix: what the names of SSH hosts may have before the name of the web host.
        clone: other forms of clone URL; the first that matches is used.
        pages: its templates.
    """

    pages: Pages


@cache
def preset_kinds() -> tuple[str, ...]:
    """Return the kinds of host with a preset, sorted."""
    files = resources.files(__package__).joinpath("hosts").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


# Validation renders samples of all pages, so that a preset is made once.
@cache
def preset(kind: str) -> Preset:
    """Return the preset of a kind of host.

    Raises:
        TemplateError: there is no such kind; the message lists them.
    """
    return Preset.model_validate(_load(kind))


@cache
def host_facts(kind: str) -> HostFacts:
    """Return a preset without its pages, whose validation takes most of the time of ``preset``.

    Raises:
        TemplateError: there is no such kind; the message lists them.
    """
    return HostFacts.model_validate({name: value for name, value in _load(kind).items() if name != "pages"})


@cache
def _load(kind: str) -> Mapping[str, Any]:
    # Checked first: the kind may come from a request, and becomes part of a file's name.
    if kind not in preset_kinds():
        raise TemplateError(kind, "no preset has this name", f"the presets are {', '.join(preset_kinds())}")
    text = resources.files(__package__).joinpath("hosts", f"{kind}.toml").read_text(encoding="utf-8")
    return {"kind": kind, **tomllib.loads(text)}


class _HostIndex(NamedTuple):
    hosts: Mapping[str, str]
    most_labels: int
    shortcuts: Mapping[str, str]
    suffixes: tuple[tuple[str, str], ...]
    patterns: tuple[tuple[re.Pattern[str], str], ...]
    markers: tuple[tuple[re.Pattern[str], str], ...]
    clone_markers: tuple[tuple[re.Pattern[str], str], ...]


def kind_of(host: str, path: str = "") -> str | None:
    """Return the kind of a code host, from its name, from a path on it, or from a name that such hosts often have.

    Names are compared as a whole, never by substring. A name that begins with a known host's name, such as
    ``github.com.example``, has no kind.
    """
    return next(iter(kinds_of(host, path)), None)


def kinds_of(host: str, path: str = "") -> tuple[str, ...]:
    """Return the possible kinds of a host, the most likely first; only one if its name is known."""
    known = known_kind(host)
    if known:
        return (known,)
    # Such a name may be meant to deceive, so that no guess is made for it.
    if is_disguised(host):
        return ()
    index = _host_index()
    # A path that only one kind has is better evidence than a name, which anybody may choose.
    return tuple(dict.fromkeys([*_matching(index.markers, path), *_matching(index.patterns, host)]))


def kind_of_ssh(host: str, path: str) -> str | None:
    """Return the kind of a code host, from the host and the path of an SSH clone URL."""
    if known_kind(host) or is_disguised(host):
        return kind_of(host)
    return next(_matching(_host_index().clone_markers, f"{host}/{path}"), None) or kind_of(host)


def known_kind(host: str) -> str | None:
    """Return the kind of a host that is known by its whole name or by its domain."""
    index = _host_index()
    found = index.hosts.get(host)
    # A suffix alone has an empty name before its dot, and is no host.
    return found or next((kind for suffix, kind in index.suffixes if host.endswith(suffix) and host != suffix), None)


def host_of_shortcut(name: str) -> str | None:
    """Return the host of a shortcut, such as ``github`` in ``github:owner/name``."""
    return _host_index().shortcuts.get(name)


def is_disguised(host: str) -> bool:
    """Return whether a host's name begins with the name of a known host, but is in another domain."""
    index = _host_index()
    # A name from outside may have any number of labels; only those of known hosts are compared.
    labels = host.split(".", index.most_labels + 1)
    return any(".".join(labels[:number]) in index.hosts for number in range(2, min(len(labels), index.most_labels + 1)))


def known_hosts(facts: HostFacts) -> tuple[str, ...]:
    """Return the names of a kind's known hosts, including those that only serve clones."""
    return (*facts.recognise.hosts, *facts.web_hosts)


def read_url(url: str, host: str | Pages | None = None, refs: Iterable[str] = ()) -> tuple[UrlCandidate, ...]:
    """Return the locations that a page's URL may mean, the most likely first; empty if it is no page of the host.

    A branch with slashes in its name gives several candidates, unless ``refs`` contains it.

    Args:
        url: the URL of a page; untrusted text.
        host: a kind of host, or the pages of a host; by default the URL's host must be recognised.
        refs: the refs that the repository has, if they are known.

    Raises:
        TemplateError: there is no such kind of host; the message lists them.
    """
    parts = parse_url(url)
    known = tuple(refs)
    if isinstance(host, Pages):
        return find_candidates(PageScope(host), parts, known) if parts else ()
    if host is not None:
        preset(host)
    found: tuple[UrlCandidate, ...] = ()
    for kind in _kinds_to_read(parts, host) if parts else ():
        found = found or (find_candidates(_scope(preset(kind), parts), parts, known) if parts else ())
    return found


def _kinds_to_read(url: ParsedUrl, kind: str | None) -> tuple[str, ...]:
    """Return the kinds as which to read a URL; none if the host is known to be of another kind than the given one."""
    if kind is None:
        return kinds_of(url.host, url.tail)
    known = known_kind(url.host)
    is_other = known not in (None, kind) or (known is None and is_disguised(url.host))
    return () if is_other else (kind,)


def _scope(known: Preset, url: ParsedUrl) -> PageScope:
    bases = [urlsplit(base).path for base in known.bases if urlsplit(base).netloc == url.host]
    if bases:
        return PageScope(known.pages, tuple(bases))
    begins_at_root = url.host in known_hosts(known) and names_in(known.pages.repo)
    # On other hosts the operator chooses the path that comes before the pages.
    return PageScope(known.pages, ("",) if begins_at_root else None)


def _matching(patterns: Iterable[tuple[re.Pattern[str], str]], text: str) -> Iterator[str]:
    return (kind for pattern, kind in patterns if pattern.search(text)) if text else iter(())


# Recognition needs the files of all kinds, which take long to read.
@cache
def _host_index() -> _HostIndex:
    known = [host_facts(kind) for kind in preset_kinds()]
    hosts = {host: facts.kind for facts in known for host in known_hosts(facts)}
    return _HostIndex(
        hosts,
        max(host.count(".") + 1 for host in hosts),
        {name: facts.recognise.hosts[0] for facts in known for name in facts.recognise.shortcuts},
        tuple((suffix, facts.kind) for facts in known for suffix in facts.recognise.suffixes),
        tuple((re.compile(text), facts.kind) for facts in known for text in facts.recognise.patterns),
        tuple((re.compile(text), facts.kind) for facts in known for text in facts.recognise.markers),
        tuple((re.compile(text), facts.kind) for facts in known for text in facts.recognise.clone_markers),
    )
