"""Source lines around linked frames, read from a code host."""

from collections.abc import Iterator
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from structlog.testing import capture_logs

import factories
from hosting import SettableClock, enabled, logged
from linking import BASE, LinkProject, open_project
from plugins.shelf import shelf
from scmhost.infra.db.engine import Store
from scmhost.installations import queries as installation_queries
from scmhost.links.resolve import resolve_links
from scmhost.links.source_context import (
    CACHED_SECONDS,
    MAX_SECONDS,
    FileCache,
    read_context,
)
from scmhost.links.source_lines import MissingLines, SourceLines
from scmhost.links.values import FrameQuery, LinkOptions
from scmhost.mapping import FrameInfo
from scmhost.organizations import queries as organization_queries
from scmhost.plugins import Settings
from scmhost.sdk import (
    MAX_FILE_BYTES,
    ApiTooLarge,
    FileTooLarge,
    InstallationDraft,
    ProviderError,
    ProviderForbidden,
    ProviderUnavailable,
    Repository,
    ResolvedRef,
)

SHA = "a" * 40
OTHER = "b" * 40
CODE = b"one\ntwo\nthree\nfour\nfive\n"
Found = SourceLines | MissingLines | None


@pytest.fixture(autouse=True)
def empty_shelf() -> None:
    """Each test fills the code host itself."""
    shelf.reset()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def web(sqlite_store: Store, clock: SettableClock) -> Iterator[LinkProject]:
    """A project of a provider that reads files, with a mapping of ``/srv/``."""
    with open_project(sqlite_store, plugin="shelf", clock=clock, context_frames=6) as project:
        project.add_mapping()
        yield project


def context(
    web: LinkProject, *places: str, margin: int = 1, options: LinkOptions | None = None, **more: Any
) -> list[Found]:
    """Return the lines around frames, each written as its path and its line; by default at the commit ``SHA``."""
    parts = [place.rpartition(":") for place in places]
    more = {"commit": SHA, **more}
    frames = [FrameQuery(FrameInfo(filename=path), int(line) if line else None, **more) for path, _, line in parts]
    resolved = resolve_links(web.services, web.organization, web.project, frames, options)
    return read_context(web.services, web.organization, frames, resolved, margin)


def reasons(found: list[Found]) -> list[str | None]:
    return [item.reason.value if isinstance(item, MissingLines) else None for item in found]


def test_lines_are_those_around_each_frame(web: LinkProject) -> None:
    """Frames keep their order; a file is read once in a request; a frame without a link gets nothing."""
    shelf.files = {(SHA, "src/a.py"): CODE, (SHA, "src/b.py"): b"only"}
    found = context(web, "/srv/a.py:3", "/usr/lib/c.py:1", "/srv/b.py:1", "/srv/a.py:1")
    assert found == [
        SourceLines(2, ("two", "three", "four")),
        None,
        SourceLines(1, ("only",)),
        SourceLines(1, ("one", "two")),
    ]
    assert sorted(shelf.reads) == [(SHA, "src/a.py"), (SHA, "src/b.py")]


def test_reasons_are_per_frame(web: LinkProject) -> None:
    """Each frame has its own reason; the others keep their lines."""
    shelf.files = {
        (SHA, "src/a.py"): CODE,
        (SHA, "src/binary"): b"\0",
        (SHA, "src/large"): b"x" * (MAX_FILE_BYTES + 1),
    }
    found = context(web, "/srv/a.py:5", "/srv/a.py:6", "/srv/a.py:", "/srv/gone.py:1", "/srv/binary:1", "/srv/large:1")
    expected = ["line_not_found", "no_line", "file_not_found", "binary_file", "file_too_large"]
    assert reasons(found) == [None, *expected]


def test_line_numbers_that_mean_unknown_are_no_lines(web: LinkProject) -> None:
    """Runtimes print 0 and -1 for an unknown line."""
    assert reasons(context(web, "/srv/a.py:0", "/srv/a.py:-1")) == ["no_line", "no_line"]
    assert shelf.reads == []


def test_content_at_a_commit_is_cached(web: LinkProject) -> None:
    """The second request reads nothing; another commit does; a missing file may appear later."""
    shelf.files = {(SHA, "src/a.py"): CODE, (OTHER, "src/a.py"): b"other"}
    first, second = (context(web, "/srv/a.py:1") for _ in range(2))
    assert first == second == [SourceLines(1, ("one", "two"))]
    assert shelf.reads == [(SHA, "src/a.py")]
    assert context(web, "/srv/a.py:1", commit=OTHER) == [SourceLines(1, ("other",))]
    assert reasons(context(web, "/srv/new.py:1")) == ["file_not_found"]
    shelf.files[SHA, "src/new.py"] = CODE
    assert reasons(context(web, "/srv/new.py:1")) == [None]


def test_branch_is_read_at_its_commit(web: LinkProject) -> None:
    """The branch is resolved in each request, so that the cache never has an old state of it."""
    shelf.files = {(SHA, "src/a.py"): b"old", (OTHER, "src/a.py"): b"new"}
    for sha, text in ((SHA, "old"), (SHA, "old"), (OTHER, "new")):
        shelf.branches["main"] = ResolvedRef(name="main", kind="branch", sha=sha)
        assert context(web, "/srv/a.py:1", commit=None) == [SourceLines(1, (text,))]
    assert shelf.reads == [(SHA, "src/a.py"), (OTHER, "src/a.py")]


@pytest.mark.parametrize("found", [None, ResolvedRef(name="main", kind="tag", sha=OTHER)])
def test_ref_without_a_commit_is_read_and_not_cached(web: LinkProject, found: ResolvedRef | None) -> None:
    """A branch that cannot be resolved, or a tag of its name, gives no commit: the branch itself is read each time."""
    shelf.branches = {"main": found} if found else {}
    shelf.files = {("main", "src/a.py"): b"main"}
    results = [context(web, "/srv/a.py:1", commit=None) for _ in range(2)]
    assert results == [[SourceLines(1, ("main",))]] * 2
    assert shelf.reads == [("main", "src/a.py")] * 2


def test_repositories_do_not_share_contents(web: LinkProject) -> None:
    """The same commit and path in another repository, as of a fork of another team, is another content."""
    other = web.add_repository("acme/lib")
    web.add_mapping("/lib/", "src/", repository_id=other)
    contents = {web.repository: b"own", other: b"other"}

    def put(repository: Repository, path: str) -> None:
        shelf.files[SHA, path] = contents[repository.id]

    shelf.before_read = put
    for _ in range(2):
        assert context(web, "/srv/a.py:1") == [SourceLines(1, ("own",))]
        assert context(web, "/lib/a.py:1") == [SourceLines(1, ("other",))]
    assert len(shelf.reads) == 2


def test_organizations_do_not_share_contents(web: LinkProject) -> None:
    """A repository of another organization, with the same commit and path, is read again."""
    strangers = project_of_another_organization(web)
    for project, text in ((web, "own"), (strangers, "theirs"), (web, "own"), (strangers, "theirs")):
        shelf.files[SHA, "src/a.py"] = text.encode()
        assert context(project, "/srv/a.py:1") == [SourceLines(1, (text,))]
    assert len(shelf.reads) == 2
    keys = list(web.services.shared(FileCache)._contents)
    assert [key[0] for key in keys] == [web.organization.id, strangers.organization.id]


def project_of_another_organization(web: LinkProject) -> LinkProject:
    """Return a project of a second organization of the same services, with a repository of the same name."""
    store = web.services.store
    organization_id = factories.new_organization(store, "globex")
    with store.write() as tx:
        draft = InstallationDraft(name="shelf", external_id="1")
        stored = installation_queries.create(tx, organization_id, "shelf", draft, factories.NOW)
        organization = organization_queries.get_organization(tx, organization_id)
    assert organization is not None
    installation = stored.installation.id
    owner: dict[str, Any] = {
        "provider": "shelf",
        "installation_id": installation,
        "external_id": "r1",
        "url": f"{BASE}/acme/web",
    }
    repository = factories.new_repository(store, organization_id, **owner)
    project = factories.new_project(store, organization_id)
    made = LinkProject(web.services, organization, installation, repository, project, "shelf")
    made.add_mapping()
    return made


def test_first_frames_are_read(web: LinkProject) -> None:
    """Frames after the limit state it; frames without a link or a line do not count."""
    shelf.files = {(SHA, f"src/{number}.py"): CODE for number in range(9)}
    found = context(web, "/usr/x.py:1", "/srv/0.py:", *(f"/srv/{number}.py:1" for number in range(8)))
    assert reasons(found) == [None, "no_line", *[None] * 6, "limit_reached", "limit_reached"]
    assert len(shelf.reads) == 6


def test_reading_ends_after_some_seconds(web: LinkProject, clock: SettableClock) -> None:
    """When a request has read for too long, the remaining files are left out and nothing is lost."""
    shelf.files = {(SHA, "src/a.py"): CODE}
    assert reasons(context(web, "/srv/a.py:1")) == [None]
    shelf.before_read = lambda _repository, _path: clock.turn(MAX_SECONDS.total_seconds())
    found = context(web, *(f"/srv/{number}.py:1" for number in range(5)), "/srv/a.py:1")
    # Whichever file is read first, the fifth begins only after another one.
    assert set(reasons(found)[:-1]) == {"file_not_found", "limit_reached"}
    # What is cached needs no time.
    assert found[-1] == SourceLines(1, ("one", "two"))


def test_files_are_read_at_the_same_time(web: LinkProject) -> None:
    """Two slow files wait for the code host together."""
    shelf.files = {(SHA, "src/a.py"): CODE, (SHA, "src/b.py"): CODE}
    together = Barrier(2)

    def wait(_repository: Repository, _path: str) -> None:
        try:
            together.wait(timeout=2)
        except BrokenBarrierError as alone:
            raise ProviderError("read alone") from alone

    shelf.before_read = wait
    assert reasons(context(web, "/srv/a.py:1", "/srv/b.py:1")) == [None, None]


@pytest.mark.parametrize(
    ("error", "reason", "message", "asked"),
    [
        (ProviderUnavailable("down"), "provider_failed", "Try again later", 1),
        (ProviderForbidden("Not yours."), "forbidden", "Not yours.", 1),
        (ValueError("a bug"), "provider_failed", "Try again later", 1),
        (ProviderError("Encrypted."), "provider_failed", "Encrypted.", 2),
        (FileTooLarge("It has 3 MB."), "file_too_large", "It has 3 MB.", 2),
        (ApiTooLarge("It sent 3 MB."), "file_too_large", "It sent 3 MB.", 2),
    ],
)
def test_failing_repository_is_not_asked_again(
    web: LinkProject, error: Exception, reason: str, message: str, asked: int
) -> None:
    """After a failure or a refusal the repository is left alone; an error about one file concerns that file only."""

    def fail(_repository: Repository, _path: str) -> None:
        raise error

    shelf.before_read = fail
    shelf.branches["main"] = ResolvedRef(name="main", kind="branch", sha=SHA)
    with capture_logs() as logs:
        # The first request has one file, so that no second one is read at the same time.
        found = [*context(web, "/srv/a.py:1"), *context(web, "/srv/b.py:1", "/srv/b.py:2")]
    assert reasons(found) == [reason] * 3
    assert all(isinstance(item, MissingLines) and message in item.text for item in found)
    unavailable = reason == "provider_failed" and asked == 1
    assert len(shelf.reads) == (1 if unavailable else 2)
    assert [line["hook"] for line in logs if line["event"] == "link not verified"] == ["scm_read_file"] * unavailable


@pytest.mark.parametrize(
    ("error", "stops"),
    [
        (ProviderForbidden("Not yours."), True),
        (ProviderUnavailable("down"), True),
        (ProviderError("Encrypted."), False),
        (FileTooLarge("It has 3 MB."), False),
    ],
)
def test_failure_in_a_request_stops_its_other_files(web: LinkProject, error: Exception, stops: bool) -> None:
    """Those that were begun at the same time are read to the end, and no more."""

    def fail(_repository: Repository, _path: str) -> None:
        raise error

    shelf.before_read = fail
    found = context(web, *(f"/srv/{number}.py:1" for number in range(6)))
    assert len(set(reasons(found))) == 1
    assert (len(shelf.reads) <= 4) is stops


def test_provider_that_is_turned_off_reads_nothing(web: LinkProject) -> None:
    """Also if that happens after the links of the request were made, and the content is cached."""
    shelf.files = {(SHA, "src/a.py"): CODE}
    assert reasons(context(web, "/srv/a.py:1")) == [None]
    frames = [FrameQuery(FrameInfo(filename="/srv/a.py"), 1, SHA)]
    resolved = resolve_links(web.services, web.organization, web.project, frames)
    denied = enabled(deny={"organizations": ["acme"]})
    web.services.plugins.reload(Settings(plugins={"shelf": denied}))
    assert reasons(read_context(web.services, web.organization, frames, resolved, 1)) == ["not_supported"]


def test_other_repositories_are_read_after_a_failure(web: LinkProject) -> None:
    """One failing repository costs its own frames only."""
    other = web.add_repository("acme/lib")
    web.add_mapping("/lib/", "src/", repository_id=other)
    shelf.files = {(SHA, "src/a.py"): CODE}

    def fail(repository: Repository, _path: str) -> None:
        if repository.id == other:
            raise ProviderUnavailable("down")

    shelf.before_read = fail
    assert reasons(context(web, "/lib/a.py:1", "/srv/a.py:1")) == ["provider_failed", None]


def test_provider_without_the_hook_is_not_supported(sqlite_store: Store) -> None:
    """The links stay as they are."""
    with open_project(sqlite_store) as web:
        web.add_mapping()
        assert reasons(context(web, "/srv/a.py:1", "/usr/x.py:1")) == ["not_supported", None]


def test_contents_are_not_logged(web: LinkProject) -> None:
    """Neither a success nor a fault writes source code into the log."""
    shelf.files = {(SHA, "src/a.py"): b"password = 'hunter2'", (SHA, "src/b.py"): b"hunter2\0"}
    with capture_logs() as own, logged() as of_plugins:
        context(web, "/srv/a.py:1", "/srv/b.py:1", "/srv/a.py:9")
        shelf.files[OTHER, "src/a.py"] = ["hunter2"]  # type: ignore[assignment] # a wrong result
        assert reasons(context(web, "/srv/a.py:1", commit=OTHER)) == ["provider_failed"]
    assert [line["error"] for line in of_plugins] == ["returned 'list' where bytes | None is expected"]
    assert own
    assert "hunter2" not in f"{own} {of_plugins}"


def test_cache_is_bounded_by_bytes_and_time() -> None:
    """The least recently used contents make room; a content that is too large is not kept; all end after a time."""
    now = [0.0]
    cache = FileCache(most=3_000, timer=lambda: now[0])
    keys = [(1, 1, 1, SHA, f"{number}.py") for number in range(4)]
    for key in keys[:2]:
        cache.put(key, b"x" * 900)
    assert cache.get(keys[0])
    cache.put(keys[2], b"y" * 900)
    cache.put(keys[3], b"z" * 3_000)
    assert [cache.get(key) is not None for key in keys] == [True, False, True, False]
    assert 1_800 < cache.size <= 3_000
    for number in range(100):
        cache.put((1, 1, 1, OTHER, f"{number}"), b"")
    # Empty files are counted, too.
    assert len(cache._contents) < 10
    cache.put(keys[0], b"a")
    now[0] = CACHED_SECONDS - 1
    assert cache.get(keys[0]) == b"a"
    now[0] = CACHED_SECONDS + 1
    assert cache.get(keys[0]) is None
