"""Laws of links: where they lead, what stands in them, and that they are read as they were written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from hypothesis import strategies as st

from scmhost.sdk import Location, NoUrl, Repository, UrlTemplates, authority_of, safe_link, safe_url

from .breaches import Breach
from .calls import Answer
from .draws import branches, claimed, file_paths, hard_locations, lines, locations, shas, side_steps
from .laws import law
from .search import for_all
from .subject import Subject

_PAGES: Final = ("scm_source_url", "scm_commit_url", "scm_compare_url")
_HARMFUL: Final = re.compile(r"[^A-Za-z0-9_/.-]")


@law(
    "links-safe",
    "A link is an absolute http or https URL without user part, blanks, quotes, control characters or dot segments.",
    help="build it with UrlTemplates, or with scmhost.sdk.escaping for each value",
    hooks=_PAGES,
)
def links_safe(subject: Subject) -> None:
    _for_all_links(subject, _safe)


@law(
    "links-at-home",
    "A link leads to the host of the repository, of the form or of the settings, whatever ref and path it is for.",
    help="begin with the repository's URL and a slash; name other hosts of yours in hosts = (...)",
    hooks=_PAGES,
)
def links_at_home(subject: Subject) -> None:
    _for_all_links(subject, partial(_at_home, subject.homes))


@law(
    "links-stay-inside",
    "A path that would lead out of the repository gets no link.",
    help="give NoUrl(reason=Reason.PATH_OUTSIDE) for a path with a . or .. segment; UrlTemplates does",
    hooks=("scm_source_url",),
)
def links_stay_inside(subject: Subject) -> None:
    def check(location: Location) -> None:
        answer, url = subject.link("scm_source_url", location=location)
        steps = [part for part in re.split(r"[/?#&=]", unquote(unquote(url or ""))) if part in (".", "..")]
        if steps:
            raise Breach(f"the link has the segment {steps[0]!r}, on which browsers or hosts walk up", answer.call)

    for_all(locations(side_steps), check, subject.samples.examples)


@law(
    "links-escape",
    "Each value is escaped for its place: none adds a query, a key or a fragment, and no two files share a page.",
    help="escape each value where you put it in: escaping.path, escaping.segment, escaping.query; or use UrlTemplates",
    hooks=("scm_source_url",),
)
def links_escape(subject: Subject) -> None:
    def check(location: Location) -> None:
        _same_shape(subject, location)
        _own_page(subject, location)

    # Some hosts show some formats in another way; those of one ending look alike.
    sources = file_paths.map(lambda path: path if path.endswith(".py") else f"{path}.py")
    for_all(locations(sources, lined=False), check, subject.samples.examples, first=hard_locations)


@law(
    "lines-in-links",
    "A line's number stands in its link, and nothing stands in for a line that is not known.",
    help="leave the anchor out when location.line is None; test for None, not for truth",
    hooks=("scm_source_url",),
)
def lines_in_links(subject: Subject) -> None:
    def check(drawn: tuple[Location, int]) -> None:
        location, line = drawn
        answer, without = subject.link("scm_source_url", location=location)
        if without and re.search(r"\bNone\b|\bL?None\b|L0\b", without):
            raise Breach("something stands in for the line that is not known", answer.call)
        led, url = subject.link("scm_source_url", location=location.model_copy(update={"line": line}))
        if url and url != without and str(line) not in url:
            raise Breach(f"the link changes with the line, and does not name {line}", led.call)
        _next_line_differs(subject, led, url, without)

    plain = st.just(Location(ref="main", ref_kind="branch", path="a.py"))
    for_all(st.tuples(plain, lines), check, subject.samples.examples)


@law(
    "templates-agree",
    "What the host renders from scm_url_templates is what scm_source_url gives.",
    help="let scm_source_url render the same templates: templates.view(location)",
    hooks=("scm_source_url", "scm_url_templates"),
    together=True,
)
def templates_agree(subject: Subject) -> None:
    def check(drawn: tuple[Repository, Location]) -> None:
        repository, location = drawn
        here = {"installation": subject.installation, "repository": repository}
        templates = subject.ask("scm_url_templates", **here).value
        if isinstance(templates, UrlTemplates):
            answer, url = subject.link("scm_source_url", repository, location=location)
            rendered = templates.view(location)
            if url != (None if isinstance(rendered, NoUrl) else rendered):
                raise Breach(f"the templates give {rendered!r}", answer.call)

    for_all(st.tuples(claimed(subject), locations()), check, subject.samples.examples)


@law(
    "links-read-back",
    "scm_read_source_url reads what scm_source_url built: repository, ref, path and line.",
    help="read with read_own_url and the Pages that built it",
    hooks=("scm_source_url", "scm_read_source_url"),
    together=True,
)
def links_read_back(subject: Subject) -> None:
    def check(location: Location) -> None:
        _, url = subject.link("scm_source_url", location=location)
        if url is None:
            return
        read = _read(subject, url, (subject.repository,))
        wanted = (subject.repository.id, location.ref, location.path)
        found = [
            one.location.line
            for one in read.value or ()
            if (one.repository_id, one.location.ref, one.location.path) == wanted
        ]
        shows_lines = location.line is not None and str(location.line) in urlsplit(url)._replace(path="").geturl()
        if not found or (shows_lines and location.line not in found):
            raise Breach(f"it is the page of {location!r}", read.call)

    for_all(locations(), check, subject.samples.examples)


@law(
    "reads-own-only",
    "scm_read_source_url finds only repositories that it was given, and nothing in the pages of other hosts.",
    help="compare the URL's whole host, not its beginning; read_own_url does",
    hooks=("scm_read_source_url",),
)
def reads_own_only(subject: Subject) -> None:
    def check(drawn: tuple[Location, str]) -> None:
        location, disguise = drawn
        own = _own_page_of(subject, location)
        foreign = _disguised(own, disguise)
        read = _read(subject, foreign, (subject.repository,))
        if read.value:
            raise Breach("the URL is of another host", read.call)
        none = _read(subject, own, ())
        if none.value:
            raise Breach("it was given no repository to find", none.call)

    disguises = st.sampled_from(["{host}.evil.example", "evil.example/https://{host}", "evil.example", "x{host}"])
    for_all(st.tuples(locations(), disguises), check, subject.samples.examples)


@law(
    "without-url",
    "A repository without a URL gets no link that pretends to be one.",
    help="give NoUrl(reason=Reason.REPOSITORY_WITHOUT_URL) when repository.url is None",
    hooks=_PAGES,
)
def without_url(subject: Subject) -> None:
    def check(answer: Answer, url: str | None) -> None:
        if url is not None and (not safe_url(url) or "/None/" in f"{url}/"):
            raise Breach("None is no part of a URL", answer.call)

    bare = subject.repository.model_copy(update={"url": None})
    for_all(_links(subject, st.just(bare)), lambda drawn: check(*_linked(subject, drawn)), subject.samples.examples)


@law(
    "commits-in-links",
    "The page of a commit names the commit; a comparison names both of its ends, in their order.",
    help="put the whole sha into the URL",
    hooks=("scm_commit_url", "scm_compare_url"),
)
def commits_in_links(subject: Subject) -> None:
    def check(drawn: tuple[str, str]) -> None:
        sha, other = drawn
        if subject.has("scm_commit_url"):
            answer, url = subject.link("scm_commit_url", sha=sha)
            _names(answer, url, (sha,))
        if subject.has("scm_compare_url") and sha != other:
            answer, url = subject.link("scm_compare_url", base=sha, head=other)
            _names(answer, url, (sha, other))
            _, turned = subject.link("scm_compare_url", base=other, head=sha)
            if url is not None and url == turned:
                raise Breach("it is the same with base and head exchanged", answer.call)

    for_all(st.tuples(shas, shas), check, subject.samples.examples)


LAWS: Final = (
    links_safe,
    links_at_home,
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
class _Wanted:
    """A link to ask for."""

    hook: str
    repository: Repository
    arguments: Mapping[str, Any]


def _links(subject: Subject, repositories: st.SearchStrategy[Repository]) -> st.SearchStrategy[_Wanted]:
    """Links of every kind that the plugin makes."""
    kinds: dict[str, st.SearchStrategy[dict[str, Any]]] = {
        "scm_source_url": st.fixed_dictionaries(
            {"location": locations() | locations(file_paths.map("{}@evil".format))}
        ),
        "scm_commit_url": st.fixed_dictionaries({"sha": shas}),
        "scm_compare_url": st.fixed_dictionaries({"base": shas | branches, "head": shas | branches}),
    }
    asked = [st.builds(_Wanted, st.just(hook), repositories, kinds[hook]) for hook in kinds if subject.has(hook)]
    return st.one_of(asked)


def _hard_links(subject: Subject) -> list[_Wanted]:
    """Links of the sample to hard places: what is drawn besides may depend on the modules that are loaded."""
    if not subject.has("scm_source_url"):
        return []
    return [_Wanted("scm_source_url", subject.repository, {"location": location}) for location in hard_locations]


def _linked(subject: Subject, wanted: _Wanted) -> tuple[Answer, str | None]:
    return subject.link(wanted.hook, wanted.repository, **wanted.arguments)


def _for_all_links(subject: Subject, check: Any) -> None:
    def look(wanted: _Wanted) -> None:
        answer, url = _linked(subject, wanted)
        if url is not None:
            check(answer, url)

    with_url = claimed(subject).filter(lambda repository: repository.url is not None)
    for_all(_links(subject, with_url), look, subject.samples.examples, first=_hard_links(subject))


def _safe(answer: Answer, url: str) -> None:
    if not safe_url(url) or not safe_link(url, authority_of(url)):
        raise Breach("no browser should be handed this URL", answer.call)


def _at_home(homes: frozenset[str], answer: Answer, url: str) -> None:
    parts = urlsplit(url)
    authority = f"{parts.scheme}://{parts.netloc}".lower()
    if authority not in homes:
        raise Breach(f"{authority} is none of {', '.join(sorted(homes)) or 'the hosts that it was given'}", answer.call)


def _same_shape(subject: Subject, location: Location) -> None:
    """A link has the same parts for a hard path as for a plain one of the same length."""
    plain = location.model_copy(
        update={"path": _HARMFUL.sub("x", location.path), "ref": _HARMFUL.sub("x", location.ref)}
    )
    answer, hard = subject.link("scm_source_url", location=location)
    _, soft = subject.link("scm_source_url", location=plain)
    if hard and soft and _shape(hard) != _shape(soft):
        raise Breach(f"some character has a meaning there; with plain letters it is {soft!r}", answer.call)


def _shape(url: str) -> tuple[object, ...]:
    parts = urlsplit(url)
    keys = [key for key, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return "?" in url, "#" in url, keys, parts.path.count("/")


def _own_page(subject: Subject, location: Location) -> None:
    """What a path would mean if it were decoded once more is another file, on another page."""
    answer, url = subject.link("scm_source_url", location=location)
    for other in {unquote(location.path), location.path.replace("+", " ")} - {location.path}:
        if url and not re.search(r"[\x00-\x1f\x7f\ufffd]", other):
            _, second = subject.link("scm_source_url", location=location.model_copy(update={"path": other}))
            if second and _as_served(second) == _as_served(url):
                raise Breach(f"the file {other!r} has the same page: {second!r}", answer.call)


def _as_served(url: str) -> tuple[object, ...]:
    """A URL as a server takes it apart."""
    parts = urlsplit(url)
    return unquote(parts.path), parse_qsl(parts.query, keep_blank_values=True), unquote(parts.fragment)


def _next_line_differs(subject: Subject, led: Answer, url: str | None, without: str | None) -> None:
    location: Location = led.call.arguments.get("location", Location(ref="main", ref_kind="branch", path="a.py"))
    if url is None or url == without or location.line is None:
        return
    _, following = subject.link("scm_source_url", location=location.model_copy(update={"line": location.line + 1}))
    if following == url:
        raise Breach(f"line {location.line + 1} has the same link", led.call)


def _read(subject: Subject, url: str, repositories: tuple[Repository, ...]) -> Answer:
    return subject.ask("scm_read_source_url", installation=subject.installation, url=url, repositories=repositories)


def _own_page_of(subject: Subject, location: Location) -> str:
    """A page of the plugin's own host; where it builds none, one that looks like one."""
    if subject.has("scm_source_url"):
        _, url = subject.link("scm_source_url", location=location)
        if url is not None:
            return url
    return f"{subject.repository.url or subject.web}/blob/main/a.py#L1"


def _disguised(url: str, disguise: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=disguise.format(host=parts.netloc)))


def _names(answer: Answer, url: str | None, named: tuple[str, ...]) -> None:
    missing = [sha for sha in named if url is not None and sha[:7] not in url]
    if missing:
        raise Breach(f"it does not name {missing[0]}", answer.call)
