"""Links of very many frames are the links of each."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.links.bulk import MAX_FOLDER_LENGTH, MAX_FOLDERS, BulkLinks
from scmhost.mapping import MappingIndex, Rule
from scmhost.sdk import NoUrl, Pages, Reason, UrlTemplates, preset
from scmhost.sdk.urls.plain_links import MAX_LINE
from scmhost.sdk.urls.ref_links import RefLinks
from strategies import hostile_text, rule_lists, stack_paths

PAGES = (
    preset("github").pages,
    preset("bitbucket_server").pages,
    preset("gitea").pages,
    Pages(view="{repo_url}/{dir}/{filename}?at={ref}", anchor="?l={line}"),
)
NO_PAGES = NoUrl(reason=Reason.NO_REF, message="no commit is known")
names = st.sampled_from(["x.py", "README.md", "a b.py", "..", ".", ".env", "", "a\\b.py", "é.py", "App", "x" * 201])
frames = hostile_text | stack_paths() | st.tuples(stack_paths(), names).map("/".join)
lines = st.none() | st.sampled_from([-1, 0, 1, 7, MAX_LINE, MAX_LINE + 1])


def ref_links(pages: Pages = PAGES[0]) -> RefLinks:
    """The links of a sample repository."""
    found = UrlTemplates(pages=pages, repo_url="https://git.example/team/app").at("main", "branch")
    assert isinstance(found, RefLinks)
    return found


def one_by_one(rules: Sequence[Rule], path: str, line: int | None, pages: RefLinks | NoUrl) -> str | NoUrl | None:
    """The page of the first rule that gives a file, without any cache."""
    for rule in MappingIndex(rules).candidates(path):
        source_path = rule.source_path(path)
        if source_path:
            return pages if isinstance(pages, NoUrl) else pages.url(source_path, line)
    return None


def reason(url: str | NoUrl) -> Reason | None:
    """Why there is no URL, if there is none."""
    return url.reason if isinstance(url, NoUrl) else None


@given(rule_lists(), st.lists(frames, min_size=1, max_size=5), lines, st.sampled_from(PAGES).map(ref_links))
def test_bulk_links_equal_single_links(rules: list[Rule], paths: list[str], line: int | None, pages: RefLinks) -> None:
    """A frame among many has the link that it has alone, the first time and again."""
    links = BulkLinks(MappingIndex(rules), lambda _: pages)
    for path in paths + paths:
        url, expected = links.url(path, line), one_by_one(rules, path, line, pages)
        assert url == expected or (expected is None and isinstance(url, NoUrl))


def test_a_repository_without_pages_has_a_reason() -> None:
    """If a rule's repository has no pages, the answer is its own reason."""
    links = BulkLinks(MappingIndex([Rule(1, "app", "src")]), lambda _: NO_PAGES)
    assert links.url("app/x.py") == NO_PAGES
    assert links.url("app/.env") == NO_PAGES


def test_name_with_a_backslash_is_matched_as_a_path() -> None:
    """A wildcard that matches no file of a folder may match below it, if the path continues with a backslash."""
    links = BulkLinks(MappingIndex([Rule(1, "app/*/shop", "src")]), lambda _: ref_links())
    assert reason(links.url("app/x.py")) == Reason.STACK_ROOT_MISMATCH
    assert links.url("app/1\\shop\\x.py") == ref_links().url("src/x.py", None)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("lib/x.py", Reason.STACK_ROOT_MISMATCH),
        ("lib/../x.py", Reason.STACK_ROOT_MISMATCH),
        ("app/../../x.py", Reason.PATH_OUTSIDE),
        ("app/x.py", None),
    ],
)
def test_missing_link_has_a_reason(path: str, expected: Reason | None) -> None:
    """A frame of a library, and one that leads out of the repository, have different reasons."""
    assert reason(BulkLinks(MappingIndex([Rule(1, "app", "src")]), lambda _: ref_links()).url(path)) is expected


def test_each_rule_has_its_own_pages() -> None:
    """Two code mappings may lead to two repositories."""
    rules = [Rule(1, "app", ""), Rule(2, "lib", "")]
    pages = {rule.id: ref_links(given) for rule, given in zip(rules, (PAGES[0], PAGES[2]), strict=True)}
    links = BulkLinks(MappingIndex(rules), lambda rule: pages[rule.id])
    assert links.url("app/a.py", 3) == "https://git.example/team/app/blob/main/a.py#L3"
    assert links.url("lib/a.py") == "https://git.example/team/app/src/branch/main/a.py"


def test_folder_cache_is_bounded() -> None:
    """The cache is emptied when it is full, and long folders are not kept."""
    links = BulkLinks(MappingIndex([Rule(1, "a", "b")]), lambda _: ref_links())
    urls = {links.url(f"a/{number}/x.py") for number in range(MAX_FOLDERS + 2)}
    long_path = "a/" + "x" * MAX_FOLDER_LENGTH + "/x.py"
    assert links.url(long_path) == f"https://git.example/team/app/blob/main/b{long_path[1:]}"
    assert len(urls) == MAX_FOLDERS + 2
    assert len(links._folders) == 2


def test_cache_is_full_at_its_limit() -> None:
    """The last folder that fits is kept, and the next one empties the cache first."""
    links = BulkLinks(MappingIndex([Rule(1, "a", "b")]), lambda _: ref_links())
    for number in range(MAX_FOLDERS):
        links.url(f"a/{number}/x.py")
    assert len(links._folders) == MAX_FOLDERS
    links.url("a/next/x.py")
    assert list(links._folders) == ["a/next"]


@pytest.mark.parametrize(("length", "kept"), [(MAX_FOLDER_LENGTH, 1), (MAX_FOLDER_LENGTH + 1, 0)])
def test_length_limit_of_cached_folders(length: int, kept: int) -> None:
    """A folder at the length limit is kept, and a longer one is not."""
    links = BulkLinks(MappingIndex([Rule(1, "a", "b")]), lambda _: ref_links())
    links.url("a/" + "x" * (length - 2) + "/m.py")
    assert len(links._folders) == kept


def test_rule_that_leads_outside_is_skipped() -> None:
    """If the first rule leads out of the repository, the next one gives the link, for plain and for odd names."""
    rules = [Rule(1, "a/../b/", "../x"), Rule(2, "a/", "src/")]
    links = BulkLinks(MappingIndex(rules), lambda _: ref_links())
    for name in ("x.py", ".env"):
        assert links.url(f"a/../b/{name}") == f"https://git.example/team/app/blob/main/b/{name}"
