"""The cached URL templates of repositories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.repositories.template_cache import RepositoryTemplates
from scmhost.sdk import NoUrl, UrlTemplates
from scmhost.sdk.urls.pages import Pages
from strategies import any_text

REPOSITORY = "https://git.example/team/app"
# The sha once, twice, cut, in two lengths, under another name, and not at all.
COMMIT_PAGES = (
    "{repo_url}/commit/{commit}",
    "{repo_url}/commit/{commit}?tab=files#{commit}",
    "{repo_url}/commit/{commit:12}",
    "{repo_url}/commit/{commit}/{commit:12}",
    "{repo_url}/-/c/{ref}/",
    "{repo_url}/latest",
)
shas = st.text("0123456789abcdef", min_size=40, max_size=40)


def templates(commit: str | None) -> UrlTemplates:
    return UrlTemplates(pages=Pages(view="{repo_url}/blob/{ref}/{path}", commit=commit), repo_url=REPOSITORY)


@pytest.mark.parametrize("page", COMMIT_PAGES)
@given(sha=shas | any_text)
def test_cached_page_of_a_commit_is_that_of_the_template(page: str, sha: str) -> None:
    """The cache changes no URL and no refusal, for any form of the page and any text for a sha."""
    made = templates(page)
    cached = RepositoryTemplates(made)
    assert [cached.commit(sha) for _ in range(2)] == [made.commit(sha)] * 2


def test_pages_of_full_shas_do_not_fill_in_the_template_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first one they are put together from the text around the sha."""
    cached = RepositoryTemplates(templates(COMMIT_PAGES[0]))
    cached.commit("a" * 40)
    monkeypatch.setattr(UrlTemplates, "commit", None)
    assert cached.commit("b" * 40) == f"{REPOSITORY}/commit/{'b' * 40}"


def test_host_without_pages_of_commits_has_none() -> None:
    """The reason stays the one of the templates."""
    made = templates(None)
    assert isinstance(made.commit("a" * 40), NoUrl)
    assert RepositoryTemplates(made).commit("a" * 40) == made.commit("a" * 40)


def test_plugin_without_templates_builds_each_page() -> None:
    """There is nothing to cache then."""
    cached = RepositoryTemplates(None)
    assert (cached.commit("a" * 40), cached.at("main", "branch")) == (None, None)
