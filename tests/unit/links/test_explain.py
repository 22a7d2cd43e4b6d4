"""Explain how frames get their links."""

from linking import LinkProject, open_project
from scmhost.infra.db.engine import Store
from scmhost.links.explain import ExplainedFrame, explain_links
from scmhost.links.values import FrameQuery, Link, LinkOptions
from scmhost.mapping import FrameInfo, Mismatch

OPTIONS = LinkOptions(derive=True, with_file_status=True)


def explain(web: LinkProject, *frames: FrameInfo, options: LinkOptions = OPTIONS) -> list[ExplainedFrame]:
    queries = [FrameQuery(frame) for frame in frames]
    return explain_links(web.services, web.organization, web.project, queries, options)


def test_every_mapping_has_an_outcome(web: LinkProject) -> None:
    """Mappings that match are listed in the order in which they are tried, the others with their mismatch."""
    roots = ("/srv/app/", "/srv/", "/SRV/", "/sr", "/other/")
    ids = {root: web.add_mapping(root, "").id for root in roots}
    (frame,) = explain(web, FrameInfo(filename="/srv/app/a.py"))
    assert isinstance(frame.resolved.outcome, Link)
    assert [(item.mapping.id, item.outcome is None) for item in frame.resolved.tried] == [
        (ids["/srv/app/"], False),
        (ids["/srv/"], True),
    ]
    assert {item.mapping.id: item.mismatch for item in frame.unmatched} == {
        ids["/SRV/"]: Mismatch.CASE_DIFFERS,
        ids["/sr"]: Mismatch.INSIDE_SEGMENT,
        ids["/other/"]: Mismatch.ROOT_DIFFERS,
    }
    assert all(item.repository and item.repository.id == web.repository for item in frame.unmatched)
    assert all("/srv/app/a.py" in item.message for item in frame.unmatched)
    assert (frame.munged, frame.paths, frame.unmatched_more) == (None, ("/srv/app/a.py",), 0)


def test_munged_path_is_shown(web: LinkProject) -> None:
    """The path that a platform's rule makes is the one that the roots are compared with."""
    web.add_mapping("com/acme/", "src/main/java/com/acme/")
    java = FrameInfo("App.java", "com.acme.App", "App.java", platform="java")
    (frame,) = explain(web, java)
    assert (frame.munged, frame.paths) == ("com/acme/App.java", ("com/acme/App.java", "App.java"))


def test_number_of_unmatched_mappings_is_limited(sqlite_store: Store) -> None:
    """The first mappings in the order of rules are listed, and the others are counted."""
    with open_project(sqlite_store, explained_mappings=2) as web:
        for root in ("/a/", "/long/er/", "/long/"):
            web.add_mapping(root)
        first, second = explain(web, FrameInfo(filename="/srv/a.py"), FrameInfo(filename="/a/x.py"))
    assert [item.mapping.stack_root for item in first.unmatched] == ["/long/er/", "/long/"]
    assert (first.unmatched_more, second.unmatched_more, len(second.unmatched)) == (1, 0, 2)


def test_outcomes_are_those_of_links(web: LinkProject) -> None:
    """An explanation has the outcome that the frame has without one, for derived mappings too."""
    web.add_mapping()
    web.add_commit("A shop/cart.py", "A src/a.py")
    paths = ["/srv/a.py", "/build/shop/cart.py", "/nowhere.py", "<string>"]
    explained = explain(web, *(FrameInfo(filename=path) for path in paths))
    assert [item.resolved.outcome for item in explained] == [
        item.outcome for item in web.resolve(*paths, options=OPTIONS)
    ]


def test_frames_without_mappings_are_explained(web: LinkProject) -> None:
    """A project without mappings has nothing to try, with an unknown release too."""
    (frame,) = explain(web, FrameInfo(filename="/srv/a.py"))
    assert (frame.resolved.tried, frame.unmatched, frame.unmatched_more) == ((), (), 0)
    (other,) = explain(web, FrameInfo(filename="/srv/a.py"), options=LinkOptions("9.9", derive=True))
    assert other == frame
    assert explain(web) == []
