"""A change of code mappings is tried on frames, and not saved."""

from collections.abc import Iterator

import pytest

from linking import LinkProject, open_project
from scmhost.infra.db.engine import Store
from scmhost.infra.errors import NotFound
from scmhost.links.code_mappings import get_mapping, mappings_in_order
from scmhost.links.explain import MappingChange, try_change
from scmhost.links.values import FrameQuery, Link, LinkOptions
from scmhost.mapping import FrameInfo


@pytest.fixture
def project(sqlite_store: Store) -> Iterator[LinkProject]:
    with open_project(sqlite_store) as opened:
        yield opened


def outcomes(project: LinkProject, change: MappingChange, *paths: str) -> list[tuple[str, str, bool]]:
    """Return the path or the reason of each frame before and after a change, and whether they differ."""
    frames = [FrameQuery(FrameInfo(path), 3) for path in paths]
    tried = try_change(project.services, project.organization, project.project, change, frames, LinkOptions())
    sides = [[side.outcome for side in (each.before, each.after)] for each in tried]
    texts = [[side.source_path if isinstance(side, Link) else side.reason.value for side in pair] for pair in sides]
    return [(first, second, each.differs) for (first, second), each in zip(texts, tried, strict=True)]


def test_new_mapping_is_tried(project: LinkProject) -> None:
    """A frame without a link gets one, a frame of another mapping keeps its own, and nothing is saved."""
    project.add_mapping("/srv/", "src/")
    change = MappingChange(project.draft("/opt/", "lib/"))
    assert outcomes(project, change, "/opt/a.py", "/srv/a.py", "/usr/a.py") == [
        ("stack_root_mismatch", "lib/a.py", True),
        ("src/a.py", "src/a.py", False),
        ("stack_root_mismatch", "stack_root_mismatch", False),
    ]
    assert len(project.mappings()) == 1


def test_changed_mapping_replaces_the_old_one(project: LinkProject) -> None:
    """With a changed root the mapping matches other frames, and the former ones no more."""
    saved = project.add_mapping("/srv/", "src/")
    change = MappingChange(project.draft("/opt/", "src/"), saved.id)
    assert outcomes(project, change, "/opt/a.py", "/srv/a.py") == [
        ("stack_root_mismatch", "src/a.py", True),
        ("src/a.py", "stack_root_mismatch", True),
    ]


def test_deletion_is_tried(project: LinkProject) -> None:
    """Without a mapping its frames get the next one that matches."""
    saved = project.add_mapping("/srv/app/", "app/")
    project.add_mapping("/srv/", "src/")
    assert outcomes(project, MappingChange(None, saved.id), "/srv/app/a.py") == [("app/a.py", "src/app/a.py", True)]


def test_new_mapping_comes_after_an_equal_one(project: LinkProject) -> None:
    """Of two mappings with equal roots the older one is tried first, as after saving."""
    other = project.add_repository("acme/other")
    project.add_mapping("/srv/", "src/")
    change = MappingChange(project.draft("/srv/", "src/", repository_id=other))
    assert outcomes(project, change, "/srv/a.py") == [("src/a.py", "src/a.py", False)]


def test_mappings_are_listed_in_the_order_in_which_they_are_tried(project: LinkProject) -> None:
    """The longer stack root comes first, and derived mappings come last; a long list is cut."""
    for root, generated in (("/a/", False), ("/a/b/c/", True), ("/a/b/", False)):
        project.add_mapping(root, generated=generated, confidence="low" if generated else None)
    arguments = project.services, project.organization, project.project
    listed, more = mappings_in_order(*arguments, 10)
    assert ([each.mapping.stack_root for each in listed], more) == (["/a/b/", "/a/", "/a/b/c/"], 0)
    shown, rest = mappings_in_order(*arguments, 1)
    assert ([each.mapping.stack_root for each in shown], rest) == (["/a/b/"], 2)


def test_mapping_of_another_project_is_unknown(project: LinkProject) -> None:
    """An id of another project's mapping finds nothing."""
    saved = project.add_mapping()
    found = get_mapping(project.services, project.organization, project.project, saved.id)
    assert found.mapping == saved
    for wrong in (saved.id + 1, project.repository):
        with pytest.raises(NotFound):
            get_mapping(project.services, project.organization, project.project, wrong)
