"""Remotes: which host a repository is cloned from, what it is called there, and where its web page is."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from . import escaping
from .addresses import Address, read_address
from .errors import UrlError
from .locations import Place, candidates
from .pages import Pages
from .presets import CloneRule, HostFacts, host_facts, preset
from .reading import Rules, WebUrl, read, take_apart
from .recognition import kind_of, known_hosts, known_kind
from .repository import names_in, path_of, values_at, with_page
from .templates import Template
from .urls import check_web_url
from .values import Value

_SHORT: Final = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)
_SIDE_STEP: Final = re.compile(r"(?:^|/)\.\.?(?:/|$)")
_SUFFIX: Final = re.compile(r"(?:\.git|/)+$")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_AFTER_SUFFIX: Final = re.compile(r"(?<=[^/]\.git)/.*", re.DOTALL)
_OWN_WORDS: Final = re.compile(r"/\w")
_ANY_REPOSITORY: Final = "{base_url}/{owner}{repo_path}{repo}"
_DEEPEST_PAGE: Final = 12
_WITHOUT_HOST: Final = {"codecommit": "aws_codecommit", "rad": "radicle"}
_HOST_TOKEN: Final = re.compile(r"\\\{([a-z]+)\\\}")


class Remote(Value):
    """A repository as its remote names it. Users, passwords and tokens are left out.

    Attributes:
        host: the host that it is cloned from; None for a local path.
        port: the port that it is cloned from, if the remote names one.
        owner: the repository's path without its name, on the web.
        repo: the repository's name.
        path: owner and name.
        kind: the kind of code host, if it is known or its name is of a form that such hosts often have.
        base_url: the beginning of the host's web pages.
        web_url: the repository's own page.
    """

    host: str | None = None
    port: int | None = None
    owner: str | None = None
    repo: str
    path: str
    kind: str | None = None
    base_url: str | None = None
    web_url: str | None = None


class Found(NamedTuple):
    """A base URL, the repository's path below it, and the kind of host, if it is known."""

    base_url: str
    path: str
    kind: str | None = None


def read_remote(remote: str, kind: str | None = None) -> Remote:
    """Take a remote apart and find its web page; ``kind`` says what kind of host it is, where that is not known.

    Raises:
        UrlError: it names no repository. The message repeats nothing of the remote.
        TemplateError: there is no such kind of host.
    """
    address = read_address(remote)
    if address.host is None:
        return _local(address)
    return _remote(address, _find(address, kind))


def find_repository(remote: str, kind: str | None = None) -> Found:
    """The base URL and the path below it of a remote's repository on the web.

    Raises:
        UrlError: it names no repository, or one that is on no host.
        TemplateError: there is no such kind of host.
    """
    address = read_address(remote)
    if address.host is None:
        raise UrlError("the remote is a local path, which has no web page")
    return _find(address, kind)


def repository_path(path: str, kind: str) -> str:
    """A repository's path as a person writes it, without what belongs to cloning."""
    address = Address("", "", path.strip("/"))
    found = next(_by_rules(address, host_facts(kind), preset(kind).pages), None)
    return found.path if found else address.path


def _local(address: Address) -> Remote:
    path = _SUFFIX.sub("", address.path)
    owner, _, name = path.rpartition("/")
    if not name:
        raise UrlError("the remote names no repository")
    # A path of two words is how people write the repositories of a host that goes without saying.
    short = _SHORT.fullmatch(path)
    return Remote(owner=owner if short else None, repo=name, path=path, kind=_WITHOUT_HOST.get(address.scheme))


def _find(address: Address, asked: str | None) -> Found:
    kind = asked or kind_of(address.host or "", f"/{address.path}" if address.is_web else "")
    if kind is None or not host_facts(kind).suffix_in_name:
        address = address._replace(path=_AFTER_SUFFIX.sub("", address.path))
    if kind is None:
        found = Found(_origin(address), _plain_path(address.path))
    else:
        facts, pages = host_facts(kind), preset(kind).pages
        ways = (
            _by_rules(address, facts, pages),
            _by_own_page(address, pages),
            _by_page(address, pages),
            _by_default(address, facts, pages),
        )
        found = next(found for way in ways for found in way)
    if not found.path or _SIDE_STEP.search(found.path):
        raise UrlError("the remote names no repository, or has a . or .. segment")
    return found._replace(path=found.path.strip("/"), kind=kind)


def _by_rules(address: Address, facts: HostFacts, pages: Pages) -> Iterator[Found]:
    path = "/".join(name for name in address.path.split("/") if name not in facts.skipped)
    path = path if facts.suffix_in_name else _SUFFIX.sub("", path) if pages.strip_git_suffix else path
    for shown in _shorter(path) if address.is_web and not address.path.endswith(".git") else (path,):
        for rule in facts.clone:
            values = _fit(rule, address, shown, pages.groups)
            where = _filled(rule.web, values) if values and rule.web else ""
            if values and where is not None:
                yield Found(where or _web_root(address, facts) + _prefix(values), _path_by(rule, values))


def _path_by(rule: CloneRule, values: Mapping[str, str]) -> str:
    return (_filled(rule.path, values) if rule.path else path_of(values, _ANY_REPOSITORY)) or ""


def _shorter(path: str) -> Iterator[str]:
    """A path and its beginnings: a page that a person pasted goes on after its repository."""
    segments = path.split("/")
    for number in range(len(segments), max(len(segments) - _DEEPEST_PAGE, 0), -1):
        yield "/".join(segments[:number])


def _fit(rule: CloneRule, address: Address, path: str, groups: int) -> dict[str, str] | None:
    """What a rule reads in an address; None when it is not for such addresses."""
    host, template = _rule(rule.at)
    found = host.fullmatch(address.host or "")
    if not found or (rule.web_only and not address.is_web):
        return None
    url = WebUrl("https://host", "/" + escaping.path(path), (), "")
    for values in read(template, url, Rules(groups)):
        texts = {name: str(value) for name, value in values.items()}
        return {"account": address.user, **found.groupdict(), **texts}
    return None


@cache
def _rule(at: str) -> tuple[re.Pattern[str], Template]:
    host, _, path = at.partition("/")
    pattern = _HOST_TOKEN.sub(r"(?P<\1>[a-z0-9-]+)", re.escape(host)) if host else ".*"
    return re.compile(pattern), Template.parse(f"https://host/{path}")


def _filled(text: str, values: Mapping[str, str]) -> str | None:
    """A rule's text with its values; None when one is missing."""
    names = re.findall(r"\{(\w+)\}", text)
    if not all(values.get(name) for name in names):
        return None
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)


def _prefix(values: Mapping[str, str]) -> str:
    return "/" + escaping.path(values["prefix"]) if "prefix" in values else ""


def _by_own_page(address: Address, pages: Pages) -> Iterator[Found]:
    """Where a person pasted the URL of the repository's page, on hosts that have words of their own in it."""
    url = _web_address(address)
    if url and _OWN_WORDS.search(pages.repo):
        for values in read(Template.parse(pages.repo), url, Rules(pages.groups, None)):
            texts = {name: str(value) for name, value in values.items()}
            yield Found(texts["base_url"], path_of(texts, pages.repo))


def _by_page(address: Address, pages: Pages) -> Iterator[Found]:
    """Where a person pasted the URL of a page of a file."""
    url = _web_address(address)
    if url and not address.path.endswith(".git"):
        page = next(iter(candidates(Place(pages, ("",)), url)), None)
        if page and page.ref is not None:
            yield Found(_origin(address), page.repo)


def _web_address(address: Address) -> WebUrl | None:
    return take_apart(f"{_origin(address)}/{escaping.path(address.path)}") if address.is_web else None


def _by_default(address: Address, facts: HostFacts, pages: Pages) -> Iterator[Found]:
    path = address.path if not pages.strip_git_suffix else _plain_path(address.path)
    names, segments = names_in(pages.repo), path.split("/")
    if facts.strict or (address.host in known_hosts(facts) and len(segments) < pages.least):
        raise UrlError("the remote names no repository")
    origin = _web_root(address, facts)
    if not names:
        # One repository has the host, or a path of it, to itself.
        yield Found(f"{origin}/{escaping.path(path)}", segments[-1])
        return
    most = len(names) - 1 + pages.groups if "owner" in names else len(names)
    extra = 0 if "repo_path" in names else max(len(segments) - most, 0)
    if not extra:
        yield Found(origin, path)
    elif not address.is_web:
        # A folder on the server's disk, or a port that was meant as one.
        yield Found(origin, "/".join(segments[extra:]))
    elif known_kind(address.host or ""):
        yield Found(origin, "/".join(segments[:most]))
    else:
        yield Found(f"{origin}/{escaping.path('/'.join(segments[:extra]))}", "/".join(segments[extra:]))


def _web_root(address: Address, facts: HostFacts) -> str:
    """Where the pages of a host begin."""
    host = address.host or ""
    base = next((base for base in facts.bases if base.partition("://")[2].partition("/")[0] == host), None)
    return facts.web_hosts.get(host) or base or _origin(address)


def _remote(address: Address, found: Found) -> Remote:
    name = found.path if found.kind and host_facts(found.kind).suffix_in_name else _plain_path(found.path)
    owner, _, repo = name.rpartition("/")
    base_url = _checked(found.base_url)
    return Remote(
        host=address.host,
        port=address.port,
        owner=owner or None,
        repo=repo,
        path=name,
        kind=found.kind,
        base_url=base_url,
        web_url=_web_url(base_url, found) if base_url else None,
    )


def _web_url(base_url: str, found: Found) -> str | None:
    if found.kind is None:
        return _checked(f"{base_url}/{escaping.path(found.path)}")
    pages = preset(found.kind).pages
    values = with_page(values_at(base_url, found.path, pages.repo), pages.repo)
    return _checked(values["repo_url"]) if values else None


def _checked(url: str) -> str | None:
    try:
        return check_web_url(url)
    except UrlError:
        return None


def _plain_path(path: str) -> str:
    """A path without the ``.git`` and the slashes at its end, in whatever order they stand."""
    return _SUFFIX.sub("", path) or path


def _origin(address: Address) -> str:
    """Scheme, host and port of the web pages, as far as the remote tells: a port of ssh is none of theirs."""
    if not address.is_web:
        return f"https://{address.host}"
    port = address.port if address.port != _DEFAULT_PORTS[address.scheme] else None
    return f"{address.scheme}://{address.host}" + (f":{port}" if port else "")
