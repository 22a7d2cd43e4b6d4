"""Links of whole stack traces, their confidence, their explanation, and derived mappings."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import OLDER_SHA, PLUGINS_TOML, SHA, ApiClient, commit, open_api
from hosting import candidate
from indexing import index_files
from linking import open_odd_text
from scmhost.admin.background import run_due_jobs
from scmhost.repositories import file_queries

TRACE = """\
Traceback (most recent call last):
  File "/srv/app/shop/cart.py", line 12, in total
    return sum(prices)
  File "/srv/app/shop/pay.py", line 3, in pay
    card.charge(total)
  File "/usr/lib/python3.11/json/decoder.py", line 9, in decode
    raise error
ValueError: no
"""
LINKS = "/api/0/projects/acme/web/trace-links/"
EXPLAIN = "/api/0/projects/acme/web/explain/"
DERIVE = "/api/0/projects/acme/web/derive-mappings/"
BASE = "https://git.example.com/team/app"


@pytest.fixture
def any_api(tmp_path: Path, database_url: str) -> Iterator[ApiClient]:
    """A whole scmhost, once on each kind of database."""
    with open_api(tmp_path, database_url=database_url, background=False) as opened:
        yield opened


def answered(api: ApiClient, path: str, **body: Any) -> dict[str, Any]:
    answer = api.post(path, body)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def linked(api: ApiClient, *filenames: str, **body: Any) -> list[dict[str, Any]]:
    """Return the linked frames with these file names."""
    frames: list[dict[str, Any]] = answered(api, LINKS, frames=[{"filename": name} for name in filenames], **body)[
        "frames"
    ]
    return frames


def send(api: ApiClient, *changes: str, sha: str = SHA, repository: str = "team/app", **fields: Any) -> None:
    """A commit that changed files, each written as its type and its path; all files are listed."""
    patch_set = [{"type": change[0], "path": change[2:]} for change in changes]
    answer = api.post("commits/", {"commits": [commit(sha, repository, patch_set=patch_set, **fields)]})
    assert answer.status_code == 200, answer.text
    index_files(api.services, api.there.organization)


def urls(frames: list[dict[str, Any]]) -> list[str | None]:
    return [frame["link"] and frame["link"]["url"] for frame in frames]


def test_pasted_trace_is_linked_frame_by_frame(api: ApiClient) -> None:
    """Each frame has its position in the text, and its link or the reason why there is none."""
    mapping = api.mapping(*api.claimed()).json()
    result = answered(api, LINKS, text=TRACE)
    assert (result["unreadLines"], result["truncated"]) == (5, False)
    lines = TRACE.split("\n")
    at = [frame["text"] for frame in result["frames"]]
    paths = [lines[place["line"] - 1][place["start"] : place["end"]] for place in at]
    assert paths == [frame["frame"]["filename"] for frame in result["frames"]]
    first, _, last = result["frames"]
    assert first["frame"] == {
        "filename": "/srv/app/shop/cart.py",
        "absPath": None,
        "module": None,
        "package": None,
        "function": "total",
        "lineNo": 12,
        "colNo": None,
        "language": "python",
    }
    assert first["link"] == {
        "url": f"{BASE}/blob/main/src/shop/cart.py#L12",
        "ref": "main",
        "refKind": "branch",
        "refSource": "default_branch",
    }
    assert (first["mapping"]["id"], first["mapping"]["repository"]["name"]) == (mapping["id"], "team/app")
    assert (first["sourcePath"], first["reason"]) == ("src/shop/cart.py", None)
    assert (last["link"], last["confidence"], last["reason"]) == (None, None, "stack_root_mismatch")
    assert last["message"]
    assert last["nextStep"]


def test_frames_of_an_event_are_accepted_in_both_spellings(api: ApiClient) -> None:
    """An event's frames can be sent as they are; other keys are ignored."""
    api.mapping(*api.claimed())
    frames = [
        {"filename": "/srv/app/a.py", "lineno": 7, "vars": {"x": "1"}, "in_app": True, "colno": None},
        {"filename": "/srv/app/a.py", "lineNo": 7},
        {"abs_path": "/srv/app/b.py"},
        {"absPath": "/srv/app/b.py"},
        {"function": "main"},
    ]
    result = answered(api, LINKS, frames=frames)["frames"]
    one, two = f"{BASE}/blob/main/src/a.py#L7", f"{BASE}/blob/main/src/b.py"
    assert urls(result) == [one, one, two, two, None]
    assert [frame["text"] for frame in result] == [None] * 5
    assert result[4]["reason"] == "not_a_file"


def test_frames_of_the_jvm_are_mapped_by_their_classes(api: ApiClient) -> None:
    """The platform comes from the trace, the frame or the notation."""
    repository, installation = api.claimed()
    api.mapping(repository, installation, stackRoot="com/acme/", sourceRoot="java/com/acme/")
    frame = {"module": "com.acme.Cart", "absPath": "Cart.java", "filename": "Cart.java"}
    by_trace = answered(api, LINKS, frames=[frame], platform="java")["frames"]
    by_frame = answered(api, LINKS, frames=[{**frame, "platform": "java"}])["frames"]
    by_text = answered(api, LINKS, text="\tat com.acme.Cart.total(Cart.java:3)")["frames"]
    paths = [frames[0]["sourcePath"] for frames in (by_trace, by_frame, by_text)]
    assert paths == ["java/com/acme/Cart.java"] * 3


def test_ref_comes_from_commit_or_release(api: ApiClient) -> None:
    """The ref is the commit, or else the release's commit; an unknown release is a note."""
    api.mapping(*api.claimed())
    api.release("1.0", commits=[commit(SHA)])
    by_release = linked(api, "/srv/app/a.py", release="1.0")[0]
    by_commit = linked(api, "/srv/app/a.py", release="1.0", commit=OLDER_SHA)[0]
    assert (by_release["link"]["ref"], by_release["link"]["refSource"]) == (SHA, "release")
    assert (by_commit["link"]["ref"], by_commit["link"]["refSource"]) == (OLDER_SHA, "frame")
    assert "no release 'none'" in answered(api, LINKS, text="", release="none")["notes"][0]


def test_links_have_a_confidence(any_api: ApiClient) -> None:
    """A known file, a person's mapping and the release's commit give high confidence."""
    any_api.mapping(*any_api.claimed())
    send(any_api, "A src/a.py", "D src/gone.py")
    any_api.release("1.0", refs=[{"repository": "team/app", "commit": SHA}])
    names = ("/srv/app/a.py", "/srv/app/b.py", "/srv/app/gone.py")
    result = linked(any_api, *names, release="1.0")
    assert [frame["basis"]["file"] for frame in result] == ["listed", "unknown", "deleted"]
    assert {(frame["basis"]["mapping"], frame["basis"]["ref"]) for frame in result} == {("person", "exact")}
    assert [frame["confidence"] for frame in result] == ["high", "medium", "low"]
    assert linked(any_api, names[0])[0]["confidence"] == "medium"


def test_source_root_with_the_file_is_used(any_api: ApiClient) -> None:
    """If several source roots have one stack root, each file is linked where it exists."""
    repository, installation = any_api.claimed()
    other = any_api.claim(any_api.repository("team/lib", "https://git.example.com/team/lib"), installation).json()
    for home, source_root in ((repository, "src/"), (repository, "generated/"), (other, "")):
        assert any_api.mapping(home, installation, sourceRoot=source_root).status_code == 201
    send(any_api, "A src/a.py", "A generated/b.py")
    send(any_api, "A c.py", sha=OLDER_SHA, repository="team/lib")
    result = linked(any_api, *(f"/srv/app/{name}.py" for name in "abcd"))
    assert [(frame["mapping"]["repository"]["name"], frame["sourcePath"]) for frame in result] == [
        ("team/app", "src/a.py"),
        ("team/app", "generated/b.py"),
        ("team/lib", "c.py"),
        ("team/app", "src/d.py"),
    ]
    assert any_api.link(file="/srv/app/b.py")["sourcePath"] == "generated/b.py"


def test_moved_file_is_linked_at_its_new_path(any_api: ApiClient) -> None:
    """After commits move a file, the next trace links to its new path."""
    repository, installation = any_api.claimed()
    for source_root in ("old/", "new/"):
        any_api.mapping(repository, installation, sourceRoot=source_root)
    send(any_api, "A old/a.py", timestamp="2026-01-01T00:00:00Z")
    before = linked(any_api, "/srv/app/a.py")[0]["sourcePath"]
    send(any_api, "D old/a.py", "A new/a.py", sha=OLDER_SHA, timestamp="2026-01-02T00:00:00Z")
    assert (before, linked(any_api, "/srv/app/a.py")[0]["sourcePath"]) == ("old/a.py", "new/a.py")


def test_mapping_without_branch_links_to_the_newest_commit_of_the_file(any_api: ApiClient) -> None:
    """Without another ref, the newest commit that named the file is used; an unknown file has no ref."""
    repository, installation = any_api.claimed()
    any_api.mapping(repository, installation, defaultBranch=None)
    send(any_api, "A src/a.py")
    known, unknown = linked(any_api, "/srv/app/a.py", "/srv/app/b.py")
    assert (known["link"]["ref"], known["link"]["refSource"]) == (SHA, "newest_commit")
    assert (unknown["link"], unknown["reason"]) == (None, "no_ref")
    assert any_api.link(file="/srv/app/a.py")["refSource"] == "newest_commit"


def test_frames_without_mapping_are_linked_by_derived_mapping(any_api: ApiClient) -> None:
    """A derived mapping links known files, is marked as derived, and is not saved."""
    any_api.claimed()
    send(any_api, "A shop/cart.py", "A shop/pay.py", "A decoder.py")
    cart, pay, library = answered(any_api, LINKS, text=TRACE)["frames"]
    assert urls([cart, pay]) == [f"{BASE}/blob/{SHA}/shop/cart.py#L12", f"{BASE}/blob/{SHA}/shop/pay.py#L3"]
    assert (cart["confidence"], cart["basis"]["mapping"]) == ("medium", "derived")
    assert cart["mapping"]["id"] is None
    assert (cart["mapping"]["stackRoot"], cart["mapping"]["sourceRoot"]) == ("/srv/app/", "")
    assert library["mapping"]["confidence"] == "low"
    assert library["confidence"] == "low"
    assert any_api.get("code-mappings/").json() == []
    assert urls(answered(any_api, LINKS, text=TRACE, derive=False)["frames"]) == [None] * 3


def test_derived_mapping_does_not_link_unknown_files(any_api: ApiClient) -> None:
    """A derived mapping with an empty stack root does not link files of libraries."""
    any_api.claimed()
    send(any_api, "A shop/cart.py")
    own, library = linked(any_api, "shop/cart.py", "requests/sessions.py")
    assert own["mapping"]["stackRoot"] == ""
    assert (library["link"], library["reason"]) == (None, "no_code_mappings_for_project")
    answered(any_api, DERIVE, frames=[{"filename": "shop/cart.py"}], save=True)
    own, library = linked(any_api, "shop/cart.py", "requests/sessions.py")
    assert own["mapping"]["id"]
    assert (library["link"], library["reason"]) == (None, "file_not_found")


def test_derived_mappings_can_be_saved(any_api: ApiClient) -> None:
    """Without saving, the action is listed; a saved mapping has its evidence; saving again changes nothing."""
    any_api.claimed()
    send(any_api, "A shop/cart.py", "A shop/pay.py")
    dry = answered(any_api, DERIVE, text=TRACE)
    assert (dry["saved"], dry["mappings"][0]["action"], dry["mappings"][0]["mapping"]["id"]) == (False, "create", None)
    assert any_api.get("code-mappings/").json() == []
    saved = answered(any_api, DERIVE, text=TRACE, save=True, defaultBranch="main")
    again = answered(any_api, DERIVE, text=TRACE, save=True)
    (there,) = any_api.get("code-mappings/").json()
    assert [item["mappings"][0]["action"] for item in (saved, again)] == ["create", "keep"]
    assert saved["mappings"][0]["mapping"] == again["mappings"][0]["mapping"]
    assert (there["automaticallyGenerated"], there["confidence"], there["defaultBranch"]) == (True, "high", "main")
    assert there["derivedFrom"] == [
        {"path": f"/srv/app/shop/{name}.py", "file": f"shop/{name}.py"} for name in ("cart", "pay")
    ]
    assert linked(any_api, "/srv/app/shop/cart.py")[0]["mapping"]["id"] == there["id"]


def test_more_evidence_raises_confidence(any_api: ApiClient) -> None:
    """Several files raise the confidence of a mapping, and fewer files do not lower it."""
    any_api.claimed()
    send(any_api, "A shop/cart.py", "A shop/pay.py")
    one = [{"filename": "/srv/app/shop/cart.py"}]
    two = [*one, {"filename": "/srv/app/shop/pay.py"}]
    result = [answered(any_api, DERIVE, frames=frames, save=True)["mappings"][0] for frames in (one, two, one)]
    assert [(item["action"], item["mapping"]["confidence"]) for item in result] == [
        ("create", "medium"),
        ("update", "high"),
        ("keep", "high"),
    ]


def test_user_made_mappings_are_never_changed(any_api: ApiClient) -> None:
    """Nothing is derived for frames that a person's mapping matches, or from a mapping that a person has changed."""
    repository, installation = any_api.claimed()
    made = any_api.mapping(repository, installation, sourceRoot="elsewhere/").json()
    send(any_api, "A shop/cart.py", "A shop/pay.py")
    assert answered(any_api, DERIVE, text=TRACE, save=True)["mappings"] == []
    any_api.delete(f"code-mappings/{made['id']}/")
    answered(any_api, DERIVE, text=TRACE, save=True)
    (derived,) = any_api.get("code-mappings/").json()
    fields = {name: derived[name] for name in ("projectId", "stackRoot", "sourceRoot")}
    taken = any_api.put(f"code-mappings/{derived['id']}/", {**fields, "repositoryId": derived["repoId"]}).json()
    assert (taken["automaticallyGenerated"], taken["confidence"], taken["derivedFrom"]) == (False, None, [])
    assert answered(any_api, DERIVE, text=TRACE, save=True)["mappings"] == []
    assert any_api.get("code-mappings/").json() == [taken]


def test_uncertain_or_unclaimed_mapping_is_not_saved(any_api: ApiClient) -> None:
    """The answer has the reason and the next step."""
    any_api.repository()
    send(any_api, "A cart.py", "A a/b/c/pay.py")
    frames = [{"filename": "/srv/cart.py"}, {"filename": "/opt/a/b/c/pay.py"}]
    result = answered(any_api, DERIVE, frames=frames, save=True)["mappings"]
    assert [(item["action"], item["mapping"]["confidence"]) for item in result] == [("skip", "high"), ("skip", "low")]
    assert "Claim it" in result[0]["detail"]
    assert "confidence is low" in result[1]["detail"]
    assert any_api.get("code-mappings/").json() == []


def test_file_in_two_repositories_derives_no_mapping(any_api: ApiClient) -> None:
    """A file that exists in two repositories supports no mapping for either."""
    any_api.claimed()
    send(any_api, "A shop/cart.py")
    send(any_api, "A shop/cart.py", repository="team/fork")
    assert linked(any_api, "/srv/app/shop/cart.py")[0]["reason"] == "no_code_mappings_for_project"


def test_files_of_hidden_repositories_derive_no_mapping(any_api: ApiClient) -> None:
    """A hidden repository supports no mapping until it is active again."""
    repository, _ = any_api.claimed()
    send(any_api, "A shop/cart.py")
    found = []
    for status in ("hidden", "active"):
        any_api.put(f"repos/{repository['id']}/", {"status": status})
        found.append(linked(any_api, "/srv/app/shop/cart.py")[0]["sourcePath"])
    assert found == [None, "shop/cart.py"]


def test_commits_of_unknown_repository_derive_no_mapping(any_api: ApiClient) -> None:
    """A placeholder may have the commits of several repositories, so that its files support no mapping."""
    any_api.claimed()
    any_api.claim(any_api.repository("team/lib", None), any_api.get("integrations/").json()[0])
    send(any_api, "A shop/cart.py", repository="origin")
    assert linked(any_api, "/srv/app/shop/cart.py")[0]["link"] is None


def test_library_frames_derive_no_mapping(api: ApiClient) -> None:
    """A frame that the event marks as library code is not linked by a derived mapping."""
    api.claimed()
    send(api, "A shop/cart.py")
    frame = {"filename": "/site-packages/shop/cart.py", "in_app": False}
    assert answered(api, LINKS, frames=[frame])["frames"][0]["link"] is None


def test_explanation_has_a_result_for_each_mapping(api: ApiClient) -> None:
    """Mappings that match are listed in the order in which they are tried, the others with their mismatch."""
    repository, installation = api.claimed()
    lib = api.claim(api.repository("team/lib", None), installation).json()
    made = {
        root: api.mapping(home, installation, stackRoot=root).json()["id"]
        for root, home in {"/srv/app/": lib, "/srv/": repository, "": repository, "/sr": lib, "/SRV/": lib}.items()
    }
    (result,) = answered(api, EXPLAIN, frames=[{"filename": "/srv/app/a.py", "lineno": 3}])["frames"]
    assert [(item["mapping"]["id"], item["outcome"], item["reason"]) for item in result["tried"]] == [
        (made["/srv/app/"], "no_link", "repository_without_url"),
        (made["/srv/"], "link", None),
        (made[""], "not_needed", None),
    ]
    assert [(item["mapping"]["id"], item["reason"]) for item in result["notMatched"]] == [
        (made["/SRV/"], "case_differs"),
        (made["/sr"], "inside_segment"),
    ]
    assert all(item["message"] and item["nextStep"] for item in result["notMatched"])
    assert (result["paths"], result["munged"], result["notMatchedMore"]) == (["/srv/app/a.py"], None, 0)
    assert result["tried"][1]["link"] == result["link"]
    assert result["tried"][1]["sourcePath"] == result["sourcePath"]


def test_explanation_has_the_same_answer(any_api: ApiClient) -> None:
    """Each frame has exactly the answer that it has from trace-links."""
    repository, installation = any_api.claimed()
    any_api.mapping(repository, installation, stackRoot="/opt/")
    any_api.mapping(repository, installation, stackRoot="/none/", defaultBranch=None)
    send(any_api, "A shop/cart.py", "A shop/pay.py")
    names = ("/opt/a.py", "/none/a.py", "/srv/app/shop/cart.py", "/opt/../../a.py", "<string>", "/elsewhere/a.py")
    frames = [{"filename": name} for name in names]
    for body in ({"frames": frames}, {"text": TRACE}, {"frames": frames, "derive": False, "commit": SHA}):
        answers, explained = (answered(any_api, path, **body)["frames"] for path in (LINKS, EXPLAIN))
        assert [{name: frame[name] for name in answers[0]} for frame in explained] == answers


def test_explanation_shows_munged_path(api: ApiClient) -> None:
    """The explanation has the path that stack roots are compared with."""
    api.mapping(*api.claimed())
    frame = {"module": "com.acme.Cart", "absPath": "Cart.java", "platform": "java"}
    (result,) = answered(api, EXPLAIN, frames=[frame])["frames"]
    assert (result["munged"], result["paths"]) == ("com/acme/Cart.java", ["com/acme/Cart.java", "Cart.java"])


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ({}, "detail"),
        ({"text": "", "frames": []}, "detail"),
        ({"text": 1}, "text"),
        ({"frames": {}}, "frames"),
        ({"frames": [{"filename": 1}]}, "frames"),
        ({"frames": [{"lineno": "x"}]}, "frames"),
        ({"frames": [{"lineno": 2**70}]}, "frames"),
        ({"frames": [{"filename": "a" * 4097}]}, "frames"),
        ({"frames": [], "commit": "a b"}, "commit"),
        ({"frames": [], "platform": 1}, "platform"),
        ({"frames": [{}] * 4}, "frames"),
    ],
)
@pytest.mark.parametrize("path", [LINKS, EXPLAIN, DERIVE])
def test_wrong_field_of_a_body_is_named(tmp_path: Path, path: str, body: dict[str, Any], answer: str) -> None:
    """Each answer is 400 and names the wrong field."""
    with open_api(tmp_path, PLUGINS_TOML + "\n[limits]\ntrace_frames = 3\n", background=False) as small:
        refused = small.post(path, body)
    assert (refused.status_code, list(refused.json())) == (400, [answer])


def test_malformed_branch_is_refused(api: ApiClient) -> None:
    """The branch of derived mappings follows the rules for mappings that people send."""
    refused = api.post(DERIVE, {"frames": [], "defaultBranch": "/main"})
    assert (refused.status_code, list(refused.json())) == (400, ["defaultBranch"])
    assert api.post(DERIVE, {"frames": [], "confidence": "sure"}).status_code == 400


def test_exceeded_limits_are_named(tmp_path: Path) -> None:
    """A text is read up to the limit, and an explanation lists mappings up to the limit."""
    limits = "\n[limits]\ntrace_frames = 2\nexplained_frames = 1\nexplained_mappings = 1\n"
    with open_api(tmp_path, PLUGINS_TOML + limits, background=False) as small:
        repository, installation = small.claimed()
        for root in ("/a/", "/b/", "/c/"):
            small.mapping(repository, installation, stackRoot=root)
        result = answered(small, LINKS, text=TRACE)
        assert (len(result["frames"]), result["truncated"]) == (2, True)
        refused = small.post(EXPLAIN, {"text": TRACE})
        assert (refused.status_code, "limits.explained_frames" in refused.text) == (400, True)
        (explained,) = answered(small, EXPLAIN, frames=[{"filename": "x.py"}])["frames"]
        assert ([item["mapping"]["stackRoot"] for item in explained["notMatched"]], explained["notMatchedMore"]) == (
            ["/a/"],
            2,
        )


@dataclass(frozen=True)
class Later:
    """A clock that is ahead of the real time."""

    ahead: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def test_files_are_listed_in_the_background(any_api: ApiClient) -> None:
    """Files of new commits are indexed soon after they are saved: in batches, once, and without a request for links."""
    any_api.claimed()
    for sha in (SHA, OLDER_SHA):
        any_api.post("commits/", {"commits": [commit(sha, patch_set=[{"path": f"{sha[0]}/m.py", "type": "A"}])]})
    assert run_due_jobs(any_api.services) == 0
    assert run_due_jobs(replace(any_api.services, clock=Later(timedelta(minutes=1)))) == 1
    there = any_api.there.organization.id
    with any_api.services.store.read() as tx:
        assert file_queries.pending_jobs(tx, there) == []
        (found,) = file_queries.paths_by_name(tx, there, ["m.py"], 10).values()
    assert sorted(found) == ["a/m.py", "b/m.py"]


def test_links_do_not_wait_for_new_commits_files(tmp_path: Path) -> None:
    """While another process writes, frames are linked, with the files of commits that have just come in."""
    with open_api(tmp_path, background=False, busy_timeout=0.05) as api:
        api.mapping(*api.claimed())
        api.post("commits/", {"commits": [commit()]})
        blocker = sqlite3.connect(tmp_path / "test.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        while_busy = linked(api, "/srv/app/a.py")[0]["basis"]["file"]
        blocker.execute("ROLLBACK")
        blocker.close()
        assert (while_busy, linked(api, "/srv/app/a.py")[0]["basis"]["file"]) == ("listed", "listed")


FORGE = f"{PLUGINS_TOML}[plugins.good_forge]\nenabled = true\ndefault = true\n"


def add_forge_repository(api: ApiClient) -> None:
    """Create a stack root with three source roots; the code host has only the file ``here.py``."""
    installation = api.post("integrations/", {"provider": "good_forge"}).json()
    body = {"provider": "integrations:good_forge", "installation": installation["id"], "identifier": "app"}
    repository = api.post("repos/", body).json()
    for source_root in ("lib/", "", "src/"):
        assert api.mapping(repository, installation, sourceRoot=source_root).status_code == 201


def test_file_check_selects_source_root(tmp_path: Path) -> None:
    """A source root without the file is skipped, and the link of an existing file is verified."""
    with open_api(tmp_path, FORGE, more=[candidate("good_forge")], background=False) as api:
        add_forge_repository(api)
        (result,) = answered(api, EXPLAIN, frames=[{"filename": "/srv/app/here.py"}], commit=SHA)["frames"]
        (gone,) = linked(api, "/srv/app/gone.py")
    assert (result["sourcePath"], result["basis"]["file"], result["confidence"]) == ("here.py", "verified", "high")
    assert [(item["outcome"], item["reason"]) for item in result["tried"]] == [
        ("no_link", "file_not_found"),
        ("link", None),
        ("not_needed", None),
    ]
    assert (gone["reason"], gone["sourcePath"]) == ("file_not_found", "lib/gone.py")


def test_number_of_file_checks_is_limited(tmp_path: Path) -> None:
    """A trace checks each file once, up to the limit of a request; the status of others is unknown."""
    few = FORGE + "[limits]\nfile_checks_per_request = 2\n"
    with open_api(tmp_path, few, more=[candidate("good_forge")], background=False) as api:
        add_forge_repository(api)
        result = linked(api, "/srv/app/here.py", "/srv/app/here.py", "/srv/app/gone.py")
    assert [frame["basis"]["file"] for frame in result] == ["verified", "verified", "unknown"]


def test_unstorable_text_in_traces_is_accepted(any_api: ApiClient) -> None:
    """Each frame with odd characters has an answer."""
    repository, installation = any_api.claimed()
    any_api.mapping(repository, installation, stackRoot="")
    odd = ["a\x00b.py", "x" * 4000 + ".py", "é/ü.py", "%2e%2e/x.py", "a\nb.py"]
    assert len(linked(any_api, *odd)) == len(odd)


@pytest.mark.parametrize("path", [LINKS, EXPLAIN, DERIVE])
@pytest.mark.parametrize(
    "body",
    [
        {"frames": [{"filename": "/srv/app/a.py", "function": "\ud800"}]},
        {"text": '  File "/srv/app/\ud800.py", line 3, in \udfff\n'},
    ],
)
def test_lone_surrogate_in_a_trace_is_accepted(api: ApiClient, path: str, body: dict[str, Any]) -> None:
    """JSON can hold half a character. The answer has a replacement for it."""
    api.mapping(*api.claimed())
    # The test client would refuse to encode it.
    content = json.dumps(body).encode()
    answer = api.call("POST", path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    for frame in answer.json().get("frames", ()):
        assert frame["frame"]["function"] == "\ufffd"
        assert frame["link"]


@pytest.mark.parametrize("path", [LINKS, EXPLAIN])
def test_unencodable_text_of_a_plugin_is_a_reason(tmp_path: Path, path: str) -> None:
    """A plugin's URL or message with half a character costs its own frame the link, and no other frame."""
    names = ["bad_url.py", "bad_message.py", "bad_error.py", "a.py"]
    with open_odd_text(tmp_path) as api:
        frames = answered(api, path, frames=[{"filename": f"/srv/app/{name}"} for name in names])["frames"]
    reasons = ["unsafe_url", "no_source_pages", "integration_link_forbidden", None]
    assert [frame["reason"] for frame in frames] == reasons
    assert [bool(frame["message"]) for frame in frames] == [True, True, True, False]


NEWER_SHA, NEWEST_SHA = "c" * 40, "d" * 40
SHAS = (OLDER_SHA, SHA, NEWER_SHA, NEWEST_SHA)


def test_renamed_file_is_linked_where_the_history_has_it(any_api: ApiClient) -> None:
    """Up to the commit that renamed it, a file is linked; after that its new path is in the message."""
    any_api.mapping(*any_api.claimed())
    send(any_api, "A src/cart.py", "A src/pay.py", sha=OLDER_SHA, timestamp="2026-01-01T00:00:00Z")
    send(any_api, "D src/cart.py", "A src/basket.py", sha=SHA, timestamp="2026-02-01T00:00:00Z")
    send(any_api, "D src/pay.py", "M src/basket.py", sha=NEWER_SHA, timestamp="2026-03-01T00:00:00Z")
    send(any_api, "M src/basket.py", sha=NEWEST_SHA, timestamp="2026-04-01T00:00:00Z")

    def outcomes(name: str) -> list[str | None]:
        return [linked(any_api, f"/srv/app/{name}", commit=sha)[0]["reason"] for sha in SHAS]

    assert outcomes("cart.py") == [None, None, "file_not_found", "file_not_found"]
    assert outcomes("pay.py") == [None, None, None, "file_not_found"]
    assert outcomes("basket.py") == outcomes("never_sent.py") == [None] * 4
    (renamed,) = linked(any_api, "/srv/app/cart.py", commit=NEWEST_SHA)
    assert renamed["message"] == f"Commit {SHA[:12]} renamed the file to src/basket.py."
    assert renamed["attemptedUrl"] == f"{BASE}/blob/{NEWEST_SHA}/src/cart.py"
    (deleted,) = linked(any_api, "/srv/app/pay.py", commit=NEWEST_SHA)
    assert deleted["message"].startswith(f"Commit {NEWER_SHA[:12]} deleted the file")


def test_every_route_knows_a_deleted_file(api: ApiClient) -> None:
    """At the commit of a release too."""
    api.mapping(*api.claimed())
    send(api, "A src/a.py", sha=OLDER_SHA, timestamp="2026-01-01T00:00:00Z")
    send(api, "D src/a.py", "A lib/a.py", "A lib/b.py", sha=SHA, timestamp="2026-02-01T00:00:00Z")
    send(api, "M lib/a.py", sha=NEWER_SHA, timestamp="2026-03-01T00:00:00Z")
    body = {"version": "2.0", "projects": ["web"], "refs": [{"repository": "team/app", "commit": NEWER_SHA}]}
    assert api.post("releases/", body).status_code == 201
    project, file = "/api/0/projects/acme/web", "/srv/app/a.py"
    for target in ({"release": "2.0"}, {"commit": NEWER_SHA}):
        trace = answered(api, LINKS, frames=[{"filename": file}], **target)["frames"][0]
        explained = answered(api, EXPLAIN, frames=[{"filename": file}], **target)["frames"][0]
        assert [item["reason"] for item in (trace, explained)] == ["file_not_found"] * 2
        assert [item["message"] for item in (trace, explained)] == [
            f"Commit {SHA[:12]} renamed the file to lib/a.py."
        ] * 2
    single = api.get(f"{project}/stacktrace-link/", params={"file": file, "release": "2.0"}).json()
    assert (single["error"], single["detail"]) == ("file_not_found", trace["message"])
    many = api.get(f"{project}/stacktrace-links/", params={"file": file, "ref": NEWER_SHA}).json()
    assert many["files"][0]["error"] == "file_not_found"
    # A branch may have the file again.
    assert linked(api, file)[0]["link"]["ref"] == "main"
