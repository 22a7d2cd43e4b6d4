"""Create, list, change and delete code mappings."""

from dataclasses import replace

import pytest

import factories
from linking import LinkProject, open_project
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import InvalidInput, NotFound
from scmhost.infra.paging import PageQuery
from scmhost.installations.install import InvalidForm
from scmhost.links.code_mappings import change_mapping, create_mapping, delete_mapping, list_mappings, problems_of
from scmhost.links.values import MappingDraft
from scmhost.mapping import Evidence

ROOT_PROBLEM = ["Path may not contain spaces or quotations"]


def create(web: LinkProject, draft: MappingDraft) -> int:
    return create_mapping(web.services, web.organization, web.installation, draft).mapping.id


def test_created_mapping_has_its_project_and_repository(web: LinkProject) -> None:
    """The result has what an answer shows, and the audit log has an entry."""
    details = create_mapping(web.services, web.organization, web.installation, web.draft())
    assert (details.project.id, details.repository.id) == (web.project_id, web.repository)
    assert web.mappings() == [details.mapping]
    assert web.audited() == ["code-mapping.create"]


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"stack_root": "a b"}, {"stackRoot": ROOT_PROBLEM}),
        ({"stack_root": "a\x00"}, {"stackRoot": ROOT_PROBLEM}),
        ({"stack_root": "a\ud800"}, {"stackRoot": ROOT_PROBLEM}),
        ({"source_root": "it's"}, {"sourceRoot": ROOT_PROBLEM}),
        ({"stack_root": "'", "source_root": '"'}, {"stackRoot": ROOT_PROBLEM, "sourceRoot": ROOT_PROBLEM}),
        ({"default_branch": ""}, {"defaultBranch": ["This field is required."]}),
        ({"default_branch": "/main"}, None),
        ({"default_branch": "main/"}, None),
        ({"default_branch": "ma in"}, None),
        ({"repository_id": factories.NOBODY}, {"repositoryId": ["Repository does not exist"]}),
    ],
)
def test_wrong_field_is_named(
    web: LinkProject, fields: dict[str, object], problems: dict[str, list[str]] | None
) -> None:
    """Each wrong field has a problem, and nothing is saved."""
    with pytest.raises(InvalidForm) as refused:
        create(web, replace(web.draft(), **fields))  # type: ignore[arg-type]
    if problems is None:
        assert list(refused.value.problems) == ["defaultBranch"]
    else:
        assert refused.value.problems == problems
    assert web.mappings() == []
    assert web.audited() == []


@pytest.mark.parametrize("branch", [None, "main", "release/1.x", "-x", "a_b.c"])
def test_branch_is_optional(web: LinkProject, branch: str | None) -> None:
    """A mapping may have no default branch, or one with the characters that Sentry allows."""
    assert problems_of(web.draft(default_branch=branch)) == {}


def test_unknown_project_or_installation_is_not_found(web: LinkProject) -> None:
    """The project and the installation must belong to the organization."""
    with pytest.raises(NotFound, match="Could not find project"):
        create(web, web.draft(project_id=factories.NOBODY))
    with pytest.raises(NotFound, match="Could not find this integration"):
        create_mapping(web.services, web.organization, factories.NOBODY, web.draft())


def test_repository_of_another_installation_is_refused(web: LinkProject) -> None:
    """A mapping belongs to the installation of its repository."""
    unclaimed = factories.new_repository(web.services.store, web.organization.id, "acme/free")
    with pytest.raises(InvalidForm, match="Repository does not exist"):
        create(web, web.draft(repository_id=unclaimed))


def test_same_roots_are_refused_twice(web: LinkProject) -> None:
    """The same roots of a repository may exist once, after a change too."""
    create(web, web.draft())
    second = create(web, web.draft(source_root="lib/"))
    with pytest.raises(InvalidForm, match="already exists"):
        create(web, web.draft(default_branch="other"))
    with pytest.raises(InvalidForm, match="already exists"):
        change_mapping(web.services, web.organization, second, web.draft())
    assert [mapping.source_root for mapping in web.mappings()] == ["src/", "lib/"]


def test_number_of_mappings_is_limited(sqlite_store: Store) -> None:
    """A project has at most as many mappings as the limit allows, and the error names the limit."""
    with open_project(sqlite_store, mappings_per_project=1) as web:
        create(web, web.draft())
        with pytest.raises(InvalidInput, match=r"limits\.mappings_per_project"):
            create(web, web.draft(source_root="lib/"))


def test_change_replaces_the_fields(web: LinkProject) -> None:
    """All fields are replaced. Only a real change has an entry in the audit log."""
    mapping_id = create(web, web.draft())
    changed = change_mapping(web.services, web.organization, mapping_id, web.draft("/opt/", "", default_branch=None))
    again = change_mapping(web.services, web.organization, mapping_id, web.draft("/opt/", "", default_branch=None))
    assert changed.mapping == again.mapping
    assert (changed.mapping.stack_root, changed.mapping.default_branch) == ("/opt/", None)
    assert web.audited() == ["code-mapping.create", "code-mapping.edit"]


def test_changed_derived_mapping_belongs_to_the_person(web: LinkProject) -> None:
    """After a person changes a derived mapping, it counts as made by a person."""
    derived = web.add_mapping(generated=True, confidence="high", derived_from=(Evidence("/srv/a.py", "src/a.py"),))
    changed = change_mapping(web.services, web.organization, derived.id, web.draft(source_root="lib/")).mapping
    assert (changed.generated, changed.confidence, changed.derived_from) == (False, None, ())


def test_mapping_stays_with_its_installation(web: LinkProject) -> None:
    """A change to a repository that the installation does not have is refused."""
    mapping_id = create(web, web.draft())
    unclaimed = factories.new_repository(web.services.store, web.organization.id, "acme/free")
    with pytest.raises(InvalidForm, match="Repository does not exist"):
        change_mapping(web.services, web.organization, mapping_id, web.draft(repository_id=unclaimed))


def test_deleted_mapping_is_not_found_again(web: LinkProject) -> None:
    """A mapping is deleted once; then neither a change nor another deletion finds it."""
    mapping_id = create(web, web.draft())
    delete_mapping(web.services, web.organization, mapping_id)
    assert web.mappings() == []
    with pytest.raises(NotFound, match=f"no code mapping with the id {mapping_id}"):
        delete_mapping(web.services, web.organization, mapping_id)
    with pytest.raises(NotFound, match=f"no code mapping with the id {mapping_id}"):
        change_mapping(web.services, web.organization, mapping_id, web.draft())
    assert web.audited() == ["code-mapping.create", "code-mapping.delete"]


def test_mappings_are_listed_in_pages(web: LinkProject) -> None:
    """Mappings are listed by id, page by page."""
    ids = [web.add_mapping(f"/{number}/").id for number in range(3)]
    first = list_mappings(web.services, web.organization, PageQuery(size=2))
    assert ([item.mapping.id for item in first.items], first.has_next) == (ids[:2], True)


def test_listing_is_filtered(web: LinkProject) -> None:
    """A list may be restricted to projects and to an installation, which must exist."""
    mapping = web.add_mapping()
    other = factories.new_project(web.services.store, web.organization.id, "api")
    unclaimed = factories.new_repository(web.services.store, web.organization.id, "acme/free")
    elsewhere = web.add_mapping(project_id=other, repository_id=unclaimed)

    def ids(**filters: object) -> list[int]:
        page = list_mappings(web.services, web.organization, factories.EVERYTHING, **filters)  # type: ignore[arg-type]
        return [item.mapping.id for item in page.items]

    assert ids() == [mapping.id, elsewhere.id]
    assert ids(project_ids=[other]) == [elsewhere.id]
    assert ids(project_ids=[]) == []
    assert ids(installation_id=web.installation) == [mapping.id]
    with pytest.raises(NotFound):
        ids(installation_id=factories.NOBODY)
