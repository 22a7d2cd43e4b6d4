"""From a clone URL (a remote) to the repository's host, its name there, and its web page."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, NamedTuple

from scmhost.sdk.errors import UrlError
from scmhost.sdk.values import Value

from . import escaping
from .addresses import RemoteAddress, read_address
from .matching import MatchLimits, ParsedUrl, match_template, parse_url
from .page_reading import PageScope, find_candidates
from .page_templates import names_in, path_of, values_at, with_page
from .pages import Pages
from .presets import CloneRule, HostFacts, host_facts, kind_of, kind_of_ssh, known_hosts, known_kind, preset
from .safety import check_web_url
from .templates import Template

_SHORT: Final = re.compile(r"[\w-][\w.-]*/[\w.-]+", re.ASCII)
_DOT_SEGMENT: Final = re.compile(r"(?:^|/)\.\.?(?:/|$)")
_SUFFIX: Final = re.compile(r"(?:\.git|/)+$")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Some package managers append a folder to a clone URL.
_AFTER_SUFFIX: Final = re.compile(r"(?<=[^/]\.git)/.*", re.DOTALL)
_LITERAL_SEGMENT: Final = re.compile(r"/\w")
_ANY_REPOSITORY: Final = "{base_url}/{owner}{repo_path}{repo}"
# Each of them is matched with every rule; the pages of known hosts are less deep.
_MAX_PAGE_DEPTH: Final = 12
# These schemes belong to one system each, and may have no host.
_KIND_WITHOUT_HOST: Final = {"codecommit": "aws_codecommit", "rad": "radicle"}
_HOST_TOKEN: Final = re.compile(r"\\\{([a-z]+)\\\}")


class Remote(Value):
    """A repository, from its clone URL. Users, passwords and tokens are left out.

    Attributes:
        host: the host in the clone URL; None for a local path.
        port: the port in the clone URL, if any.
        owner: the repository's path on the web without its name.
        repo: the repository's name.
        path: owner and name.
        kind: the kind of code host, if it is recognised.
        base_url: the base URL of the host's web pages.
        web_url: the URL of the repository's own page.
    """

    host: str | None = None
    port: int | None = None
    owner: str | None = None
    repo: str
    path: str
    kind: str | None = None
    base_url: str | None = None
    web_url: str | None = None


class WebRepository(NamedTuple):
    """A repository on the web.

    Attributes:
        base_url: the base URL of the host's web pages.
        path: the repository's path below it.
        kind: the kind of host, if it is known.
    """

    base_url: str
    path: str
    kind: str | None = None


def read_remote(remote: str, kind: str | None = None) -> Remote:
    """Parse a clone URL, and find the repository's web page.

    Args:
        remote: the clone URL, in any form that version control systems or package managers accept; untrusted text.
        kind: the kind of host; by default it is recognised.

    Raises:
        UrlError: it is no clone URL of a repository. The message contains no part of it.
        TemplateError: there is no such kind of host.
    """
    address = read_address(remote)
    if address.host is None:
        return _local(address)
    return _remote(address, _find(address, kind))


def find_repository(remote: str, kind: str | None = None) -> WebRepository:
    """Return the web repository of a clone URL. ``kind`` is the kind of host; by default it is recognised.

    Raises:
        UrlError: it is no clone URL of a repository on a host.
        TemplateError: there is no such kind of host.
    """
    address = read_address(remote)
    if address.host is None:
        raise UrlError("the remote is a local path, which has no web page")
    return _find(address, kind)


def repository_path(path: str, kind: str) -> str:
    """Return a repository's path without the parts that only clone URLs have."""
    address = RemoteAddress("", "", path.strip("/"))
    found = next(_by_rules(address, host_facts(kind), preset(kind).pages), None)
    return found.path if found else address.path


def _local(address: RemoteAddress) -> Remote:
    path = _SUFFIX.sub("", address.path)
    owner, _, name = path.rpartition("/")
    if not name:
        raise UrlError("the remote names no repository")
    # Without a host, "owner/name" is a common short form.
    short = _SHORT.fullmatch(path)
    return Remote(owner=owner if short else None, repo=name, path=path, kind=_KIND_WITHOUT_HOST.get(address.scheme))


def _find(address: RemoteAddress, given_kind: str | None) -> WebRepository:
    kind = given_kind or _recognised_kind(address.host or "", address)
    if kind is None or not host_facts(kind).suffix_in_name:
        address = address._replace(path=_AFTER_SUFFIX.sub("", address.path))
    if kind is None:
        found = WebRepository(_origin(address), _without_suffix(address.path))
    else:
        facts, pages = host_facts(kind), preset(kind).pages
        # Rules come first, because they describe clone URLs that the other ways would misread. A way that is not
        # needed costs nothing: all are generators.
        candidates = (
            _by_rules(address, facts, pages),
            _by_repository_page(address, pages),
            _by_file_page(address, pages),
            _by_default(address, facts, pages),
        )
        found = next(found for group in candidates for found in group)
    if not found.path or _DOT_SEGMENT.search(found.path):
        raise UrlError("the remote names no repository, or has a . or .. segment")
    return found._replace(path=found.path.strip("/"), kind=kind)


def _recognised_kind(host: str, address: RemoteAddress) -> str | None:
    # Only the path of a web URL can be that of a page.
    return kind_of(host, f"/{address.path}") if address.is_web else kind_of_ssh(host, address.path)


def _by_rules(address: RemoteAddress, facts: HostFacts, pages: Pages) -> Iterator[WebRepository]:
    path = "/".join(name for name in address.path.split("/") if name not in facts.skipped)
    path = path if facts.suffix_in_name else _SUFFIX.sub("", path) if pages.strip_git_suffix else path
    # Only the URL of a page goes on after the repository; a clone URL ends with it.
    for prefix_path in _beginnings(path) if address.is_web and not address.path.endswith(".git") else (path,):
        for rule in facts.clone:
            values = _match_rule(rule, address, prefix_path, pages.groups)
            web = _fill(rule.web, values) if values and rule.web else ""
            if values and web is not None:
                yield WebRepository(web or _web_root(address, facts) + _prefix(values), _path_by(rule, values))


def _path_by(rule: CloneRule, values: Mapping[str, str]) -> str:
    return (_fill(rule.path, values) if rule.path else path_of(values, _ANY_REPOSITORY)) or ""


def _beginnings(path: str) -> Iterator[str]:
    """Yield a path and its beginnings: the URL of a pasted page continues after its repository."""
    segments = path.split("/")
    for number in range(len(segments), max(len(segments) - _MAX_PAGE_DEPTH, 0), -1):
        yield "/".join(segments[:number])


def _match_rule(rule: CloneRule, address: RemoteAddress, path: str, groups: int) -> dict[str, str] | None:
    """Return the values of a rule's tokens in an address, or None if the rule does not match."""
    host, template = _rule(rule.at)
    found = host.fullmatch(address.host or "")
    if not found or (rule.web_only and not address.is_web):
        return None
    # The host was compared above, so that any name will do.
    url = ParsedUrl("https://host", "/" + escaping.path(path), (), "")
    for values in match_template(template, url, MatchLimits(groups)):
        texts = {name: str(value) for name, value in values.items()}
        return {"account": address.user, **found.groupdict(), **texts}
    return None


# Each rule of a kind is tried for every clone URL, so that it is compiled once.
@cache
def _rule(at: str) -> tuple[re.Pattern[str], Template]:
    host, _, path = at.partition("/")
    pattern = _HOST_TOKEN.sub(r"(?P<\1>[a-z0-9-]+)", re.escape(host)) if host else ".*"
    return re.compile(pattern), Template.parse(f"https://host/{path}")


def _fill(text: str, values: Mapping[str, str]) -> str | None:
    """Return a rule's text with its values, or None if one is missing."""
    names = re.findall(r"\{(\w+)\}", text)
    if not all(values.get(name) for name in names):
        return None
    # A function, because a backslash in a value would have a meaning in a replacement.
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)


def _prefix(values: Mapping[str, str]) -> str:
    return "/" + escaping.path(values["prefix"]) if "prefix" in values else ""


def _by_repository_page(address: RemoteAddress, pages: Pages) -> Iterator[WebRepository]:
    """Read the URL of a repository's own page, on hosts whose page has a literal segment that shows what it is."""
    url = _web_address(address)
    if url and _LITERAL_SEGMENT.search(pages.repo):
        for values in match_template(Template.parse(pages.repo), url, MatchLimits(pages.groups, None)):
            texts = {name: str(value) for name, value in values.items()}
            yield WebRepository(texts["base_url"], path_of(texts, pages.repo))


def _by_file_page(address: RemoteAddress, pages: Pages) -> Iterator[WebRepository]:
    """Read the URL of a page of a file."""
    url = _web_address(address)
    if url and not address.path.endswith(".git"):
        page = next(iter(find_candidates(PageScope(pages, ("",)), url)), None)
        if page and page.ref is not None:
            yield WebRepository(_origin(address), page.repo)


def _web_address(address: RemoteAddress) -> ParsedUrl | None:
    return parse_url(f"{_origin(address)}/{escaping.path(address.path)}") if address.is_web else None


def _by_default(address: RemoteAddress, facts: HostFacts, pages: Pages) -> Iterator[WebRepository]:
    path = address.path if not pages.strip_git_suffix else _without_suffix(address.path)
    names, segments = names_in(pages.repo), path.split("/")
    if facts.strict or (address.host in known_hosts(facts) and len(segments) < pages.least):
        raise UrlError("the remote names no repository")
    origin = _web_root(address, facts)
    if not names:
        # The host, or a path of it, serves one repository only.
        yield WebRepository(f"{origin}/{escaping.path(path)}", segments[-1])
        return
    most = len(names) - 1 + pages.groups if "owner" in names else len(names)
    extra = 0 if "repo_path" in names else max(len(segments) - most, 0)
    if not extra:
        yield WebRepository(origin, path)
    elif not address.is_web:
        # A folder on the server's disk, or a number that was meant as a port.
        yield WebRepository(origin, "/".join(segments[extra:]))
    elif known_kind(address.host or ""):
        yield WebRepository(origin, "/".join(segments[:most]))
    else:
        yield WebRepository(f"{origin}/{escaping.path('/'.join(segments[:extra]))}", "/".join(segments[extra:]))


def _web_root(address: RemoteAddress, facts: HostFacts) -> str:
    """Return the base URL of a host's web pages."""
    host = address.host or ""
    base = next((base for base in facts.bases if base.partition("://")[2].partition("/")[0] == host), None)
    if not address.is_web and facts.ssh_prefix and host not in facts.web_hosts:
        address = address._replace(host=host.removeprefix(facts.ssh_prefix))
    return facts.web_hosts.get(host) or base or _origin(address)


def _remote(address: RemoteAddress, found: WebRepository) -> Remote:
    name = found.path if found.kind and host_facts(found.kind).suffix_in_name else _without_suffix(found.path)
    owner, _, repo = name.rpartition("/")
    base_url = _web_url_or_none(found.base_url)
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


def _web_url(base_url: str, found: WebRepository) -> str | None:
    if found.kind is None:
        return _web_url_or_none(f"{base_url}/{escaping.path(found.path)}")
    pages = preset(found.kind).pages
    values = with_page(values_at(base_url, found.path, pages.repo), pages.repo)
    return _web_url_or_none(values["repo_url"]) if values else None


def _web_url_or_none(url: str) -> str | None:
    # Git and SSH accept hosts that no browser opens.
    try:
        return check_web_url(url)
    except UrlError:
        return None


def _without_suffix(path: str) -> str:
    """Return a path without the ``.git`` and the slashes at its end, in any order."""
    return _SUFFIX.sub("", path) or path


def _origin(address: RemoteAddress) -> str:
    """Return scheme, host and port of the web pages. A port of SSH is not theirs."""
    if not address.is_web:
        return f"https://{address.host}"
    port = address.port if address.port != _DEFAULT_PORTS[address.scheme] else None
    return f"{address.scheme}://{address.host}" + (f":{port}" if port else "")
