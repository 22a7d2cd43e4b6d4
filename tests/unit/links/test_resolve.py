"""Resolve frames to links."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

import factories
from linking import BASE, LinkProject
from plugins.odd_text import SURROGATE
from scmhost.infra.telemetry import Operation, Sink, Telemetry
from scmhost.links.resolve import MAX_CACHED_PROJECTS, MappingCache, index_mappings, notes_on_release, resolve_links
from scmhost.links.values import FrameQuery, Link, LinkOptions, NoLink
from scmhost.mapping import FileStatus, FrameInfo
from scmhost.organizations.queries import Project
from scmhost.sdk import Reason
from statement_count import recorded_statements

SHA = "a" * 40
OLDER = "b" * 40
DERIVE = LinkOptions(derive=True, with_file_status=True)


def reason(web: LinkProject, path: str, options: LinkOptions | None = None) -> Reason | None:
    """The reason why a frame has no link, if it has none."""
    (resolved,) = web.resolve(path, options=options)
    return resolved.outcome.reason if isinstance(resolved.outcome, NoLink) else None


@contextmanager
def statements_of(web: LinkProject) -> Iterator[list[str]]:
    """Note the first word of each statement that runs in the block."""
    words: list[str] = []
    with recorded_statements(web.services.store) as statements:
        yield words
    words += [statement.split(maxsplit=1)[0] for statement in statements]


def test_refs_are_tried_in_order(web: LinkProject) -> None:
    """The frame's commit comes first, then the release's, then the mapping's branch."""
    web.add_mapping()
    web.add_release("1.0", OLDER)
    release = LinkOptions("1.0")
    assert web.urls("/srv/a.py", options=release, commit=SHA) == [f"acme/web/{SHA}/src/a.py"]
    assert web.urls("/srv/a.py", options=release) == [f"acme/web/{OLDER}/src/a.py"]
    assert web.urls("/srv/a.py", line=7) == ["acme/web/main/src/a.py#L7"]


def test_newest_commit_of_the_file_is_the_last_ref(web: LinkProject) -> None:
    """Without any other ref, the link leads to the newest known commit that named the file."""
    web.add_mapping(default_branch=None)
    web.add_commit("A src/a.py")
    newest = web.add_commit("M src/a.py", "A src/b.py")
    web.add_commit("D src/b.py")
    assert web.urls("/srv/a.py") == [f"acme/web/{newest}/src/a.py"]
    assert [reason(web, path) for path in ("/srv/b.py", "/srv/never.py")] == [Reason.NO_REF] * 2


def test_release_of_another_repository_gives_no_ref(web: LinkProject) -> None:
    """A release's commit counts in its own repository only."""
    other = web.add_repository("acme/lib")
    web.add_mapping("/lib/", "", repository_id=other)
    web.add_release("1.0", SHA)
    assert web.urls("/lib/a.py", options=LinkOptions("1.0")) == ["acme/lib/main/a.py"]


def test_unknown_release_uses_the_next_ref(web: LinkProject) -> None:
    """The frame's commit, or the default branch; the answer has a note."""
    assert reason(web, "/srv/a.py", LinkOptions("9.9")) is Reason.NO_CODE_MAPPINGS
    web.add_mapping()
    web.add_release("1.0", SHA)
    assert web.urls("/srv/a.py", options=LinkOptions("9.9")) == ["acme/web/main/src/a.py"]
    notes = [notes_on_release(web.services, web.organization, version) for version in (None, "", "1.0", "9.9")]
    assert [len(found) for found in notes] == [0, 0, 0, 1]
    assert "no release '9.9'" in notes[3][0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/elsewhere/a.py", Reason.STACK_ROOT_MISMATCH),
        ("/srv/../../etc/passwd", Reason.PATH_OUTSIDE),
        ("<string>", Reason.NOT_A_FILE),
        ("", Reason.NOT_A_FILE),
        ("/srv/", Reason.NOT_A_FILE),
        (f"/srv/{SURROGATE}.py", Reason.NOT_A_FILE),
        (f"/srv/{'x' * 5000}.py", Reason.NO_SOURCE_PAGES),
    ],
)
def test_frame_without_link_has_a_reason(web: LinkProject, path: str, expected: Reason) -> None:
    """Each frame without a link has a reason and a next step."""
    web.add_mapping(source_root="")
    (resolved,) = web.resolve(path)
    assert isinstance(resolved.outcome, NoLink)
    assert resolved.outcome.reason is expected
    assert resolved.outcome.next_step


def test_project_without_mappings_has_one_reason_for_all_frames(web: LinkProject) -> None:
    """The reason is the missing mappings for every frame, because creating one is the next step."""
    assert [reason(web, path) for path in ("/srv/a.py", "<string>")] == [Reason.NO_CODE_MAPPINGS] * 2
    assert web.resolve() == []


@pytest.mark.parametrize(
    ("path", "expected", "message"),
    [
        ("bad_url.py", Reason.UNSAFE_URL, "not a safe http or https link"),
        ("bad_message.py", Reason.NO_SOURCE_PAGES, r"no page \ud800"),
        ("bad_error.py", Reason.FORBIDDEN, r"not yours \ud800"),
        ("script.py", Reason.UNSAFE_URL, "not a safe http or https link"),
    ],
)
def test_text_of_a_plugin_can_be_encoded(web: LinkProject, path: str, expected: Reason, message: str) -> None:
    """A URL or a text that UTF-8 cannot encode is a reason, with a text that it can encode."""
    web.add_mapping()
    (resolved,) = web.resolve(f"/srv/{path}")
    assert isinstance(resolved.outcome, NoLink)
    assert resolved.outcome.reason is expected
    assert message in resolved.outcome.message
    resolved.outcome.message.encode()


def test_known_file_decides_between_mappings(web: LinkProject) -> None:
    """Of several source roots, the one with the file is tried first, then unknown ones, then deleted files."""
    for root in ("a/", "b/", "c/"):
        web.add_mapping(source_root=root)
    web.add_commit("A a/x.py", "A c/x.py", "A c/y.py")
    web.add_commit("D a/x.py", "D c/y.py")
    assert web.urls("/srv/x.py", "/srv/y.py") == ["acme/web/main/c/x.py", "acme/web/main/a/y.py"]
    (resolved,) = web.resolve("/srv/x.py")
    statuses = [(item.source_path, item.file_status, item.outcome is None) for item in resolved.tried]
    assert statuses == [
        ("c/x.py", FileStatus.LISTED, False),
        ("b/x.py", FileStatus.UNKNOWN, True),
        ("a/x.py", FileStatus.DELETED, True),
    ]


def test_next_mapping_is_tried_after_a_failure(web: LinkProject) -> None:
    """If the first mapping gives no link, the next one may; without any link, the first mapping's reason counts."""
    without_url = web.add_repository("acme/nowhere", url=None, status="hidden")
    first = web.add_mapping("/srv/app/", "", repository_id=without_url)
    second = web.add_mapping("/srv/", "src/")
    (resolved,) = web.resolve("/srv/app/a.py")
    assert isinstance(resolved.outcome, Link)
    assert resolved.mapping == second
    assert [item.mapping.id for item in resolved.tried] == [first.id, second.id]
    (failed,) = web.resolve("/srv/app/script.py")
    assert failed.mapping == first
    assert isinstance(failed.outcome, NoLink)
    assert failed.outcome.reason is Reason.REPOSITORY_INACTIVE


def test_unclaimed_repository_gives_no_link(web: LinkProject) -> None:
    """A repository without an installation has no provider that could build a URL."""
    unclaimed = factories.new_repository(web.services.store, web.organization.id, "acme/free")
    web.add_mapping(repository_id=unclaimed)
    assert reason(web, "/srv/a.py") is Reason.INSTALLATION_NOT_FOUND


def test_frames_without_mapping_are_linked_by_derived_mappings(web: LinkProject) -> None:
    """A mapping is derived for the request from known files, and is not saved."""
    web.add_commit("A shop/cart.py", "A shop/pay.py")
    path = "/build/shop/cart.py"
    assert web.urls(path) == [None]
    (resolved,) = web.resolve(path, options=DERIVE, commit=SHA)
    assert isinstance(resolved.outcome, Link)
    assert resolved.outcome.url == f"{BASE}/acme/web/{SHA}/shop/cart.py"
    assert (resolved.outcome.basis.mapping, resolved.outcome.basis.file) == ("derived", "listed")
    assert resolved.outcome.mapping_id < 0
    assert web.mappings() == []


def test_saved_mapping_comes_before_derived_ones(web: LinkProject) -> None:
    """Nothing is derived for a frame that a saved mapping matches."""
    saved = web.add_mapping("/build/", "lib/")
    web.add_commit("A shop/cart.py")
    (resolved,) = web.resolve("/build/shop/cart.py", options=DERIVE)
    assert resolved.mapping == saved


def test_derived_mapping_that_catches_all_links_known_files_only(web: LinkProject) -> None:
    """A saved derived mapping without a stack root matches every frame, so that an unknown file has no link."""
    web.add_mapping("", "src/", generated=True, confidence="low")
    web.add_commit("A src/a.py")
    assert web.urls("a.py", "b.py") == ["acme/web/main/src/a.py", None]
    assert reason(web, "b.py") is Reason.FILE_NOT_FOUND


def test_mapping_change_takes_effect_at_once(web: LinkProject) -> None:
    """The cache has the mappings of one version, so that a change is seen by the next request."""
    web.add_mapping()
    assert web.urls("/srv/app/a.py") == ["acme/web/main/src/app/a.py"]
    web.add_mapping("/srv/app/", "lib/")
    assert web.urls("/srv/app/a.py") == ["acme/web/main/lib/a.py"]


def test_deleted_repository_gives_no_link(web: LinkProject) -> None:
    """A request with the mappings of a repository that was just deleted has an answer."""
    web.add_mapping()
    project = web.project
    mappings = index_mappings(project.mappings_version + 1, [replace(web.mappings()[0], repository_id=10**6)])
    stale = replace(project, mappings_version=project.mappings_version + 1)
    web.services.shared(MappingCache).put(stale, mappings)
    frame = FrameQuery(FrameInfo(filename="/srv/a.py"))
    (resolved,) = resolve_links(web.services, web.organization, stale, [frame])
    assert isinstance(resolved.outcome, NoLink)
    assert resolved.outcome.reason is Reason.STACK_ROOT_MISMATCH


def test_links_are_read_in_one_transaction(web: LinkProject) -> None:
    """A request with a release and derived mappings begins one transaction, which writes nothing."""
    web.add_mapping()
    web.add_commit("A shop/cart.py")
    web.add_release("1.0", SHA)
    project = web.project
    # The version of the organization is read once a second, in a transaction of its own.
    web.services.store.caches.of(web.organization, web.services.clock.now())
    frames = [FrameQuery(FrameInfo(filename=path)) for path in ("/srv/a.py", "/build/shop/cart.py")]
    with statements_of(web) as statements:
        resolve_links(web.services, web.organization, project, frames, replace(DERIVE, release="1.0"))
    assert statements.count("BEGIN") == 1
    assert set(statements) == {"BEGIN", "SELECT"}


def test_mappings_are_read_once(web: LinkProject) -> None:
    """The second request of a project reads nothing, because no version has changed."""
    web.add_mapping()
    project, frame = web.project, FrameQuery(FrameInfo(filename="/srv/a.py"))
    counts = []
    for _ in range(2):
        with statements_of(web) as statements:
            resolve_links(web.services, web.organization, project, [frame])
        counts.append(statements.count("SELECT"))
    assert counts[0] > counts[1] == 0


def test_derived_mapping_to_an_unknown_file_leaves_the_reason(web: LinkProject) -> None:
    """A project without mappings keeps its reason if the derived mapping gives a file that no commit named."""
    web.add_commit("A shop/cart.py")
    frames = ("/build/shop/cart.py", "/build/shop/other.py")
    derived, unknown = web.resolve(*frames, options=LinkOptions(derive=True))
    assert isinstance(derived.outcome, Link)
    assert isinstance(unknown.outcome, NoLink)
    assert unknown.outcome.reason is Reason.NO_CODE_MAPPINGS


def test_outcome_has_its_mapping_and_repository(web: LinkProject) -> None:
    """A link and a missing link name the mapping that they come from, with its repository."""
    mapping = web.add_mapping()
    for resolved in web.resolve("/srv/a.py", "/srv/script.py"):
        assert resolved.mapping == mapping
        assert resolved.repository is not None
        assert resolved.repository.id == web.repository


class Counted(Sink):
    """Keeps the last counts."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[str, int]] = {}

    def begin(self, operation: Operation) -> Callable[[], None]:
        return lambda: None

    def count(self, counter: str, numbers: Mapping[str, int]) -> None:
        self.counts[counter] = dict(numbers)


def test_frames_are_counted_by_outcome(web: LinkProject) -> None:
    """Telemetry gets the number of links, and of missing links by reason."""
    web.add_mapping()
    sink = Counted()
    services = replace(web.services, telemetry=Telemetry(sink))
    frames = [FrameQuery(FrameInfo(filename=path)) for path in ("/srv/a.py", "/srv/b.py", "/lib/c.py")]
    resolve_links(services, web.organization, web.project, frames)
    assert sink.counts == {"frames": {"linked": 2, Reason.STACK_ROOT_MISMATCH.value: 1}}


def project_of(number: int) -> Project:
    return Project(number, 1, f"p{number}", "P", None, 1, datetime(2026, 1, 1, tzinfo=UTC))


def test_mapping_cache_is_bounded() -> None:
    """The project that was not used for the longest time is dropped."""
    cache = MappingCache()
    for number in range(MAX_CACHED_PROJECTS):
        cache.put(project_of(number), index_mappings(1, []))
    assert cache.get(project_of(0)) is not None
    cache.put(project_of(MAX_CACHED_PROJECTS), index_mappings(1, []))
    assert len(cache) == MAX_CACHED_PROJECTS
    assert cache.get(project_of(0)) is not None
    assert cache.get(project_of(1)) is None


def test_mapping_cache_has_one_version_of_a_project() -> None:
    """Mappings of another version are not used, and are replaced."""
    cache = MappingCache()
    project = project_of(1)
    cache.put(project, index_mappings(1, []))
    newer = replace(project, mappings_version=2)
    assert cache.get(newer) is None
    cache.put(newer, index_mappings(2, []))
    assert (cache.get(project), len(cache)) == (None, 1)
