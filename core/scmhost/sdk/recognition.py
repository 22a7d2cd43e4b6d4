"""Which kind of code host a name or a URL belongs to."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from .presets import HostFacts, host_facts, preset_kinds


class _Index(NamedTuple):
    hosts: Mapping[str, str]
    shortcuts: Mapping[str, str]
    suffixes: tuple[tuple[str, str], ...]
    patterns: tuple[tuple[re.Pattern[str], str], ...]
    markers: tuple[tuple[re.Pattern[str], str], ...]


def kind_of(host: str, path: str = "") -> str | None:
    """The kind of a code host by its name, by what its path says, or by a name that such hosts often have.

    Names are compared whole: no name is recognised by a part of it, and one that begins with a known host's name, as
    ``github.com.example`` does, is never guessed at.
    """
    return next(iter(kinds_of(host, path)), None)


def kinds_of(host: str, path: str = "") -> tuple[str, ...]:
    """The kinds that a host may be of, most likely first; one alone when its name is known."""
    known = known_kind(host)
    if known:
        return (known,)
    if is_disguised(host):
        return ()
    index = _index()
    return tuple(dict.fromkeys([*_fitting(index.markers, path), *_fitting(index.patterns, host)]))


def known_kind(host: str) -> str | None:
    """The kind of a host that is known by its whole name or by the domain that it is in."""
    index = _index()
    found = index.hosts.get(host)
    return found or next((kind for suffix, kind in index.suffixes if host.endswith(suffix) and host != suffix), None)


def host_of_shortcut(name: str) -> str | None:
    """The host that a shortcut stands for, as ``github`` does in ``github:owner/name``."""
    return _index().shortcuts.get(name)


def is_disguised(host: str) -> bool:
    """Whether a host's name begins with the name of a known host, and is another's."""
    labels = host.split(".")
    return any(".".join(labels[:number]) in _index().hosts for number in range(2, len(labels)))


def known_hosts(facts: HostFacts) -> tuple[str, ...]:
    """The hosts that a kind is known by, those that are only cloned from too."""
    return (*facts.recognise.hosts, *facts.web_hosts)


def _fitting(patterns: Iterable[tuple[re.Pattern[str], str]], text: str) -> Iterator[str]:
    return (kind for pattern, kind in patterns if pattern.search(text)) if text else iter(())


@cache
def _index() -> _Index:
    known = [host_facts(kind) for kind in preset_kinds()]
    return _Index(
        {host: facts.kind for facts in known for host in known_hosts(facts)},
        {name: facts.recognise.hosts[0] for facts in known for name in facts.recognise.shortcuts},
        tuple((suffix, facts.kind) for facts in known for suffix in facts.recognise.suffixes),
        tuple((re.compile(text), facts.kind) for facts in known for text in facts.recognise.patterns),
        tuple((re.compile(text), facts.kind) for facts in known for text in facts.recognise.markers),
    )
