"""Links to the pages of GitLab, and pasted pages."""

from datetime import UTC, datetime

import pytest

from scmhost.sdk import Location, NoUrl, Reason, Repository
from scmhost_gitlab.plugin import (
    PROVIDER,
    scm_commit_url,
    scm_compare_url,
    scm_read_source_url,
    scm_register_providers,
    scm_source_url,
    scm_url_templates,
)

SHA = "0123456789abcdef0123456789abcdef01234567"
CART = "https://gitlab.example.com/acme/shop/cart"


def repository(url: str | None = CART) -> Repository:
    return Repository(
        id=5, organization_id=1, name="acme/shop/cart", url=url, created_at=datetime(2026, 1, 2, tzinfo=UTC)
    )


def at(path: str, line: int | None = None, end_line: int | None = None, ref: str = SHA) -> Location:
    return Location(ref=ref, ref_kind="commit" if ref == SHA else "branch", path=path, line=line, end_line=end_line)


@pytest.mark.parametrize("base", [CART, "https://git.example.com/gitlab/acme/cart", "https://gitlab.com/a/b/c/d/e"])
@pytest.mark.parametrize(
    ("location", "page"),
    [
        (at("src/cart.py", 7), f"/-/blob/{SHA}/src/cart.py#L7"),
        (at("src/cart.py", 7, 9), f"/-/blob/{SHA}/src/cart.py#L7-9"),
        (at("src/cart.py"), f"/-/blob/{SHA}/src/cart.py"),
        (at("a b/ü#?.py", 1), f"/-/blob/{SHA}/a%20b/%C3%BC%23%3F.py#L1"),
        (at("README.md", 3), f"/-/blob/{SHA}/README.md?plain=1#L3"),
        (at("src/cart.py", 1, ref="feature/new"), "/-/blob/feature/new/src/cart.py#L1"),
    ],
)
def test_a_file_has_a_page(base: str, location: Location, page: str) -> None:
    """At any depth of groups; the host's rendering of the templates is the same."""
    assert scm_source_url(repository(base), location) == base + page
    templates = scm_url_templates(repository(base))
    assert templates is not None
    assert templates.view(location) == base + page
    found = scm_read_source_url(base + page, [repository(base)])
    assert location in [candidate.location for candidate in found]


def test_commits_and_comparisons_have_pages() -> None:
    """With the whole ids."""
    assert scm_commit_url(repository(), SHA) == f"{CART}/-/commit/{SHA}"
    assert scm_compare_url(repository(), "v1.0", SHA) == f"{CART}/-/compare/v1.0...{SHA}"


@pytest.mark.parametrize(
    ("url", "path", "reason"),
    [
        (None, "a.py", Reason.REPOSITORY_WITHOUT_URL),
        ("git@gitlab.example.com:acme/cart.git", "a.py", Reason.UNSAFE_URL),
        (CART, "../secret", Reason.PATH_OUTSIDE),
        (CART, "", Reason.NOT_A_FILE),
    ],
)
def test_a_missing_link_has_its_reason(url: str | None, path: str, reason: Reason) -> None:
    """A repository without a page, and a path that is no file."""
    found = scm_source_url(repository(url), at(path))
    assert isinstance(found, NoUrl)
    assert found.reason is reason


@pytest.mark.parametrize(
    "url",
    [
        "https://gitlab.com/acme/shop/cart/-/blob/main/a.py",
        "https://gitlab.example.com/acme/shop/cart-two/-/blob/main/a.py",
        "https://gitlab.example.com/acme/shop/cart/-/issues/7",
        CART,
        "javascript:alert(1)",
    ],
)
def test_other_pages_are_not_read(url: str) -> None:
    """Of other hosts and projects, and of what is no file."""
    assert list(scm_read_source_url(url, [repository()])) == []


def test_old_pages_are_read() -> None:
    """GitLab's pages had no dash before version 12."""
    (found,) = scm_read_source_url(f"{CART}/blob/{SHA}/src/cart.py#L7", [repository()])
    assert found.location == at("src/cart.py", 7)


def test_the_provider_states_what_it_can() -> None:
    """Each feature has its text in the catalogue."""
    assert list(scm_register_providers()) == [PROVIDER]
    assert {text.feature for text in PROVIDER.metadata.features} == PROVIDER.features
