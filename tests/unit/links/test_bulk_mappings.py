"""Save many code mappings at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import factories
from linking import LinkProject, open_project
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.links.bulk_mappings import Roots, RootsResult, assign_ids, save_mappings
from scmhost.links.values import CodeMapping, MappingDraft
from statement_count import recorded_statements

NAMES = ("web", "acme/web")


def save(
    web: LinkProject, *pairs: tuple[str, str], names: tuple[str, str] = NAMES, branch: str | None = "main"
) -> list[RootsResult]:
    return save_mappings(web.services, web.organization, names, branch, [Roots(*pair) for pair in pairs])


def statuses(results: list[RootsResult]) -> list[str]:
    return [result.status for result in results]


def roots(web: LinkProject) -> list[tuple[str, str]]:
    return [(mapping.stack_root, mapping.source_root) for mapping in web.mappings()]


def test_source_root_replaces_the_one_of_its_stack_root(web: LinkProject) -> None:
    """A stack root that the project has is updated, and only a real change has an entry in the audit log."""
    assert statuses(save(web, ("/a/", "a/"), ("/b/", "b/"))) == ["created", "created"]
    assert statuses(save(web, ("/a/", "a/"), ("/b/", "new/"), names=("WEB".lower(), "ACME/Web"))) == ["updated"] * 2
    assert roots(web) == [("/a/", "a/"), ("/b/", "new/")]
    assert web.audited() == ["code-mapping.create"] * 2 + ["code-mapping.edit"]


def test_several_source_roots_of_one_request_are_kept(web: LinkProject) -> None:
    """A request may list several source roots for a stack root, and the same one again."""
    assert statuses(save(web, ("/a/", "a/"), ("/a/", "b/"), ("/a/", "a/"))) == ["created", "created", "updated"]
    assert statuses(save(web, ("/a/", "c/"), ("/a/", "b/"))) == ["updated", "updated"]
    assert sorted(roots(web)) == [("/a/", "b/"), ("/a/", "c/")]


def test_cost_grows_with_the_different_pairs_only(sqlite_store: Store) -> None:
    """Each new pair costs the same number of statements, and an equal one none."""
    with open_project(sqlite_store) as web:
        # The first request of an organization counts its rows for the quota.
        save(web, ("/first/", "a/"))
        counts = []
        for size, times in ((1, 1), (11, 1), (21, 1), (1, 200)):
            pairs = [(f"/{size}/{times}/{number}/", "a/") for number in range(size)] * times
            with recorded_statements(sqlite_store) as statements:
                save(web, *pairs)
            counts.append(len(statements))
    one, eleven, twenty_one, repeated = counts
    assert twenty_one - eleven == eleven - one
    assert repeated == one


def test_wrong_mapping_does_not_stop_the_others(web: LinkProject) -> None:
    """The result of a wrong mapping is its problem, and it takes no other mapping's place."""
    save(web, ("/a/", "a/"))
    results = save(web, ("/a/", "it's/"), ("/a/", "b/"), ("x y/", ""))
    assert statuses(results) == ["error", "updated", "error"]
    assert "spaces" in str(results[0].detail)
    assert results[1].detail is None
    assert roots(web) == [("/a/", "b/")]


def test_full_project_takes_changes_only(sqlite_store: Store) -> None:
    """At the limit of a project, mappings are updated, and new ones have the limit as their problem."""
    with open_project(sqlite_store, mappings_per_project=1) as web:
        save(web, ("/a/", "a/"))
        results = save(web, ("/a/", "new/"), ("/b/", "b/"))
    assert statuses(results) == ["updated", "error"]
    assert "limits.mappings_per_project" in str(results[1].detail)


def test_mapping_moves_to_the_repository_of_the_request(web: LinkProject) -> None:
    """The repository and the branch of a stack root's only mapping are replaced too."""
    other = web.add_repository("acme/lib")
    save(web, ("/a/", "a/"))
    save(web, ("/a/", "b/"), names=("web", "acme/lib"), branch=None)
    (mapping,) = web.mappings()
    assert (mapping.repository_id, mapping.source_root, mapping.default_branch) == (other, "b/", None)


@pytest.mark.parametrize("number", [0, 3])
def test_number_of_mappings_in_a_request_is_limited(sqlite_store: Store, number: int) -> None:
    """A request has at least one mapping and at most as many as the limit allows."""
    with open_project(sqlite_store, mappings_per_request=2) as web:
        with pytest.raises(InvalidInput) as refused:
            save(web, *[(f"/{at}/", "") for at in range(number)])
        assert refused.value.field == "mappings"
        assert roots(web) == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("none", "acme/web"), "Project not found: none"),
        (("web", "none"), "Repository not found: none"),
    ],
)
def test_unknown_name_is_not_found(web: LinkProject, names: tuple[str, str], message: str) -> None:
    """The error names what the organization does not have."""
    with pytest.raises(NotFound, match=message):
        save(web, ("/a/", ""), names=names)


def test_unclaimed_repository_is_refused(web: LinkProject) -> None:
    """A repository without an installation cannot be linked, so that mapping it is an error."""
    factories.new_repository(web.services.store, web.organization.id, "acme/free")
    with pytest.raises(InvalidInput, match="not associated with an integration"):
        save(web, ("/a/", ""), names=("web", "acme/free"))


source_roots = st.lists(st.sampled_from(["a/", "b/", "c/", "d/"]), min_size=1, max_size=4)


def stored(number: int, repository: int, source_root: str) -> CodeMapping:
    return CodeMapping(number, 1, 1, repository, "/srv/", source_root, None, generated=False, created_at=factories.NOW)


@given(st.sets(st.tuples(st.integers(1, 2), st.sampled_from(["a/", "b/", "c/"]))), source_roots)
def test_sending_the_same_mappings_again_changes_nothing(existing: set[tuple[int, str]], sent: list[str]) -> None:
    """Each source root replaces one mapping, no two replace the same, and a second request replaces the same ones."""
    before = [stored(number, *pair) for number, pair in enumerate(sorted(existing), 1)]
    drafts = [MappingDraft(1, 1, "/srv/", root, None) for root in sent]
    first = assign_ids(before, drafts)
    replaced = [id_ for id_ in first.values() if id_ is not None]
    assert list(first) == list(dict.fromkeys(sent))
    assert len(replaced) == len(set(replaced)) == min(len(first), len(before))
    saved = {root: id_ or 100 + at for at, (root, id_) in enumerate(first.items())}
    after = [stored(id_, 1, root) for root, id_ in saved.items()]
    left = [mapping for mapping in before if mapping.id not in replaced]
    assert assign_ids([*after, *left], drafts) == saved
    unchanged = {item.id for item in before if item.repository_id == 1 and item.source_root in sent}
    assert unchanged <= {*replaced}
