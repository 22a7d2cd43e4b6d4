"""Suspect commits in the service: of releases, of the newest commits, and by blamed lines."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

import factories
from hosting import SettableClock
from linking import LinkProject, open_project
from plugins.shelf import shelf
from scmhost.commits import bulk_queries
from scmhost.infra.db.engine import Store
from scmhost.links import suspect_queries, suspects
from scmhost.links.resolve import resolve_links
from scmhost.links.suspects import FoundSuspects, SuspectOptions, find_suspects
from scmhost.links.traces import LinksIn, read_trace
from scmhost.releases import content_queries
from scmhost.releases import queries as release_queries
from scmhost.releases.values import ReleaseDraft
from scmhost.sdk import BlamedLine, FileChange, ProviderForbidden, Repository

TRACE = 'File "/srv/main.py", line 3, in run\nFile "/srv/cart.py", line 42, in total\n'
CART, MAIN = "src/cart.py", "src/main.py"


class Shop:
    """A project whose commits and releases a test makes."""

    def __init__(self, web: LinkProject) -> None:
        self.web = web

    def commit(self, number: int, *changes: str, message: str = "Change", repository: int | None = None) -> str:
        """Save a commit; a higher number is later."""
        files = tuple(FileChange.model_validate({"type": change[0], "path": change[2:]}) for change in changes)
        draft = factories.draft(number, message=message, changes=files)
        with self.web.services.store.write() as tx:
            owner = repository or self.web.repository
            bulk_queries.save(tx, self.web.organization.id, owner, [draft], factories.NOW)
        return draft.sha

    def release(self, version: str, *shas: str, days: int = 0) -> None:
        """Save a release with these commits, the newest first; without any, its commits are not known."""
        organization, moment = self.web.organization.id, factories.NOW + timedelta(days=days)
        with self.web.services.store.write() as tx:
            draft = ReleaseDraft(released_at=moment)
            release, _ = release_queries.upsert(tx, organization, version, draft, moment)
            release_queries.attach_projects(tx, organization, release.id, [self.web.project_id])
            stored = release_queries.find(tx, organization, version)
            assert stored is not None
            if not shas:
                return
            content_queries.set_shas(tx, stored, self.web.repository, shas, join=False)
            content_queries.set_head(tx, organization, release.id, self.web.repository, shas[0], None)

    def ask(self, trace: str | Sequence[dict[str, Any]] = TRACE, **options: Any) -> FoundSuspects:
        web = self.web
        body = LinksIn.model_validate({"text": trace} if isinstance(trace, str) else {"frames": trace})
        read = read_trace(web.services, body)
        resolved = resolve_links(web.services, web.organization, web.project, read.queries, body.options)
        return find_suspects(web.services, web.organization, read, resolved, SuspectOptions(**options))


def shas(found: FoundSuspects) -> list[str]:
    return [item.suspect.sha for item in found.suspects]


def blamed(line: int, sha: str, minutes: int = 0) -> BlamedLine:
    return BlamedLine(line=line, sha=sha, author_name="Bob", timestamp=factories.NOW + timedelta(minutes=minutes))


@pytest.fixture
def shop(sqlite_store: Store) -> Iterator[Shop]:
    """A project of a provider that blames lines, with a mapping of ``/srv/``."""
    shelf.reset()
    with open_project(sqlite_store, plugin="shelf", clock=SettableClock()) as web:
        web.add_mapping()
        yield Shop(web)


def test_commits_of_the_release_that_touch_the_trace(shop: Shop) -> None:
    """Others are no suspects, though they are newer; the suspect has its commit and evidence."""
    old, other, touching = shop.commit(1, f"M {CART}"), shop.commit(2, "M README"), shop.commit(3, f"M {CART}")
    later = shop.commit(4, f"M {CART}")
    shop.release("1.0", old, days=-1)
    shop.release("1.1", touching, other)
    found = shop.ask(release="1.1")
    (suspect,) = found.suspects
    assert (suspect.suspect.sha, suspect.repository.name, found.release) == (touching, "acme/web", "1.1")
    assert suspect.commit is not None
    assert "only commit of 1.1 that touches the trace" in suspect.suspect.evidence
    assert later not in shas(found)


def test_release_before_is_used_when_no_commit_touches_the_trace(shop: Shop) -> None:
    """With low confidence, and a note."""
    old, other = shop.commit(1, f"M {CART}"), shop.commit(2, "M README")
    shop.release("1.0", old, days=-1)
    shop.release("1.1", other)
    found = shop.ask(release="1.1")
    assert shas(found) == [old]
    assert (found.suspects[0].suspect.confidence, found.release) == ("low", "1.0")
    assert found.notes == ["No commit of 1.1 touches the trace; these are of 1.0, the release before it."]


def test_without_a_release_the_newest_commits_are_compared(shop: Shop) -> None:
    """Up to the first occurrence; an unknown release is a note."""
    first, second = shop.commit(1, f"M {CART}"), shop.commit(3, f"M {CART}", f"M {MAIN}")
    assert shas(shop.ask()) == [second, first]
    assert shas(shop.ask(first_seen=factories.NOW + timedelta(minutes=2))) == [first]
    found = shop.ask(release="9.9")
    assert shas(found) == [second, first]
    assert "no release '9.9'" in found.notes[0]


def test_commits_after_a_release_without_commits_are_no_suspects(shop: Shop) -> None:
    """The newest commits are compared, up to the release; blamed ones too."""
    before, after = shop.commit(1, f"M {CART}"), shop.commit(2_000, f"M {CART}")
    shelf.blamed = {CART: [blamed(42, after, 2_000), blamed(41, "f" * 40, 3_000)]}
    shop.release("1.0", days=1)
    assert shas(shop.ask(release="1.0")) == [before]
    assert set(shas(shop.ask())) == {after, before, "f" * 40}


def test_blamed_commit_is_first(shop: Shop) -> None:
    """Whether it is stored or not; blame is asked for the lines around, and not asked when it is off."""
    stored = shop.commit(1, f"M {CART}")
    newest = shop.commit(5, f"M {CART}")
    shelf.blamed = {CART: [blamed(42, stored, 1), blamed(41, stored, 1), blamed(30, newest, 5)]}
    assert shas(shop.ask()) == [stored, newest]
    unknown = "f" * 40
    shelf.blamed = {CART: [blamed(line, unknown, 4) for line in range(32, 53)]}
    found = shop.ask()
    assert shas(found)[0] == unknown
    assert (found.suspects[0].commit, found.suspects[0].blamed and found.suspects[0].blamed.author_name) == (
        None,
        "Bob",
    )
    shelf.reads.clear()
    assert shas(shop.ask(blame=False)) == [newest, stored]
    assert shelf.reads == []


def test_blamed_commit_outside_of_the_release_is_no_suspect(shop: Shop) -> None:
    outside, listed = shop.commit(1, f"M {CART}"), shop.commit(2, f"M {CART}")
    shop.release("1.0", listed)
    shelf.blamed = {CART: [blamed(42, outside, 1)]}
    assert shas(shop.ask(release="1.0")) == [listed]


def test_refusing_host_costs_no_suspect(shop: Shop) -> None:
    """The files of commits are left; a note says why there is no blame."""
    sha = shop.commit(1, f"M {CART}")

    def refuse(_repository: Repository, _path: str) -> None:
        raise ProviderForbidden("no access")

    shelf.before_read = refuse
    found = shop.ask()
    assert shas(found) == [sha]
    assert "no access" in found.notes[0]


def test_frames_of_events_are_innermost_last(shop: Shop) -> None:
    """As SDKs send them; frames of libraries do not count."""
    inner, outer = shop.commit(1, f"M {CART}"), shop.commit(2, f"M {MAIN}")
    shop.commit(3, "M src/library.py")
    frames = [
        {"filename": "/srv/main.py", "lineno": 3, "in_app": True},
        {"filename": "/srv/cart.py", "lineno": 42, "in_app": True},
        {"filename": "/srv/library.py", "lineno": 42, "in_app": False},
    ]
    assert shas(shop.ask(frames)) == [inner, outer]


def test_equal_paths_of_two_repositories_are_kept_apart(shop: Shop) -> None:
    """A commit of one repository does not change the file of the other."""
    second = shop.web.add_repository("acme/api")
    shop.web.add_mapping("/api/", "src/", repository_id=second)
    mine, other = shop.commit(1, f"M {CART}"), shop.commit(2, f"M {MAIN}", repository=second)
    found = shop.ask('File "/api/main.py", line 1, in f\nFile "/srv/cart.py", line 4, in g\n')
    assert {(item.suspect.sha, item.repository.name) for item in found.suspects} == {
        (mine, "acme/web"),
        (other, "acme/api"),
    }


def test_trace_without_a_repository_has_a_reason(shop: Shop) -> None:
    assert shop.ask("nothing here\n").reason == "No frame of the trace is in the repository."


def test_moved_file_is_no_change(shop: Shop) -> None:
    moved = shop.commit(1, f"A {CART}", "D old/cart.py")
    assert moved not in shas(shop.ask())


def test_no_host_is_asked_after_the_deadline(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suspects are those without blame."""
    sha = shop.commit(1, f"M {CART}")
    monkeypatch.setattr(suspects, "BLAME_SECONDS", timedelta(0))
    assert shas(shop.ask()) == [sha]
    assert shelf.reads == []


STATEMENTS = {
    "of a release": lambda organization: suspect_queries.listed(organization, 1, 1),
    "newest": lambda organization: suspect_queries.newest_ids(organization, 1, None),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_scans_commits_or_changes(store: Store, name: str) -> None:
    """Both databases look up each commit's changes by their key, however many changes are stored."""
    with store.read() as tx:
        dialect = tx.get_bind().dialect
        statement = suspect_queries.changes_of(dialect.name, 1, STATEMENTS[name](1), [1, 2, 3])
        sql = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        if dialect.name == "postgresql":
            # A scan of an empty table is cheap, and a join by hashes is for large ones: neither may be the plan here.
            tx.execute(text("SET LOCAL enable_seqscan = off"))
            plan = "\n".join(tx.scalars(text(f"EXPLAIN {sql}")))
            assert "Seq Scan" not in plan
            tx.execute(text("SET LOCAL enable_nestloop = off"))
            assert "Nested Loop" in "\n".join(tx.scalars(text(f"EXPLAIN {sql}")))
        else:
            plan = "\n".join(row.detail for row in tx.execute(text(f"EXPLAIN QUERY PLAN {sql}")))
            assert "SCAN commits" not in plan
            assert "SCAN file_changes" not in plan
            assert "SEARCH file_changes USING PRIMARY KEY (organization_id=? AND commit_id=? AND path_hash=?)" in plan
