"""What is drawn for a hook's arguments: plain values, hard ones, and such as only an enemy would send."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import JsonValue

from scmhost.sdk import AddRequest, Location, Repository, ref_problem
from scmhost.sdk.hooks import ARGUMENTS
from scmhost.sdk.provider import default_payload

from .subject import ORGANIZATION, Subject

SHA: Final = "0123456789abcdef0123456789abcdef01234567"
_OTHER_SHAS: Final = ("c0ffee0123456789c0ffee0123456789c0ffee01", "f" * 40)
_LETTERS: Final = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/")
_HARD_NAMES: Final = (
    "a.py",
    "x#y.py",
    "q?r=1.py",
    "100%41.py",
    "a b.py",
    "a+b.py",
    "a&b=c.py",
    "[id].js",
    "ü.py",
    "a;b$c@d!.py",
    "..a",
    'a"b<c>`{d}|^.py',
    "back\\slash.py",
    "%2e%2e",
)
_HARD_REFS: Final = ("main", "feature/a#b", "release/1.0", "50%20off", "é", "a&b=c", "a+b", "v1;x", "u@x", "a'b")
_REPOSITORY_NAMES: Final = ("team/app", "app", "team/a b", "team/app?x#y", "ü/é", "a/b/c", "None", "..", "12")

lines: Final = st.integers(1, 10_000_000) | st.integers(1, 200)
shas: Final = st.sampled_from([SHA, *_OTHER_SHAS]) | st.text("0123456789abcdef", min_size=40, max_size=40)
names: Final = st.sampled_from(_REPOSITORY_NAMES) | st.text(_LETTERS, min_size=1, max_size=20)

file_names: Final = (st.sampled_from(_HARD_NAMES) | st.text(_LETTERS, min_size=1, max_size=12)).filter(
    lambda name: name not in (".", "..")
)
file_paths: Final = st.lists(file_names, min_size=1, max_size=4).map("/".join)
"""Paths of files that may really be in a repository."""

side_steps: Final = st.builds(
    lambda before, step, after: "/".join([*before, step, *after]),
    st.lists(file_names, max_size=2),
    st.sampled_from(["..", "."]),
    st.lists(st.sampled_from(["a.py", "..", "etc", "passwd"]), max_size=3),
)
"""Paths that would lead out of a repository, or around in it."""

branches: Final = st.sampled_from(_HARD_REFS) | st.text(_LETTERS, min_size=1, max_size=12).filter(
    lambda ref: ref_problem(ref) is None
)
refs: Final = st.one_of(
    st.tuples(branches, st.sampled_from(["branch", "tag"])),
    st.tuples(shas, st.just("commit")),
)


def locations(paths: SearchStrategy[str] = file_paths, *, lined: bool = True) -> SearchStrategy[Location]:
    """Places in a repository."""
    none: SearchStrategy[int | None] = st.none()
    line = none | lines if lined else none
    return st.builds(
        lambda ref, path, line, more: Location(
            ref=ref[0], ref_kind=ref[1], path=path, line=line, end_line=line + more if line and more else None
        ),
        refs,
        paths,
        line,
        none | st.integers(1, 50),
    )


hard_locations: Final = tuple(
    Location(ref=ref, ref_kind="branch", path=path)
    for ref, path in [*(("main", name) for name in _HARD_NAMES), *((ref, "a.py") for ref in _HARD_REFS)]
    if path.endswith(".py")
)
"""Places with one mark each that has a meaning in URLs."""

_any_location: Final = st.one_of(
    locations(),
    locations(side_steps),
    locations(st.sampled_from(["", "/etc/passwd", "a" * 4096, "//x", "a\x00b", "a\nb", "C:\\a.py"])),
    st.builds(Location, ref=st.text(min_size=1, max_size=20), ref_kind=st.just("branch"), path=st.text(max_size=20)),
    st.builds(
        Location,
        ref=st.just("main"),
        ref_kind=st.just("branch"),
        path=st.just("a.py"),
        line=lines,
        end_line=lines,
        column=st.none() | lines,
        end_column=st.none() | lines,
    ),
)

_json_values: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
bodies: Final = st.one_of(
    st.binary(max_size=60),
    _json_values.map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"", b"null", b"[]", b"{}", b'{"commits": 1}', b"\xff\xfe", b"[" * 5_000, b"payload=%7B%7D"]),
)
_HEADER_NAMES: Final = (
    "content-type",
    "x-scmhost-signature",
    "x-hub-signature-256",
    "x-hub-signature",
    "x-github-event",
    "x-gitea-event",
    "x-gitea-signature",
    "x-forgejo-event",
    "x-gitlab-event",
    "x-gitlab-token",
    "x-event-key",
    "authorization",
)
headers: Final = st.dictionaries(
    st.sampled_from(_HEADER_NAMES),
    st.sampled_from(["", "push", "Push Hook", "repo:push", "sha256=", "sha256=" + "0" * 64, "é", "Bearer x"])
    | st.text(_LETTERS, max_size=12),
    max_size=4,
)


def repositories(subject: Subject) -> SearchStrategy[list[Repository]]:
    """Repositories of the organization, some without a URL."""

    def make(drawn: list[tuple[str, bool]]) -> list[Repository]:
        bare: dict[str, Any] = {"url": None}
        return [subject.unclaimed(20 + at, name=name, **({} if url else bare)) for at, (name, url) in enumerate(drawn)]

    return st.lists(st.tuples(names, st.booleans()), max_size=5, unique_by=lambda one: one[0].casefold()).map(make)


def claimed(subject: Subject) -> SearchStrategy[Repository]:
    """The sample repository as it was claimed, with other names and URLs that people may have given it."""
    sample = subject.repository
    urls = st.sampled_from([sample.url, f"{sample.url}.git" if sample.url else None, None])
    return st.one_of(
        st.just(sample), st.builds(lambda name, url: sample.model_copy(update={"name": name, "url": url}), names, urls)
    )


def urls(subject: Subject) -> SearchStrategy[str]:
    """Pasted URLs: of the host, of others, and what is none."""
    base = subject.repository.url or subject.web
    own = st.builds(lambda path: f"{base}/{path}", st.text(max_size=20) | st.sampled_from(["", "blob/main/a.py#L3"]))
    return own | st.text(max_size=30) | st.sampled_from(["", "javascript:x", "https://", "http://[::1", f"{base}#L1-"])


def payload(subject: Subject) -> dict[str, Any]:
    """A repository as the host would show it."""
    provider: JsonValue = {"id": subject.provider.id, "name": subject.provider.name}
    return default_payload(subject.repository, provider)


_DRAWN: Final[Mapping[str, Callable[[Subject], SearchStrategy[Any]]]] = {
    "form": lambda subject: st.just(subject.form),
    "organization": lambda _: st.just(ORGANIZATION),
    "settings": lambda subject: st.just(subject.settings),
    "installation": lambda subject: st.just(subject.installation),
    "repositories": repositories,
    "search": lambda _: st.text(max_size=10) | st.just("team"),
    "request": lambda _: st.builds(
        AddRequest,
        identifier=names | st.just(""),
        fields=st.dictionaries(st.text(max_size=5), _json_values, max_size=2),
    ),
    "candidate": lambda subject: st.none() | names.map(lambda name: subject.unclaimed(name=name)),
    "repository": claimed,
    "payload": lambda subject: st.just(payload(subject)),
    "location": lambda _: _any_location,
    "url": urls,
    "sha": lambda _: shas,
    "ref": lambda _: st.none() | shas | branches | shas.map(lambda sha: sha[:8]) | st.text(max_size=10),
    "base": lambda _: shas | branches,
    "head": lambda _: shas | branches,
    "headers": lambda _: headers,
    "body": lambda _: bodies,
    "secret": lambda _: st.text(max_size=10),
    "shas": lambda _: st.lists(shas, max_size=3),
}


def arguments(subject: Subject, hook: str) -> SearchStrategy[dict[str, Any]]:
    """All arguments of a hook."""
    drawn = {name: _DRAWN[name](subject) for name in ARGUMENTS[hook]}
    if hook == "scm_compare_commits":
        drawn["base"] = st.none() | drawn["base"]
    return st.fixed_dictionaries(drawn)
