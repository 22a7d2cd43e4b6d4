"""Checks of links: target host, escaping, lines and refs, and reading pasted URLs back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from hypothesis import strategies as st

from scmhost.sdk import Location, NoUrl, Repository, UrlTemplates, authority_of, safe_link, safe_url

from .calls import HookResult
from .checks import Violation, check
from .plugin_under_test import PluginUnderTest
from .strategies import (
    branches,
    claimed,
    difficult_locations,
    dotted_paths,
    file_paths,
    for_all,
    lines,
    locations,
    shas,
)

_PAGES: Final = ("scm_source_url", "scm_commit_url", "scm_compare_url")
_NO_LINK: Final = "the plugin builds no link for the samples"
_SPECIAL: Final = re.compile(r"[^A-Za-z0-9_/.-]")


@check(
    "links-safe",
    "A link is an absolute http or https URL without user part, blanks, quotes, control characters or dot segments.",
    help="build it with UrlTemplates, or with scmhost.sdk.escaping for each value",
    hooks=_PAGES,
)
def links_safe(plugin: PluginUnderTest) -> None:
    def test(result: HookResult, url: str) -> None:
        if not safe_url(url) or not safe_link(url, authority_of(url)):
            raise Violation("the URL is not safe to open in a browser", result.call)

    _for_all_links(plugin, test)


@check(
    "links-on-own-host",
    "A link leads to the host of the repository, of the form or of the settings, for any ref and path.",
    help="begin with the repository's URL and a slash; declare further hosts in hosts = (...)",
    hooks=_PAGES,
)
def links_on_own_host(plugin: PluginUnderTest) -> None:
    def test(result: HookResult, url: str) -> None:
        parts = urlsplit(url)
        authority = f"{parts.scheme}://{parts.netloc}".lower()
        if authority not in plugin.allowed_hosts:
            allowed = ", ".join(sorted(plugin.allowed_hosts)) or "the hosts of the samples"
            raise Violation(f"{authority} is none of {allowed}", result.call)

    _for_all_links(plugin, test)


@check(
    "links-stay-inside",
    "A path with a . or .. segment gets no link.",
    help="return NoUrl(reason=Reason.PATH_OUTSIDE) for a path with a . or .. segment; UrlTemplates does",
    hooks=("scm_source_url",),
)
def links_stay_inside(plugin: PluginUnderTest) -> None:
    def test(location: Location) -> None:
        result, url = plugin.link("scm_source_url", location=location)
        # Twice, because some hosts decode a path twice.
        dots = [part for part in re.split(r"[/?#&=]", unquote(unquote(url or ""))) if part in (".", "..")]
        if dots:
            raise Violation(f"the link has the segment {dots[0]!r}, which browsers and hosts resolve", result.call)

    for_all(locations(dotted_paths), test, plugin.samples.examples)


@check(
    "links-escape",
    "Each value is escaped for its place: none adds a query, a key or a fragment, and no two files share a page.",
    help="escape each value where you put it in: escaping.path, escaping.segment, escaping.query; or use UrlTemplates",
    hooks=("scm_source_url",),
)
def links_escape(plugin: PluginUnderTest) -> None:
    def test(location: Location) -> bool:
        _check_shape(plugin, location)
        return _check_own_page(plugin, location)

    # Some hosts have other pages for some file types; files with one suffix have the same kind of page.
    sources = file_paths.map(lambda path: path if path.endswith(".py") else f"{path}.py")
    places = locations(sources, lined=False)
    for_all(places, test, plugin.samples.examples, first=difficult_locations, nothing=_NO_LINK)


@check(
    "lines-in-links",
    "A link contains the number of its line, and no placeholder when the line is unknown.",
    help="leave the anchor out when location.line is None; test for None, not for truth",
    hooks=("scm_source_url",),
)
def lines_in_links(plugin: PluginUnderTest) -> None:
    plain = Location(ref="main", ref_kind="branch", path="a.py")

    def test(line: int) -> bool:
        unlined, without = plugin.link("scm_source_url", location=plain)
        if without and re.search(r"\bNone\b|\bL?None\b|L0\b", without):
            raise Violation("the link has a placeholder for the unknown line", unlined.call)
        result, url = plugin.link("scm_source_url", location=plain.model_copy(update={"line": line}))
        if url is None or url == without:
            return url is not None
        if str(line) not in url:
            raise Violation(f"the link changes with the line, and does not contain {line}", result.call)
        _, following = plugin.link("scm_source_url", location=plain.model_copy(update={"line": line + 1}))
        if following == url:
            raise Violation(f"line {line + 1} has the same link", result.call)
        return True

    for_all(lines, test, plugin.samples.examples, nothing=_NO_LINK)


@check(
    "templates-agree",
    "The host's rendering of scm_url_templates equals the result of scm_source_url.",
    help="let scm_source_url render the same templates: templates.view(location)",
    hooks=("scm_source_url", "scm_url_templates"),
    together=True,
)
def templates_agree(plugin: PluginUnderTest) -> None:
    def test(values: tuple[Repository, Location]) -> bool:
        repository, location = values
        here = {"installation": plugin.installation, "repository": repository}
        templates = plugin.call("scm_url_templates", **here).value
        if isinstance(templates, UrlTemplates):
            result, url = plugin.link("scm_source_url", repository, location=location)
            rendered = templates.view(location)
            if url != (None if isinstance(rendered, NoUrl) else rendered):
                raise Violation(f"the templates give {rendered!r}", result.call)
        return isinstance(templates, UrlTemplates)

    nothing = "scm_url_templates returns no templates for the samples"
    for_all(st.tuples(claimed(plugin), locations()), test, plugin.samples.examples, nothing=nothing)


@check(
    "links-read-back",
    "scm_read_source_url reads the URLs of scm_source_url: repository, ref, path and line.",
    help="read with read_own_url and the Pages that built the URL",
    hooks=("scm_source_url", "scm_read_source_url"),
    together=True,
)
def links_read_back(plugin: PluginUnderTest) -> None:
    def test(location: Location) -> bool:
        _, url = plugin.link("scm_source_url", location=location)
        if url is None:
            return False
        read = _read(plugin, url, (plugin.repository,))
        refs: set[str | None] = {location.ref}
        if location.ref_kind == "branch":
            other = location.model_copy(update={"ref": f"{location.ref}x"})
            # On hosts without branches, the page at a branch is the one without a revision.
            refs |= {None} if plugin.link("scm_source_url", location=other)[1] == url else set()
        lines_read = [
            one.location.line
            for one in read.value or ()
            if (one.repository_id, one.location.path) == (plugin.repository.id, location.path)
            and one.location.ref in refs
        ]
        # A number in the path may be part of a name.
        shows_line = location.line is not None and str(location.line) in urlsplit(url)._replace(path="").geturl()
        if not lines_read or (shows_line and location.line not in lines_read):
            raise Violation(f"it is the page of {location!r}", read.call)
        return True

    for_all(locations(), test, plugin.samples.examples, nothing=_NO_LINK)


@check(
    "reads-own-only",
    "scm_read_source_url returns only repositories that it was given, and nothing for the pages of other hosts.",
    help="compare the URL's whole host, not its beginning; read_own_url does",
    hooks=("scm_read_source_url",),
)
def reads_own_only(plugin: PluginUnderTest) -> None:
    def test(values: tuple[Location, str]) -> None:
        location, netloc = values
        own = _own_page(plugin, location)
        parts = urlsplit(own)
        foreign = urlunsplit(parts._replace(netloc=netloc.format(host=parts.netloc)))
        read = _read(plugin, foreign, (plugin.repository,))
        if read.value:
            raise Violation("the URL belongs to another host", read.call)
        without = _read(plugin, own, ())
        if without.value:
            raise Violation("no repository was given", without.call)

    # Hosts that pass a comparison of the beginning, of a part or of the end of a URL.
    netlocs = st.sampled_from(["{host}.evil.example", "evil.example/https://{host}", "evil.example", "x{host}"])
    for_all(st.tuples(locations(), netlocs), test, plugin.samples.examples)


@check(
    "without-url",
    "A repository without a URL gets no link that contains a substitute for it.",
    help="return NoUrl(reason=Reason.REPOSITORY_WITHOUT_URL) when repository.url is None",
    hooks=_PAGES,
)
def without_url(plugin: PluginUnderTest) -> None:
    def test(link: _LinkCall) -> None:
        result, url = link.make(plugin)
        if url is not None and (not safe_url(url) or "/None/" in f"{url}/"):
            raise Violation("None must not be part of a URL", result.call)

    bare = plugin.repository.model_copy(update={"url": None})
    for_all(_link_calls(plugin, st.just(bare)), test, plugin.samples.examples)


@check(
    "commits-in-links",
    "The page of a commit contains the commit; a comparison contains both of its ends, in their order.",
    help="put the whole sha into the URL",
    hooks=("scm_commit_url", "scm_compare_url"),
)
def commits_in_links(plugin: PluginUnderTest) -> None:
    def test(values: tuple[str, str]) -> bool:
        sha, other = values
        url = None
        if plugin.has("scm_commit_url"):
            result, url = plugin.link("scm_commit_url", sha=sha)
            _check_contains(result, url, (sha,))
        if plugin.has("scm_compare_url") and sha != other:
            result, url = plugin.link("scm_compare_url", base=sha, head=other)
            _check_contains(result, url, (sha, other))
            _, reverse = plugin.link("scm_compare_url", base=other, head=sha)
            if url is not None and url == reverse:
                raise Violation("it is the same with base and head exchanged", result.call)
        return url is not None

    for_all(st.tuples(shas, shas), test, plugin.samples.examples, nothing=_NO_LINK)


CHECKS: Final = (
    links_safe,
    links_on_own_host,
    links_stay_inside,
    links_escape,
    lines_in_links,
    templates_agree,
    links_read_back,
    reads_own_only,
    without_url,
    commits_in_links,
)


@dataclass(frozen=True, slots=True)
class _LinkCall:
    """A call of one of the link hooks."""

    hook: str
    repository: Repository
    arguments: Mapping[str, Any]

    def make(self, plugin: PluginUnderTest) -> tuple[HookResult, str | None]:
        return plugin.link(self.hook, self.repository, **self.arguments)


def _link_calls(plugin: PluginUnderTest, repositories: st.SearchStrategy[Repository]) -> st.SearchStrategy[_LinkCall]:
    """Return calls of all link hooks of the plugin."""
    values: dict[str, st.SearchStrategy[dict[str, Any]]] = {
        "scm_source_url": st.fixed_dictionaries(
            # Directly after a host, an @ turns the host into a user's name.
            {"location": locations() | locations(file_paths.map("{}@evil".format))}
        ),
        "scm_commit_url": st.fixed_dictionaries({"sha": shas}),
        "scm_compare_url": st.fixed_dictionaries({"base": shas | branches, "head": shas | branches}),
    }
    return st.one_of(
        [st.builds(_LinkCall, st.just(hook), repositories, values[hook]) for hook in values if plugin.has(hook)]
    )


def _for_all_links(plugin: PluginUnderTest, test: Callable[[HookResult, str], None]) -> None:
    def test_call(link: _LinkCall) -> bool:
        result, url = link.make(plugin)
        if url is not None:
            test(result, url)
        return url is not None

    # The difficult locations always come first: generated ones depend on the modules that are loaded.
    place = partial(_LinkCall, "scm_source_url", plugin.repository)
    first = [place({"location": location}) for location in difficult_locations if plugin.has("scm_source_url")]
    with_url = claimed(plugin).filter(lambda repository: repository.url is not None)
    for_all(_link_calls(plugin, with_url), test_call, plugin.samples.examples, first=first, nothing=_NO_LINK)


def _check_shape(plugin: PluginUnderTest, location: Location) -> None:
    """A link has the same parts for a difficult path as for a plain one of the same length."""
    update = {"path": _SPECIAL.sub("x", location.path), "ref": _SPECIAL.sub("x", location.ref)}
    result, url = plugin.link("scm_source_url", location=location)
    _, plain = plugin.link("scm_source_url", location=location.model_copy(update=update))
    if url and plain and _shape(url) != _shape(plain):
        raise Violation(f"a character has a special meaning there; with plain letters it is {plain!r}", result.call)


def _shape(url: str) -> tuple[object, ...]:
    parts = urlsplit(url)
    keys = [key for key, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return "?" in url, "#" in url, keys, parts.path.count("/")


def _check_own_page(plugin: PluginUnderTest, location: Location) -> bool:
    """The path decoded once more names another file, which has another page. Return whether there is a page."""
    result, url = plugin.link("scm_source_url", location=location)
    # A server decodes %41 in each part of a URL, and a plus in a query only.
    for other in {unquote(location.path), location.path.replace("+", " ")} - {location.path}:
        # U+FFFD stands for bytes that are not UTF-8, which name no file.
        if url and not re.search(r"[\x00-\x1f\x7f\ufffd]", other):
            _, second = plugin.link("scm_source_url", location=location.model_copy(update={"path": other}))
            if second and _decoded(second) == _decoded(url):
                raise Violation(f"the file {other!r} has the same page: {second!r}", result.call)
    return url is not None


def _decoded(url: str) -> tuple[object, ...]:
    """Return the parts of a URL as a server decodes them."""
    parts = urlsplit(url)
    return unquote(parts.path), parse_qsl(parts.query, keep_blank_values=True), unquote(parts.fragment)


def _read(plugin: PluginUnderTest, url: str, repositories: tuple[Repository, ...]) -> HookResult:
    return plugin.call("scm_read_source_url", installation=plugin.installation, url=url, repositories=repositories)


def _own_page(plugin: PluginUnderTest, location: Location) -> str:
    """Return a page of the plugin's own host, or a similar URL where the plugin builds none."""
    if plugin.has("scm_source_url"):
        _, url = plugin.link("scm_source_url", location=location)
        if url is not None:
            return url
    return f"{plugin.repository.url or plugin.base_url}/blob/main/a.py#L1"


def _check_contains(result: HookResult, url: str | None, commits: tuple[str, ...]) -> None:
    # Hosts may abbreviate an id; git's shortest default is seven digits.
    missing = [sha for sha in commits if url is not None and sha[:7] not in url]
    if missing:
        raise Violation(f"it does not contain {missing[0]}", result.call)
