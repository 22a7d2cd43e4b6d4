"""The pages of known code hosts."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.sdk import NoUrl, PagePosition, TemplateError, UrlTemplates, preset, preset_kinds

CASES = load_cases("presets")
SHA = "0123456789abcdef"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['preset']} {case_id(case)}")
def test_page(case: dict[str, Any]) -> None:
    """The link is the URL of the host's own page."""
    templates = UrlTemplates(pages=preset(case["preset"]).pages, repo_url=case["repo_url"])
    shown = templates.view(PagePosition(**case["location"]))
    assert (case.get("url"), case.get("reason")) == (
        (None, shown.reason) if isinstance(shown, NoUrl) else (shown, None)
    )


def test_every_preset_has_cases() -> None:
    """Each preset has examples."""
    assert set(preset_kinds()) == {case["preset"] for case in CASES}


@pytest.mark.parametrize(
    ("kind", "commit", "compare"),
    [
        ("azure_devops", "R/commit/0123456789abcdef", "R/branchCompare?baseVersion=GCv1&targetVersion=GCv2"),
        ("bitbucket_server", "R/commits/0123456789abcdef", "R/compare/commits?sourceBranch=v2&targetBranch=v1"),
        ("cgit", "R/commit/?id=0123456789abcdef", "R/diff/?id=v2&id2=v1"),
        ("gitea", "R/commit/0123456789abcdef", "R/compare/v1...v2"),
        ("github", "R/commit/0123456789abcdef", "R/compare/v1...v2"),
        ("gitiles", "R/+/0123456789abcdef", "R/+/v1..v2"),
        ("gitlab", "R/-/commit/0123456789abcdef", "R/-/compare/v1...v2"),
    ],
)
def test_commit_and_compare_pages(kind: str, commit: str, compare: str) -> None:
    """Commits and comparisons have the URLs of the host."""
    root = "https://git.example/team/app"
    templates = UrlTemplates(pages=preset(kind).pages, repo_url=root)
    assert [commit.replace("R", root, 1), compare.replace("R", root, 1)] == [
        templates.commit(SHA),
        templates.compare("v1", "v2"),
    ]


def test_an_unknown_preset_is_refused_with_a_list() -> None:
    """The error for an unknown kind lists the known kinds."""
    with pytest.raises(TemplateError, match=r"the presets are allura, .*gitlab"):
        preset("githup")
