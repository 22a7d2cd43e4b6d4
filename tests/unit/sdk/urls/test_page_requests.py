"""The URL of any page, from partial information."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loading import case_id, load_cases
from scmhost.sdk import NoUrl, PageRequest, Reason, TemplateError, UrlError, page_url, preset, preset_kinds, safe_url
from scmhost.sdk.urls.templates import PAGE_NAMES
from strategies import hostile_text

TEMPLATES = (
    None,
    "{base_url}/x/{path}?r={ref}[#L{line}]",
    "{scheme}://{web_host}[:{port}]{prefix}/{owner_first}/{repo}/{path}",
    "{repo_url}/{branch}{path}",
    "{base_url}/{path}/{filename|raw}",
    {"branch": "{repo_url}/b/{ref}/{path}", "none": "{repo_url}/{path}"},
)
TEXTS = ("ref", "path", "repo", "owner", "commit", "base", "head", "project", "account", "blob")
FILE = {"ref": "main", "path": "src/a.py", "line": 3, "end_line": 7}


def url(**fields: Any) -> str | Reason:
    """Return the URL of a page, or the reason why there is none."""
    answer = page_url(PageRequest(**fields))
    return answer.reason if isinstance(answer, NoUrl) else answer


@pytest.mark.parametrize("case", load_cases("pages"), ids=case_id)
def test_pages_have_the_form_of_their_host(case: dict[str, Any]) -> None:
    """Raw files, blame, folders, history, commits and comparisons have the URLs of the host."""
    assert case["url"] == url(**case["question"])


@given(
    st.sampled_from(preset_kinds()),
    st.sampled_from(TEMPLATES),
    st.sampled_from([*PAGE_NAMES, "repo"]),
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("ref", "path", "repo", "owner", "commit", "base", "head", "project", "account", "blob"), hostile_text
        ),
    ),
    st.sampled_from(["branch", "tag", "commit", "none", None]),
    st.integers(-5, 20_000_000),
)
def test_pages_stay_on_the_configured_host(
    kind: str, template: Any, page: str, fields: dict[str, str], ref_kind: str | None, number: int
) -> None:
    """For any untrusted values, the URL is on the configured host, or on the literal host of a template."""
    own = {urlsplit(text).hostname for name in PAGE_NAMES for _, text in preset(kind).pages.texts(name)} - {None}
    numbers = dict.fromkeys(("line", "end_line", "column", "end_column", "number"), number)
    request: dict[str, Any] = {**fields, **numbers, "kind": kind, "base_url": "https://git.example:8443/sub"}
    try:
        made = page_url(PageRequest(**request, type=page, template=template, ref_kind=ref_kind))
    except (UrlError, TemplateError, ValidationError):
        return
    assert isinstance(made, NoUrl) or safe_url(made)
    assert isinstance(made, NoUrl) or urlsplit(made).netloc == "git.example:8443" or urlsplit(made).hostname in own
    assert isinstance(made, NoUrl) or not {".", ".."} & set(urlsplit(made).path.split("/"))


def test_a_custom_template() -> None:
    """A template replaces the page of the kind; with a template the kind may be unknown."""
    known = {"base_url": "https://git.example/sub", "repo": "team/app", **FILE}
    assert url(**known, template="{base_url}/s/{owner}/{repo}/{path}?l={line_plus_1}-{end_line_plus_1}") == (
        "https://git.example/sub/s/team/app/src/a.py?l=4-8"
    )
    assert url(**known, kind="gitlab", template="{repo_url}/{path}@{ref}") == (
        "https://git.example/sub/team/app/src/a.py@main"
    )
    by_kind = {"commit": "{repo_url}/c/{commit:7}/{path}", "branch": "{repo_url}/b/{branch}/{path}"}
    assert url(**known, template=by_kind) == "https://git.example/sub/team/app/b/main/src/a.py"
    assert url(**{**known, "ref": "a" * 40}, template=by_kind) == (
        "https://git.example/sub/team/app/c/aaaaaaa/src/a.py"
    )
    assert url(
        **known, template="{scheme}://{web_host}[:{port}]{prefix}/{repo_path:1}/{repo_path:-1}/{stem}.{ext}"
    ) == ("https://git.example/sub/team/app/a.py")


def test_a_range_of_one_line() -> None:
    """A template that requires a range uses a single line twice; an end before the beginning is ignored."""
    known = {"base_url": "https://git.example", "repo": "team/app", "template": "{repo_url}/{path}?l={line}-{end_line}"}
    assert url(**known, path="a", ref="main", line=3) == "https://git.example/team/app/a?l=3-3"
    assert url(**known, path="a", ref="main", line=3, end_line=2) == "https://git.example/team/app/a?l=3-3"
    assert url(**known, path="a", ref="main") is Reason.NO_SOURCE_PAGES


def test_columns_are_used_if_both_are_known() -> None:
    """With both columns the anchor contains them; with one it contains lines only."""
    known = {"kind": "github", "repo": "team/app", "ref": "main", "path": "a.py", "line": 3}
    assert url(**known, column=5, end_column=9) == "https://github.com/team/app/blob/main/a.py#L3C5-L3C9"
    assert url(**known, end_line=4, column=5, end_column=9) == "https://github.com/team/app/blob/main/a.py#L3C5-L4C9"
    assert url(**known, column=5) == "https://github.com/team/app/blob/main/a.py#L3"


def test_the_source_of_a_rendered_file_is_linked() -> None:
    """The link to a README selects its source, with and without a line; blame pages need no such query."""
    known = {"kind": "gitea", "base_url": "https://git.example", "repo": "team/app", "ref": "main", "path": "README.md"}
    assert url(**known, line=3) == "https://git.example/team/app/src/branch/main/README.md?display=source#L3"
    assert url(**known) == "https://git.example/team/app/src/branch/main/README.md?display=source"
    assert url(**known, type="blame") == "https://git.example/team/app/blame/branch/main/README.md"


@pytest.mark.parametrize(
    ("fields", "page"),
    [
        ({"ref": "refs/heads/x"}, "/+/refs/heads/x/a"),
        ({"ref": "refs/tags/x", "ref_kind": "branch"}, "/+/refs/tags/x/a"),
        ({"ref": "HEAD"}, "/+/HEAD/a"),
        ({"ref": "a" * 40}, f"/+/{'a' * 40}/a"),
        ({"ref": "a" * 7}, f"/+/refs/heads/{'a' * 7}/a"),
        ({"ref": "a" * 7, "ref_kind": "commit"}, f"/+/{'a' * 7}/a"),
        ({"commit": "a" * 7}, f"/+/{'a' * 7}/a"),
    ],
)
def test_the_kind_of_a_ref(fields: dict[str, str], page: str) -> None:
    """A namespace decides, then the given kind, then 40 or 64 digits; otherwise the ref is a branch."""
    made = url(kind="gitiles", base_url="https://git.example", repo="app", path="a", **fields)
    assert made == f"https://git.example/app{page}"


def test_without_a_ref_the_default_branch_is_used() -> None:
    """Only some hosts have such a page; for others there is no guess."""
    known = {"base_url": "https://git.example", "repo": "team/app", "path": "a"}
    assert url(**known, kind="cgit") == "https://git.example/team/app/tree/a"
    assert url(**known, kind="github") is Reason.NO_SOURCE_PAGES


def test_a_branch_with_a_slash_uses_its_commit() -> None:
    """Pages of Bitbucket Cloud cannot show a branch with a slash, but its commit."""
    known = {"kind": "bitbucket_cloud", "repo": "team/app", "ref": "feature/x", "path": "a", "line": 3}
    assert url(**known, commit="c0ffee") == "https://bitbucket.org/team/app/src/c0ffee/a?at=feature%2Fx#lines-3"
    assert url(**known) == "https://bitbucket.org/team/app/src/feature/x/a#lines-3"


@pytest.mark.parametrize(
    ("fields", "made"),
    [
        ({"remote": "git@ssh.dev.azure.com:v3/org/project/app"}, "https://dev.azure.com/org/project/_git/app"),
        (
            {"remote": "git@git.example:7999/team/app.git", "base_url": "http://git.example:7990/ctx"},
            "http://git.example:7990/ctx/projects/team/repos/app",
        ),
        (
            {"remote": "http://git.example/ctx/team/app.git", "base_url": "http://git.example/ctx"},
            "http://git.example/ctx/projects/team/repos/app",
        ),
        (
            {"base_url": "https://git.example", "owner": "team", "repo": "app"},
            "https://git.example/projects/team/repos/app",
        ),
        (
            {"base_url": "https://git.example", "repo": "scm/team/app.git"},
            "https://git.example/projects/team/repos/app",
        ),
    ],
)
def test_repositories_are_found(fields: dict[str, str], made: str) -> None:
    """A clone URL, or a path below a base URL, gives the repository's page, even if clones have another host."""
    kind = None if "azure" in str(fields) else "bitbucket_server"
    assert url(**fields, kind=kind, type="repo") == made


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"type": "commit", "ref": "main", "ref_kind": "branch"}, Reason.NO_REF),
        ({"type": "compare", "base": "a"}, Reason.NO_REF),
        ({"type": "commit", "ref": "a b"}, Reason.NO_REF),
        ({"type": "raw", "ref": "main", "kind": "github"}, Reason.NOT_A_FILE),
        ({"type": "view", "ref": "main", "path": "a\nb"}, Reason.NOT_A_FILE),
        ({"type": "view", "ref": "main", "path": "/a"}, Reason.PATH_OUTSIDE),
        ({"type": "view", "ref": "main", "path": "a/../b"}, Reason.PATH_OUTSIDE),
        ({"ref": "a..b", "path": "a", "template": "{repo_url}/{ref}/{path}"}, Reason.NO_REF),
        ({"ref": "main", "path": "..", "template": "{repo_url}/{path}"}, Reason.PATH_OUTSIDE),
        ({"ref": "main", "path": "a", "repo": "app"}, Reason.NO_SOURCE_PAGES),
    ],
)
def test_a_missing_page_has_a_reason(fields: dict[str, str], reason: Reason) -> None:
    """If there is no page, there is a reason and no guess."""
    assert url(**{"kind": "jetbrains_space", "base_url": "https://git.example", "repo": "pro/app", **fields}) is reason


def test_fields_may_be_null() -> None:
    """Null is the same as a missing field."""
    fields = dict.fromkeys(PageRequest.model_fields, None)
    made = url(**{**fields, "kind": "github", "repo": "team/app", "ref": "main", "path": "a"})
    assert made == "https://github.com/team/app/blob/main/a"


def test_an_escaped_dot_segment_is_a_name() -> None:
    """The text %2e%2e in a path is the name of a folder, and is escaped again."""
    made = url(kind="github", repo="team/app", ref="main", path="%2e%2e/a")
    assert made == "https://github.com/team/app/blob/main/%252e%252e/a"


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"kind": "klaus"}, "neither a remote nor"), ({"remote": "/srv/app"}, "local path"), ({}, "neither a remote nor")],
)
def test_without_a_host_there_is_no_page(fields: dict[str, str], message: str) -> None:
    """The error names the missing host."""
    with pytest.raises(UrlError, match=message):
        url(**fields)


def test_templates_are_checked() -> None:
    """A template with a variable host, an empty choice and a template that changes the host are refused."""
    with pytest.raises(TemplateError, match="not fixed"):
        url(base_url="https://git.example", repo="app", template="javascript:{path}")
    with pytest.raises(TemplateError, match="no template"):
        url(base_url="https://git.example", repo="app", template={})
    for grown in ("{base_url}.evil.example/{path}", "{base_url}:8080/{path}", "{base_url}@evil.example/{path}"):
        with pytest.raises(TemplateError, match="goes on in the text after it"):
            url(base_url="https://git.example", repo="app", path="a", template=grown)
