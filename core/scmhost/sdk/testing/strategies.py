"""Hypothesis strategies for the arguments of hooks: ordinary, difficult and hostile values."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy
from pydantic import JsonValue

from scmhost.sdk import AddRequest, Location, RegisteredWebhook, Repository, ref_problem
from scmhost.sdk.provider import default_payload
from scmhost.sdk.validation import ARGUMENTS

from .checks import NothingToCheck, Violation
from .plugin_under_test import ORGANIZATION, PluginUnderTest

T = TypeVar("T")

SHA: Final = "0123456789abcdef0123456789abcdef01234567"
_OTHER_SHAS: Final = ("c0ffee0123456789c0ffee0123456789c0ffee01", "f" * 40)
# A slash separates segments, and no text with a limit in the contract holds a lone surrogate.
_LETTERS: Final = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="/")
_DIFFICULT_NAMES: Final = (
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
_DIFFICULT_REFS: Final = ("main", "feature/a#b", "release/1.0", "50%20off", "é", "a&b=c", "a+b", "v1;x", "u@x", "a'b")
_REPOSITORY_NAMES: Final = ("team/app", "app", "team/a b", "team/app?x#y", "ü/é", "a/b/c", "None", "..", "12")

_MOST_LINES: Final = 10_000_000
_LONGEST_RANGE: Final = 50
# The largest line of the contract is left for the end of a range.
lines: Final = st.integers(1, _MOST_LINES - _LONGEST_RANGE) | st.integers(1, 200)
shas: Final = st.sampled_from([SHA, *_OTHER_SHAS]) | st.text("0123456789abcdef", min_size=40, max_size=40)
names: Final = st.sampled_from(_REPOSITORY_NAMES) | st.text(_LETTERS, min_size=1, max_size=20)

file_names: Final = (st.sampled_from(_DIFFICULT_NAMES) | st.text(_LETTERS, min_size=1, max_size=12)).filter(
    lambda name: name not in (".", "..")
)
file_paths: Final = st.lists(file_names, min_size=1, max_size=4).map("/".join)
"""Paths that a repository can contain."""

dotted_paths: Final = st.builds(
    lambda before, dots, after: "/".join([*before, dots, *after]),
    st.lists(file_names, max_size=2),
    st.sampled_from(["..", "."]),
    st.lists(st.sampled_from(["a.py", "..", "etc", "passwd"]), max_size=3),
)
"""Paths with ``.`` or ``..`` segments."""

branches: Final = st.sampled_from(_DIFFICULT_REFS) | st.text(_LETTERS, min_size=1, max_size=12).filter(
    lambda ref: ref_problem(ref) is None
)
refs: Final = st.one_of(
    st.tuples(branches, st.sampled_from(["branch", "tag"])),
    st.tuples(shas, st.just("commit")),
)


def locations(paths: SearchStrategy[str] = file_paths, *, lined: bool = True) -> SearchStrategy[Location]:
    """Return locations in a repository."""
    no_line: SearchStrategy[int | None] = st.none()
    line = no_line | lines if lined else no_line
    return st.builds(
        lambda ref, path, line, more: Location(
            ref=ref[0], ref_kind=ref[1], path=path, line=line, end_line=line + more if line and more else None
        ),
        refs,
        paths,
        line,
        no_line | st.integers(1, _LONGEST_RANGE),
    )


difficult_locations: Final = tuple(
    Location(ref=ref, ref_kind="branch", path=path)
    for ref, path in [*(("main", name) for name in _DIFFICULT_NAMES), *((ref, "a.py") for ref in _DIFFICULT_REFS)]
    # The same suffix for all, because hosts may have other pages for other types of file.
    if path.endswith(".py")
)
"""Locations with one character each that has a meaning in URLs."""

_any_location: Final = st.one_of(
    locations(),
    locations(dotted_paths),
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
    # The brackets are nested more deeply than Python's limit for recursion.
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


def repositories(plugin: PluginUnderTest) -> SearchStrategy[list[Repository]]:
    """Return lists of unclaimed repositories, some of them without a URL."""

    def make(drawn: list[tuple[str, bool]]) -> list[Repository]:
        bare: dict[str, Any] = {"url": None}
        return [plugin.unclaimed(20 + at, name=name, **({} if url else bare)) for at, (name, url) in enumerate(drawn)]

    # The host has no two names that differ in case only.
    return st.lists(st.tuples(names, st.booleans()), max_size=5, unique_by=lambda one: one[0].casefold()).map(make)


def claimed(plugin: PluginUnderTest) -> SearchStrategy[Repository]:
    """Return the claimed sample repository, also with other names and URLs."""
    sample = plugin.repository
    urls = st.sampled_from([sample.url, f"{sample.url}.git" if sample.url else None, None])
    return st.one_of(
        st.just(sample), st.builds(lambda name, url: sample.model_copy(update={"name": name, "url": url}), names, urls)
    )


def urls(plugin: PluginUnderTest) -> SearchStrategy[str]:
    """Return pasted text: URLs of the host, of other hosts, and invalid ones."""
    base = plugin.repository.url or plugin.base_url
    own = st.builds(lambda path: f"{base}/{path}", st.text(max_size=20) | st.sampled_from(["", "blob/main/a.py#L3"]))
    return own | st.text(max_size=30) | st.sampled_from(["", "javascript:x", "https://", "http://[::1", f"{base}#L1-"])


def payload(plugin: PluginUnderTest) -> dict[str, Any]:
    """Return the sample repository as the host serializes it."""
    provider: JsonValue = {"id": plugin.provider.id, "name": plugin.provider.name}
    return default_payload(plugin.repository, provider)


_BY_ARGUMENT: Final[Mapping[str, Callable[[PluginUnderTest], SearchStrategy[Any]]]] = {
    "form": lambda plugin: st.just(plugin.form),
    "organization": lambda _: st.just(ORGANIZATION),
    "settings": lambda plugin: st.just(plugin.settings),
    "data_folder": lambda plugin: st.just(plugin.data_folder),
    "installation": lambda plugin: st.just(plugin.installation),
    "repositories": repositories,
    "search": lambda _: st.text(max_size=10) | st.just("team"),
    "request": lambda _: st.builds(
        AddRequest,
        identifier=names | st.just(""),
        fields=st.dictionaries(st.text(max_size=5), _json_values, max_size=2),
    ),
    "candidate": lambda plugin: st.none() | names.map(lambda name: plugin.unclaimed(name=name)),
    "repository": claimed,
    "payload": lambda plugin: st.just(payload(plugin)),
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
    "callback_url": lambda plugin: st.just(f"{plugin.base_url}/callback"),
    "state": lambda _: st.text("abc0", min_size=1, max_size=10),
    "query": lambda _: st.dictionaries(
        st.sampled_from(["code", "error", "state"]) | st.text(max_size=5), st.text(max_size=10)
    ),
    "saved": lambda _: st.dictionaries(st.text(max_size=5), _json_values, max_size=2),
    "configuration": lambda _: st.dictionaries(st.text(max_size=5), _json_values, max_size=2),
    "version": lambda _: st.sampled_from(["", "0.1", "1.0.2"]),
    "cursor": lambda _: st.just("") | st.text(max_size=10),
    "path": lambda _: _any_location.map(lambda location: location.path),
    "lines": lambda _: st.lists(st.integers(1, 100), max_size=3, unique=True).map(sorted),
    "address": lambda plugin: st.just(f"{plugin.base_url}/hooks/1/"),
    "webhook": lambda _: st.builds(RegisteredWebhook, external_id=st.text("abc0", min_size=1, max_size=10)),
}


def arguments(plugin: PluginUnderTest, hook: str) -> SearchStrategy[dict[str, Any]]:
    """Return values for all arguments of a hook."""
    values = {name: _BY_ARGUMENT[name](plugin) for name in ARGUMENTS[hook]}
    if "installation" in values:
        values["installation"] = st.just(plugin.installation_for(hook))
    if hook == "scm_compare_commits":
        values["base"] = st.none() | values["base"]
    if hook in ("scm_read_file", "scm_blame_lines"):
        values["ref"] = shas | branches
    return st.fixed_dictionaries(values)


def for_all(
    strategy: SearchStrategy[T],
    test: Callable[[T], object],
    examples: int,
    first: Iterable[T] = (),
    *,
    nothing: str = "",
) -> None:
    """Test the values of ``first``, then generated ones. The loaded code alone decides which are generated.

    With ``nothing``, the test returns whether the value gave it anything to check.

    Raises:
        Violation: the one with the smallest input.
        NothingToCheck: no value did. The text is ``nothing``.
    """
    checked = False

    def note(value: T) -> None:
        nonlocal checked
        checked = bool(test(value)) or checked

    # Without a database and by the code alone, so that each run gives the same report. A slow hook is the matter of a
    # check of its own, not of a deadline here.
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(strategy)
    def run(value: T) -> None:
        note(value)

    for value in first:
        note(value)
    try:
        run()
    except Flaky as flaky:
        # A plugin may violate a check only sometimes; report the violation that occurred.
        raise next((one for one in getattr(flaky, "exceptions", ()) if isinstance(one, Violation)), flaky) from None
    if nothing and not checked:
        raise NothingToCheck(nothing)
