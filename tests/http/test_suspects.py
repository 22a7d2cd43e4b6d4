"""Suspect commits over HTTP, alone and with the links of a trace."""

import pytest

from api import ApiClient

SUSPECTS = "/api/0/projects/acme/web/suspects/"
LINKS = "/api/0/projects/acme/web/trace-links/"
TRACE = {"text": 'File "/srv/app/a.py", line 3, in total\n', "release": "1.0"}
COMMIT = {
    "repository": "team/app",
    "author_name": "Ada",
    "author_email": "ada@example.com",
    "timestamp": "2026-02-03T04:05:06Z",
    "patch_set": [{"path": "src/a.py", "type": "M"}],
}


@pytest.fixture
def sha(api: ApiClient) -> str:
    """The commit of release 1.0 that changes a mapped file."""
    repository, installation = api.claimed()
    assert api.mapping(repository, installation).status_code == 201
    commits = [{**COMMIT, "id": "a" * 40, "message": "Round the total"}]
    api.release("1.0", commits=commits)
    return "a" * 40


def test_suspect_has_commit_evidence_and_page(api: ApiClient, sha: str) -> None:
    """The score is a probability, and the rest is the stored commit."""
    answer = api.post(SUSPECTS, {**TRACE, "firstSeen": "2026-02-06T04:05:06Z"})
    assert answer.status_code == 200, answer.text
    (suspect,) = answer.json()["suspects"]
    assert 0 < suspect.pop("score") < 1
    assert suspect.pop("repository")["name"] == "team/app"
    assert suspect == {
        "sha": sha,
        "confidence": "medium",
        "evidence": [
            "changed a.py three days before",
            "only commit of 1.0 that touches the trace",
            "its message has words of the trace's functions: total",
        ],
        "message": "Round the total",
        "author": {"name": "Ada", "email": "ada@example.com"},
        "dateCreated": "2026-02-03T04:05:06Z",
        "url": f"https://git.example.com/team/app/commit/{sha}",
    }
    assert answer.json() | {"suspects": []} == {
        "suspects": [],
        "reason": None,
        "release": "1.0",
        "compareUrl": None,
        "notes": [],
    }


def test_links_have_suspects_on_request(api: ApiClient, sha: str) -> None:
    """Without the parameter, the answer has no such key."""
    plain, rich = api.post(LINKS, TRACE).json(), api.post(f"{LINKS}?suspects=true", TRACE).json()
    assert [item["sha"] for item in rich.pop("suspects")["suspects"]] == [sha]
    assert plain == rich


def test_none_has_a_reason(api: ApiClient, sha: str) -> None:
    """A trace of other files, and an occurrence before all commits."""
    other = api.post(SUSPECTS, {"text": 'File "/usr/lib/b.py", line 3, in f\n'}).json()
    early = api.post(SUSPECTS, {**TRACE, "firstSeen": "2020-01-01T00:00:00Z"}).json()
    assert [answer["reason"] for answer in (other, early)] == [
        "No frame of the trace is in the repository.",
        "All known commits are later than the first occurrence.",
    ]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_extreme_times_are_answered(api: ApiClient, sha: str, moment: str) -> None:
    assert api.post(SUSPECTS, {**TRACE, "firstSeen": moment}).status_code in (200, 400)
    assert api.post(SUSPECTS, {**TRACE, "release": None, "firstSeen": moment}).status_code in (200, 400)


@pytest.mark.parametrize("moment", ["yesterday", "2026-02-06T04:05:06", 10**20])
def test_first_occurrence_needs_an_offset(api: ApiClient, moment: object) -> None:
    answer = api.post(SUSPECTS, {**TRACE, "firstSeen": moment})
    assert answer.status_code == 400
    assert "firstSeen" in answer.json() or "first_seen" in answer.json()


def test_answer_has_the_page_of_all_changes(api: ApiClient) -> None:
    """From the head of the release before, or the one that the release's ref names, to the release's head."""
    repository, installation = api.claimed(preset="gitea")
    assert api.mapping(repository, installation).status_code == 201
    ref = {"repository": "team/app", "commit": "a" * 40, "previousCommit": "b" * 40}
    api.release("1.0", commits=[{**COMMIT, "id": "a" * 40}], refs=[ref])
    found = api.post(SUSPECTS, TRACE).json()
    assert found["compareUrl"] == f"https://git.example.com/team/app/compare/{'b' * 40}...{'a' * 40}"
    assert found["suspects"][0]["url"] == f"https://git.example.com/team/app/commit/{'a' * 40}"
