"""Redirects over HTTP: where a URL of another tool leads."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import PLUGINS_TOML, SHA, ApiClient, commit, open_api
from scmhost.infra.logs import configure_logs
from scmhost.redirects.keys import create_key, revoke_key

HOST = "https://git.example.com/"


class Redirects:
    """An organization with a mapped repository, and a key."""

    def __init__(self, api: ApiClient) -> None:
        self.api = api
        self.repository, self.installation = api.claimed()
        self.key = create_key(api.services, api.there.organization, "sentry")[1]

    def open(self, query: str = "", *, key: str | None = None, path: str = "/r/") -> Response:
        """Open a URL as a browser does: without a token, and without following the answer."""
        return self.api.client.get(f"{path}{key or self.key}{query}", follow_redirects=False)

    def map(self, **fields: Any) -> None:
        answer = self.api.mapping(self.repository, self.installation, **fields)
        assert answer.status_code == 201, answer.text


@pytest.fixture
def redirects(api: ApiClient) -> Redirects:
    return Redirects(api)


@pytest.mark.parametrize(
    "query",
    [
        "?file=/srv/app/cart.py&line=3",
        "?filename=%2Fsrv%2Fapp%2Fcart.py&installationId=6b1e&lineNo=3",
        "?filename=%2Fsrv%2Fapp%2Fcart.py&installationId=6b1e&lineNo=3&projectSlug=web",
        "?loc=/srv/app/cart.py:3",
        "?loc=/srv/app/cart.py:3:14",
        "?file=/srv/app/cart.py&line=3&column=14&project=web&unknown=1",
    ],
)
def test_one_link_is_a_redirect(redirects: Redirects, query: str) -> None:
    """The fields have the names of Sentry and of other tools."""
    redirects.map()
    answer = redirects.open(query)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{HOST}team/app/blob/main/src/cart.py#L3"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("?loc=/srv/app/cart.py", "main/src/cart.py"),
        ("?loc=/srv/app/cart.py&line=3", "main/src/cart.py#L3"),
        ("?loc=/srv/app/cart.py:3&file=/srv/app/other.py", "main/src/other.py"),
        ("?file=/srv/app/cart.py&filename=/srv/app/other.py&line=3&lineNo=4", "main/src/cart.py#L3"),
        ("?file=/srv/app/cart.py&line=0", "main/src/cart.py"),
        ("?file=/srv/app/cart.py&line=003", "main/src/cart.py#L3"),
        ("?file=/srv/app/cart.py&column=x", "main/src/cart.py"),
        ("?file=/srv/app/cart.py&project=&projectSlug=web&release=&commit=&repo=&rev=", "main/src/cart.py"),
        ("?file=/srv/app/cart.py&project=web&projectSlug=nowhere", "main/src/cart.py"),
        ("?file=/srv/app/cart.py&release=unknown", "main/src/cart.py"),
        (f"?file=/srv/app/cart.py&rev={SHA}", f"{SHA}/src/cart.py"),
        (f"?file=/srv/app/cart.py&commit={'b' * 40}&rev={SHA}", f"{'b' * 40}/src/cart.py"),
        ("?file=C:%5Csrv%5Cweb%5Ccart.cs&line=3", "main/web/cart.cs#L3"),
        ("?file=Cart.java&module=com.acme.Cart%24Item&platform=java&line=3", "main/jvm/com/acme/Cart.java#L3"),
        ("?file=/srv/app/cart.py&module=shop.cart&platform=python", "main/src/cart.py"),
        ("?file=/srv/app/a%20b%3Fc%23d.py", "main/src/a%20b%3Fc%23d.py"),
        ("?file=/srv/app//evil.example/a.py", "main/src/evil.example/a.py"),
    ],
)
def test_parameters_and_their_combinations(redirects: Redirects, query: str, page: str) -> None:
    """The name of our own comes before that of Sentry, and an empty value is none."""
    redirects.map()
    redirects.map(stackRoot="C:/srv/web/", sourceRoot="web/")
    redirects.map(stackRoot="com/", sourceRoot="jvm/com/")
    answer = redirects.open(query)
    assert (answer.status_code, answer.headers.get("Location")) == (302, f"{HOST}team/app/blob/{page}"), answer.text


@pytest.mark.parametrize("line", ["", "&lineNo=", "&lineNo"])
def test_frame_without_a_line(redirects: Redirects, line: str) -> None:
    """Sentry sends ``lineNo`` without a value for a frame without a line."""
    redirects.map()
    answer = redirects.open(f"?filename=/srv/app/cart.py{line}", path="/r/sentry/")
    assert answer.headers["Location"] == f"{HOST}team/app/blob/main/src/cart.py"


def test_commit_of_the_url(redirects: Redirects) -> None:
    """A commit comes before the branch of the mapping, and so does that of a release."""
    redirects.map()
    by_commit = redirects.open(f"?file=/srv/app/cart.py&line=3&commit={SHA}")
    assert by_commit.headers["Location"] == f"{HOST}team/app/blob/{SHA}/src/cart.py#L3"
    redirects.api.release("1.0", commits=[commit(SHA)])
    by_release = redirects.open("?file=/srv/app/cart.py&line=3&release=1.0")
    assert by_release.headers["Location"] == by_commit.headers["Location"]


@pytest.mark.parametrize(
    "url", [f"{HOST}team/app", "git@git.example.com:team/app.git", "ssh://git@git.example.com:22/Team/App"]
)
def test_repository_of_the_url(redirects: Redirects, url: str) -> None:
    """With the repository and the commit, a relative path needs no code mapping."""
    answer = redirects.open(f"?file=src/cart.py&line=3&repo={quote(url)}&rev={SHA}")
    assert answer.headers["Location"] == f"{HOST}team/app/blob/{SHA}/src/cart.py#L3"


def test_several_links_are_a_choice(redirects: Redirects) -> None:
    """A file that two projects have in two repositories leads to a page with both links."""
    redirects.map()
    redirects.api.post("projects/", {"name": "shop", "slug": "shop"})
    other = redirects.api.repository("team/shop", f"{HOST}team/shop")
    claimed = redirects.api.claim(other, redirects.installation).json()
    projects = {item["slug"]: item["id"] for item in redirects.api.get("projects/").json()}
    answer = redirects.api.mapping(claimed, redirects.installation, projectId=projects["shop"])
    assert answer.status_code == 201, answer.text
    page = redirects.open("?file=/srv/app/cart.py&line=3")
    assert page.status_code == 200
    assert page.text.count('<a href="https://git.example.com/team/') == 2
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    chosen = redirects.open("?file=/srv/app/cart.py&line=3&project=shop")
    assert chosen.headers["Location"] == f"{HOST}team/shop/blob/main/src/cart.py#L3"


def test_page_without_a_link_has_the_reason(redirects: Redirects) -> None:
    """The page has the reason, the next step and what was tried, and neither a script nor anything inline."""
    redirects.map()
    page = redirects.open("?file=/opt/other/cart.py&line=3")
    assert page.status_code == 404
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "stack_root_mismatch" in page.text
    assert "Add a code mapping whose stack root is the start of this frame&#39;s path." in page.text
    assert "<code>/srv/app/</code> to team/app <code>src/</code>" in page.text
    # Once, and not for each project.
    assert page.text.count("<code>/opt/other/cart.py</code>") == 1
    assert "<script" not in page.text
    assert "style=" not in page.text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("?file=src/a.py&repo=https://git.example.com/no/such", "has no repository with the URL"),
        ("?file=/srv/app/a.py&repo=https://git.example.com/team/app", "is no path from the root of the repository"),
        ("?file=/srv/app/a.py&project=nowhere", "has no project"),
        ("?file=/srv/app/a.py", "no_code_mappings"),
    ],
)
def test_reason_of_a_missing_link(redirects: Redirects, query: str, text: str) -> None:
    """Each missing link has a reason, and status 404."""
    page = redirects.open(query)
    assert (page.status_code, text in page.text) == (404, True), page.text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", "names no file"),
        ("?line=3", "names no file"),
        ("?file=a.py&line=three", "is no number"),
        ("?file=a.py&commit=a..b", "ref"),
        (f"?file={'a' * 4097}", "file in the address has more than 4096 characters"),
        (f"?file=a.py&installationId={'a' * 4097}", "installationId in the address has more than 4096 characters"),
    ],
)
def test_malformed_url(redirects: Redirects, query: str, text: str) -> None:
    """A URL that no tool sends is 400, a page with the fault."""
    page = redirects.open(query)
    assert (page.status_code, text in page.text) == (400, True), page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("query", ["?file=/srv/app/a.py&line=3", "?file=/opt/a.py", ""])
def test_head_is_get_without_a_body(redirects: Redirects, query: str) -> None:
    """Checks of links, and services that show a preview of one, ask for the head alone."""
    redirects.map()
    for path in ("/r/", "/r/sentry/"):
        url, got = f"{path}{redirects.key}{query}", redirects.open(query, path=path)
        head = redirects.api.client.head(url, follow_redirects=False)
        assert (head.status_code, head.content) == (got.status_code, b"")
        names = ("Location", "Content-Type", "Content-Length", "Content-Security-Policy", "Cache-Control")
        assert {name: head.headers.get(name) for name in names} == {name: got.headers.get(name) for name in names}
        options = redirects.api.client.options(url)
        assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")


def test_key_is_needed(redirects: Redirects) -> None:
    """A guessed, a revoked and another organization's key lead to the same page."""
    redirects.map()
    services, organization = redirects.api.services, redirects.api.there.organization
    revoked, text = create_key(services, organization, "old")
    revoke_key(services, organization, revoked.id)
    guessed = f"{organization.id}-{'A' * 43}"
    foreign = f"{organization.id + 1}-{redirects.key.partition('-')[2]}"
    pages = [redirects.open("?file=/srv/app/a.py", key=key) for key in (text, guessed, foreign, "x", "%00", "a" * 9000)]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1
    assert "Ask an administrator" in pages[0].text


def test_key_may_belong_to_one_sender(redirects: Redirects) -> None:
    """A key that binds its sender refuses URLs of another installation, and URLs without one."""
    redirects.map()
    key = create_key(redirects.api.services, redirects.api.there.organization, "sentry", binds_sender=True)[1]
    opened = [
        redirects.open(f"?file=/srv/app/a.py{sender}", key=key).status_code
        for sender in ("", "&installationId=one", "&installationId=two", "&installationId=one", "")
    ]
    assert opened == [404, 302, 404, 302, 404]


def test_key_is_not_logged(redirects: Redirects) -> None:
    """The access log has the path without the key."""
    stream = io.StringIO()
    with redirect_stderr(stream):
        configure_logs()
        redirects.open("?file=/srv/app/a.py")
        redirects.open("?file=/srv/app/a.py", path="/r/sentry/")
        redirects.open("/?file=/srv/app/a.py", path="http://testserver//r//sentry/")
    configure_logs(quiet=True)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    paths = ["/r/***", "/r/sentry/***", "//r//sentry/***/"]
    assert [line["path"] for line in lines if line["event"] == "request"] == paths
    assert redirects.key not in stream.getvalue()


@pytest.fixture
def few(tmp_path: Path) -> Iterator[Redirects]:
    with open_api(tmp_path, f"{PLUGINS_TOML}[limits]\nredirects_per_minute = 3\n", background=False) as api:
        yield Redirects(api)


def test_too_many_redirects_of_a_key(few: Redirects) -> None:
    """A key may be used a number of times in a minute; other keys are not concerned."""
    answers = [few.open("?file=a.py") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    other = create_key(few.api.services, few.api.there.organization, "jaeger")[1]
    assert few.open("?file=a.py", key=other).status_code == 404


def test_style_sheet(redirects: Redirects) -> None:
    """The pages load their style from the service."""
    answer = redirects.api.client.get("/r/-/style.css")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert len(answer.content) < 20_000


FIELDS = [
    "file",
    "filename",
    "line",
    "lineNo",
    "loc",
    "release",
    "commit",
    "rev",
    "repo",
    "project",
    "module",
    "platform",
]
VALUES = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "/srv/app/cart.py",
            "//evil.example/",
            "https://evil.example/",
            "javascript:alert(1)",
            "<script>alert(1)</script>",
            "/srv/app/../../../evil",
            "/srv/app/a.py\r\nLocation: https://evil.example",
            "web",
            "3",
            SHA,
            f"{HOST}team/app",
        ]
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(query=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5))
def test_redirect_leads_to_a_configured_host_only(mapped: Redirects, query: dict[str, str]) -> None:
    """Whatever the query, the answer is a page of a configured code host, or 400 or 404, without reflected markup."""
    answer = mapped.api.client.get(f"/r/{mapped.key}", params=query, follow_redirects=False)
    assert answer.status_code in (302, 400, 404)
    if answer.status_code == 302:
        assert answer.headers["Location"].startswith(HOST)
    assert "<script" not in answer.text
    assert "evil.example" not in answer.headers.get("Location", "").partition("/src/")[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(query=st.text("%&=;+?#/\\:.@<>'\"09acdefgilnorv\u202e\U0001f4a5", max_size=80), name=st.sampled_from(FIELDS))
def test_any_raw_query_is_answered(mapped: Redirects, query: str, name: str) -> None:
    """The same holds for a query that is not encoded well."""
    for raw in (query, f"file=/srv/app/a.py&{name}={query}", f"loc=/srv/app/{query}:3"):
        answer = mapped.api.client.get(f"/r/{mapped.key}?{raw}", follow_redirects=False)
        assert answer.status_code in (200, 302, 400, 404)
        assert answer.headers.get("Location", HOST).startswith(f"{HOST}")


@pytest.fixture
def mapped(redirects: Redirects) -> Redirects:
    redirects.map()
    return redirects
