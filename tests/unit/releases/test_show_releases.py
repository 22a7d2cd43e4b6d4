"""Show releases with their commits, files and pages, and the release before."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from api import commit
from plugins import historian
from release_host import ReleaseHost
from scmhost.infra.errors import NotFound
from scmhost.infra.paging import PageQuery
from scmhost.installations.install import install_provider
from scmhost.releases.manage import RefDraft
from scmhost.releases.schemas import release_out
from scmhost.releases.show import CommitFilter, files_of_release, previous_with_commits
from statement_count import recorded_statements

A, B, C = "a" * 40, "b" * 40, "c" * 40


def previous(host: ReleaseHost, version: str, repository: str | None = None) -> tuple[str, str] | None:
    """Return the version and the last commit of the release before."""
    view = previous_with_commits(host.services, host.organization, version, repository)
    if view is None:
        return None
    assert view.last_commit is not None
    return view.release.version, view.last_commit.commit.sha


def test_release_has_pages_of_its_commits(host: ReleaseHost) -> None:
    """The last commit has its page, and a ref with a previous commit has the page that compares the two."""
    form = {"name": "team", "url": "https://git.example.com/", "preset": "gitea"}
    installation = install_provider(host.services, host.organization, "custom_scm", form).installation
    url = "https://git.example.com/team/app"
    host.add_repository("team/app", "custom_scm", installation.id, url)
    host.create(commits=[commit(A)], refs=[RefDraft("team/app", f"{B}..{A}")])
    view = host.get()
    assert view.last_commit is not None
    assert view.last_commit.url == f"{url}/commit/{A}"
    assert [ref.compare_url for ref in view.refs] == [f"{url}/compare/{B}...{A}"]
    host.change(refs=[RefDraft("team/app", A)])
    assert [ref.compare_url for ref in host.get().refs] == [None]


def test_release_is_shown_without_text_that_json_cannot_express(host: ReleaseHost) -> None:
    """The release is shown without pages, and the log names the plugin."""
    host.add_repository("team/app", "historian", host.install("historian"))
    host.create(commits=[commit(A)], refs=[RefDraft("team/app", f"{B}..{A}")])
    view, url = host.get(), "https://git.example.com/\ud800"
    assert view.last_commit is not None
    bad_commit, bad_ref = replace(view.last_commit, url=url), replace(view.refs[0], compare_url=url)
    for bad in (replace(view, last_commit=bad_commit), replace(view, refs=[bad_ref])):
        with capture_logs() as logs:
            out = release_out(host.services, host.organization, bad)
        assert out.last_commit is not None
        assert (out.last_commit.url, out.refs[0].compare_url) == (None, None)
        assert (out.last_commit.id, out.refs[0].commit) == (A, A)
        out.model_dump_json()
        (line,) = logs
        assert (line["event"], line["plugin"], line["release"]) == ("release not shaped", "historian", "1.0")


def test_release_is_read_in_few_statements(host: ReleaseHost) -> None:
    """The number of statements does not grow with the repositories of a release."""
    counts = []
    for version, repositories in (("1.0", 1), ("2.0", 50)):
        names = [f"{version}/{number}" for number in range(repositories)]
        host.create(version, commits=[commit(A, name) for name in names])
        with recorded_statements(host.services.store) as statements:
            host.get(version)
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_commits_are_filtered_by_repository(host: ReleaseHost) -> None:
    """A repository is given by id or by name, in any case; an unknown name is an error."""
    host.create(commits=[commit(A, "team/one"), commit(B, "team/two")])
    ids = {ref.repository.name: ref.repository.id for ref in host.get().refs}
    assert host.shas(only=CommitFilter(repository_name="TEAM/one")) == [A]
    assert host.shas(only=CommitFilter(repository_id=ids["team/two"])) == [B]
    assert host.shas(only=CommitFilter(repository_id=0)) == []
    assert set(host.shas(only=CommitFilter(host.project))) == {A, B}
    with pytest.raises(NotFound, match="has no repository 'none'"):
        host.shas(only=CommitFilter(repository_name="none"))
    with pytest.raises(NotFound, match="Project 'api' has no release"):
        host.shas(only=CommitFilter(host.add_project("api")))


def test_changed_files_have_their_commit_and_repository(host: ReleaseHost) -> None:
    """They are listed by path, page by page."""
    patch_set = [{"path": "b.py", "type": "D"}, {"path": "a.py", "type": "A"}]
    host.create(commits=[commit(A, patch_set=patch_set)])
    pages = [files_of_release(host.services, host.organization, "1.0", PageQuery(place, 1)) for place in (0, 1)]
    files = [item for page in pages for item in page.items]
    assert [(item.change.path, item.change.type) for item in files] == [("a.py", "A"), ("b.py", "D")]
    assert {(item.commit.sha, item.repository.name) for item in files} == {(A, "team/app")}
    with pytest.raises(NotFound):
        files_of_release(host.services, host.organization, "9", PageQuery())


def test_release_before_has_the_head_of_the_only_repository(host: ReleaseHost) -> None:
    """The first release has none before it, and a release that does not exist is an error."""
    host.create("1.0", commits=[commit(A)])
    host.create("2.0")
    assert (previous(host, "1.0"), previous(host, "2.0")) == (None, ("1.0", A))
    with pytest.raises(NotFound):
        previous(host, "9")


def test_release_before_is_of_the_named_repository(host: ReleaseHost) -> None:
    """Where the checkout may be of several repositories, the client must name one."""
    host.create("1.0", commits=[commit(A, "team/app")])
    host.create("1.1", commits=[commit(B, "team/other")])
    host.create("2.0")
    assert previous(host, "2.0") is None
    assert previous(host, "2.0", "TEAM/app") == ("1.0", A)
    assert previous(host, "2.0", "team/other") == ("1.1", B)
    assert previous(host, "2.0", "none") is None


def test_release_before_is_ordered_by_its_date(host: ReleaseHost) -> None:
    """The date of the release counts before that of its creation."""
    for version, day in (("1.0", 3), ("1.1", 2), ("2.0", 4)):
        released = datetime(2026, 1, day, tzinfo=UTC)
        host.create(version, commits=[commit(str(day) * 40)], released_at=released)
    assert previous(host, "2.0") == ("1.0", "3" * 40)
    assert previous(host, "1.0") == ("1.1", "2" * 40)


def test_release_of_another_project_is_not_before(host: ReleaseHost) -> None:
    """A release of several projects has those of each of them before it."""
    host.add_project("api")
    host.create("1.0", projects=["api"], commits=[commit(A)])
    host.create("2.0")
    host.create("2.1", projects=["api", "web"])
    assert (previous(host, "2.0", "team/app"), previous(host, "2.1", "team/app")) == (None, ("1.0", A))


def test_release_with_a_tag_is_not_before(host: ReleaseHost) -> None:
    """Clients search for full shas only."""
    host.add_repository("team/app", "historian", host.install("historian"))
    host.create("1.0", refs=[RefDraft("team/app", "v1.0")])
    host.create("2.0")
    assert previous(host, "2.0") is None
    assert historian.requests == []


def test_placeholder_counts_while_it_is_the_only_repository(host: ReleaseHost) -> None:
    """With a second project, the commits of the remote may be of another repository."""
    host.create("1.0", commits=[commit(A, "origin")])
    host.create("2.0")
    assert previous(host, "2.0") == ("1.0", A)
    host.add_project("api")
    assert previous(host, "2.0") is None
