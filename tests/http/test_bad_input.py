import json

import pytest

from api import ApiClient, commit


def test_a_body_over_the_limit_is_refused(api: ApiClient) -> None:
    """A body of ten megabytes is rejected with the name of the limit, and later requests are answered."""
    answer = api.call("POST", "commits/", content=b"[" + b" " * 10_000_000 + b"]")
    assert answer.status_code == 413
    assert "limits.body_bytes" in answer.json()["detail"]
    assert api.client.get("/healthz").status_code == 200


def test_a_body_of_unknown_length_is_counted(api: ApiClient) -> None:
    """A body without Content-Length is rejected as soon as it exceeds the limit."""
    chunks = (b" " * 1_000_000 for _ in range(10))
    headers = {"Content-Type": "application/json"}
    answer = api.call("POST", "commits/", content=chunks, headers=headers)
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe{}", b'{"commits": [', b"", b"null", b"[]", b'"x"', b"1e999", b"NaN"])
@pytest.mark.parametrize("path", ["commits/", "repos/", "integrations/", "releases/", "code-mappings/", "projects/"])
def test_malformed_body_is_refused_with_detail(api: ApiClient, path: str, body: bytes) -> None:
    """Broken JSON, wrong bytes and wrong shapes are 400, never a crash."""
    answer = api.call("POST", path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()


def test_too_many_commits_are_refused_by_name_of_the_limit(api: ApiClient) -> None:
    """The answer has the name of the limit, which an operator can raise."""
    answer = api.post("commits/", {"commits": [{"id": "1"}] * 10_001})
    assert answer.status_code == 400
    assert "limits.commits_per_request" in answer.json()["detail"]


@pytest.mark.parametrize(
    "fields",
    [{"message": "\x00"}, {"message": "\ud800"}, {"repository": "a\x00b"}, {"repository": "x" * 201}, {"id": "a b"}],
)
def test_text_that_no_database_keeps_is_refused(api: ApiClient, fields: dict[str, object]) -> None:
    """NUL, lone surrogates and overlong texts are rejected by field."""
    body = json.dumps({"commits": [{**commit(), **fields}]})
    answer = api.call("POST", "commits/", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert api.get("repos/").json() == []


@pytest.mark.parametrize("path", ["/api/0/organizations/acme/nothing/", "/nothing", "/api/0/users/me/"])
def test_unknown_url_is_404_with_detail(api: ApiClient, path: str) -> None:
    """The answer to an unknown path has ``detail`` too."""
    answer = api.get(path)
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


def test_a_method_that_is_not_there_is_405(api: ApiClient) -> None:
    """The answer to a wrong method has ``detail`` too."""
    answer = api.call("PATCH", "repos/")
    assert (answer.status_code, list(answer.json())) == (405, ["detail"])
    assert answer.headers["allow"] == "GET, POST, HEAD, OPTIONS"


def test_every_answer_has_a_request_id(api: ApiClient) -> None:
    """The id is in the log, where an operator can search for it."""
    assert len(api.get("repos/").headers["x-request-id"]) == 32


@pytest.mark.parametrize("slug", ["", "A B", "1234", "-x", "x" * 51, "é", "a/b", 5, None])
def test_a_project_needs_a_slug(api: ApiClient, slug: object) -> None:
    """A slug that looks like an id, or that no URL can contain, is rejected."""
    answer = api.post("projects/", {"slug": slug})
    assert (answer.status_code, list(answer.json())) == (400, ["slug"])


def test_a_project_is_created_once(api: ApiClient) -> None:
    """Creating a project again returns the existing one."""
    first = api.post("projects/", {"slug": "api", "name": "The API", "platform": "python"})
    again = api.post("projects/", {"slug": "api"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert [project["slug"] for project in api.get("projects/").json()] == ["api", "web"]


def test_openapi_describes_every_route(api: ApiClient) -> None:
    """The document has every route with its answers."""
    document = api.client.get("/api/openapi.json").json()
    listed = set(document["paths"])
    assert "/api/0/organizations/{organization}/repos/" in listed
    assert "/api/0/projects/{organization}/{project}/stacktrace-link/" in listed
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), (method, path)
            assert set(operation["responses"]) & {"200", "201", "202", "204"}
            assert "422" not in operation["responses"], "a wrong request is 400 here"
            assert "422" not in operation["responses"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("releases/", {"version": "1.0", "projects": ["web"], "dateReleased": "{}"}, "dateReleased"),
        ("releases/", {"version": "1.0", "projects": ["web"], "commits": [{"id": "a", "timestamp": "{}"}]}, "commits"),
        ("releases/0.9/deploys/", {"environment": "production", "dateStarted": "{}"}, "dateStarted"),
        ("commits/", {"commits": [{"id": "a", "timestamp": "{}"}]}, "commits"),
    ],
)
def test_time_out_of_range_in_utc_is_refused(
    api: ApiClient, path: str, body: dict[str, object], field: str, moment: str
) -> None:
    """A time that is outside of the calendar in UTC is rejected by field."""
    api.post("releases/", {"version": "0.9", "projects": ["web"]})
    answer = api.post(path, json.loads(json.dumps(body).replace("{}", moment)))
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert "in UTC" in answer.json()[field][0]
