"""The pages of the code hosts that scmhost knows."""

from typing import Any

import pytest

from loading import case_id, load_cases
from scmhost.sdk import Location, NoUrl, TemplateError, UrlTemplates, preset, preset_kinds

CASES = load_cases("presets")
SHA = "0123456789abcdef"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['preset']} {case_id(case)}")
def test_page(case: dict[str, Any]) -> None:
    """The link is the one that the host's own pages use."""
    templates = UrlTemplates(pages=preset(case["preset"]).pages, repo_url=case["repo_url"])
    shown = templates.view(Location(**case["location"]))
    assert (case.get("url"), case.get("reason")) == (
        (None, shown.reason) if isinstance(shown, NoUrl) else (shown, None)
    )


def test_every_preset_has_cases() -> None:
    """No preset is without examples."""
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
    """Commits and what lies between two refs have pages of their own."""
    root = "https://git.example/team/app"
    templates = UrlTemplates(pages=preset(kind).pages, repo_url=root)
    assert [commit.replace("R", root, 1), compare.replace("R", root, 1)] == [
        templates.commit(SHA),
        templates.compare("v1", "v2"),
    ]


def test_an_unknown_preset_names_the_known() -> None:
    """A typo in a kind of host is answered with the kinds there are."""
    with pytest.raises(TemplateError, match=r"the presets are allura, .*gitlab"):
        preset("githup")
