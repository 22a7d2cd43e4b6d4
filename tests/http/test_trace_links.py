"""Whole stack traces: their links, how sure these are, and how they come about."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import OLDER_SHA, SHA, SWITCHBOARD, ApiClient, commit, open_api
from hosting import candidate
from indexing import index_files
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
    told: dict[str, Any] = answer.json()
    return told


def linked(api: ApiClient, *filenames: str, **body: Any) -> list[dict[str, Any]]:
    """What becomes of frames with these file names."""
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


def test_a_pasted_trace_is_linked_frame_by_frame(api: ApiClient) -> None:
    """Each frame stands where it is in the text, with its link or with the reason why there is none."""
    mapping = api.mapping(*api.claimed()).json()
    told = answered(api, LINKS, text=TRACE)
    assert (told["unreadLines"], told["truncated"]) == (5, False)
    lines = TRACE.split("\n")
    at = [frame["text"] for frame in told["frames"]]
    paths = [lines[place["line"] - 1][place["start"] : place["end"]] for place in at]
    assert paths == [frame["frame"]["filename"] for frame in told["frames"]]
    first, _, last = told["frames"]
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


def test_frames_of_an_event_are_taken_in_both_spellings(api: ApiClient) -> None:
    """An event's frames can be sent as they are, with whatever else they hold."""
    api.mapping(*api.claimed())
    frames = [
        {"filename": "/srv/app/a.py", "lineno": 7, "vars": {"x": "1"}, "in_app": True, "colno": None},
        {"filename": "/srv/app/a.py", "lineNo": 7},
        {"abs_path": "/srv/app/b.py"},
        {"absPath": "/srv/app/b.py"},
        {"function": "main"},
    ]
    told = answered(api, LINKS, frames=frames)["frames"]
    one, two = f"{BASE}/blob/main/src/a.py#L7", f"{BASE}/blob/main/src/b.py"
    assert urls(told) == [one, one, two, two, None]
    assert [frame["text"] for frame in told] == [None] * 5
    assert told[4]["reason"] == "not_a_file"


def test_frames_of_the_jvm_are_found_by_their_classes(api: ApiClient) -> None:
    """The platform is the trace's or the frame's own."""
    repository, installation = api.claimed()
    api.mapping(repository, installation, stackRoot="com/acme/", sourceRoot="java/com/acme/")
    frame = {"module": "com.acme.Cart", "absPath": "Cart.java", "filename": "Cart.java"}
    by_trace = answered(api, LINKS, frames=[frame], platform="java")["frames"]
    by_frame = answered(api, LINKS, frames=[{**frame, "platform": "java"}])["frames"]
    by_text = answered(api, LINKS, text="\tat com.acme.Cart.total(Cart.java:3)")["frames"]
    paths = [frames[0]["sourcePath"] for frames in (by_trace, by_frame, by_text)]
    assert paths == ["java/com/acme/Cart.java"] * 3


def test_ref_comes_from_commit_or_release(api: ApiClient) -> None:
    """What ran is told by the commit, else by the release; a release that is not there is said aloud."""
    api.mapping(*api.claimed())
    api.release("1.0", commits=[commit(SHA)])
    by_release = linked(api, "/srv/app/a.py", release="1.0")[0]
    by_commit = linked(api, "/srv/app/a.py", release="1.0", commit=OLDER_SHA)[0]
    assert (by_release["link"]["ref"], by_release["link"]["refSource"]) == (SHA, "release")
    assert (by_commit["link"]["ref"], by_commit["link"]["refSource"]) == (OLDER_SHA, "frame")
    assert api.post(LINKS, {"text": "", "release": "none"}).status_code == 404


def test_links_have_a_confidence(any_api: ApiClient) -> None:
    """A file that commits named, a person's mapping and the release's commit make a link sure."""
    any_api.mapping(*any_api.claimed())
    send(any_api, "A src/a.py", "D src/gone.py")
    any_api.release("1.0", refs=[{"repository": "team/app", "commit": SHA}])
    names = ("/srv/app/a.py", "/srv/app/b.py", "/srv/app/gone.py")
    told = linked(any_api, *names, release="1.0")
    assert [frame["basis"]["file"] for frame in told] == ["listed", "unknown", "deleted"]
    assert {(frame["basis"]["mapping"], frame["basis"]["ref"]) for frame in told} == {("person", "exact")}
    assert [frame["confidence"] for frame in told] == ["high", "medium", "low"]
    assert linked(any_api, names[0])[0]["confidence"] == "medium"


def test_the_source_root_that_has_the_file_is_used(any_api: ApiClient) -> None:
    """Several folders of a repository, or of several, are one in the program: each file is found where it is."""
    repository, installation = any_api.claimed()
    other = any_api.claim(any_api.repository("team/lib", "https://git.example.com/team/lib"), installation).json()
    for home, source_root in ((repository, "src/"), (repository, "generated/"), (other, "")):
        assert any_api.mapping(home, installation, sourceRoot=source_root).status_code == 201
    send(any_api, "A src/a.py", "A generated/b.py")
    send(any_api, "A c.py", sha=OLDER_SHA, repository="team/lib")
    told = linked(any_api, *(f"/srv/app/{name}.py" for name in "abcd"))
    assert [(frame["mapping"]["repository"]["name"], frame["sourcePath"]) for frame in told] == [
        ("team/app", "src/a.py"),
        ("team/app", "generated/b.py"),
        ("team/lib", "c.py"),
        ("team/app", "src/d.py"),
    ]
    assert any_api.link(file="/srv/app/b.py")["sourcePath"] == "generated/b.py"


def test_a_file_that_moved_is_found_where_it_is_now(any_api: ApiClient) -> None:
    """When commits move a file, the links of the next trace go with it."""
    repository, installation = any_api.claimed()
    for source_root in ("old/", "new/"):
        any_api.mapping(repository, installation, sourceRoot=source_root)
    send(any_api, "A old/a.py", timestamp="2026-01-01T00:00:00Z")
    before = linked(any_api, "/srv/app/a.py")[0]["sourcePath"]
    send(any_api, "D old/a.py", "A new/a.py", sha=OLDER_SHA, timestamp="2026-01-02T00:00:00Z")
    assert (before, linked(any_api, "/srv/app/a.py")[0]["sourcePath"]) == ("old/a.py", "new/a.py")


def test_a_mapping_without_a_branch_links_to_the_newest_commit_of_the_file(any_api: ApiClient) -> None:
    """Where nothing tells a ref, the file was there at that commit; where no commit named the file, there is none."""
    repository, installation = any_api.claimed()
    any_api.mapping(repository, installation, defaultBranch=None)
    send(any_api, "A src/a.py")
    known, unknown = linked(any_api, "/srv/app/a.py", "/srv/app/b.py")
    assert (known["link"]["ref"], known["link"]["refSource"]) == (SHA, "newest_commit")
    assert (unknown["link"], unknown["reason"]) == (None, "no_ref")
    assert any_api.link(file="/srv/app/a.py")["refSource"] == "newest_commit"


def test_frames_without_mapping_are_linked_by_derived_mapping(any_api: ApiClient) -> None:
    """A derived mapping links to files that are there, says that it is derived, and is saved nowhere."""
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
    """A root that catches everything is no reason to take a library's file for one of the repository."""
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
    """First it is told what would be saved; saved, it says what it comes from; again, it changes nothing."""
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
    """What was derived from one file is told more surely by several, and never less surely again."""
    any_api.claimed()
    send(any_api, "A shop/cart.py", "A shop/pay.py")
    one = [{"filename": "/srv/app/shop/cart.py"}]
    two = [*one, {"filename": "/srv/app/shop/pay.py"}]
    told = [answered(any_api, DERIVE, frames=frames, save=True)["mappings"][0] for frames in (one, two, one)]
    assert [(item["action"], item["mapping"]["confidence"]) for item in told] == [
        ("create", "medium"),
        ("update", "high"),
        ("keep", "high"),
    ]


def test_user_made_mappings_are_never_changed(any_api: ApiClient) -> None:
    """Frames that a person's mapping fits tell nothing new, and a mapping that a person took over is theirs."""
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
    """The answer says why, and what to do."""
    any_api.repository()
    send(any_api, "A cart.py", "A a/b/c/pay.py")
    frames = [{"filename": "/srv/cart.py"}, {"filename": "/opt/a/b/c/pay.py"}]
    told = answered(any_api, DERIVE, frames=frames, save=True)["mappings"]
    assert [(item["action"], item["mapping"]["confidence"]) for item in told] == [("skip", "high"), ("skip", "low")]
    assert "Claim it" in told[0]["detail"]
    assert "confidence is low" in told[1]["detail"]
    assert any_api.get("code-mappings/").json() == []


def test_file_in_two_repositories_derives_no_mapping(any_api: ApiClient) -> None:
    """What could be of either is of neither, nor is what is called as many other files are."""
    any_api.claimed()
    send(any_api, "A shop/cart.py")
    send(any_api, "A shop/cart.py", repository="team/fork")
    assert linked(any_api, "/srv/app/shop/cart.py")[0]["reason"] == "no_code_mappings_for_project"


def test_files_of_hidden_repositories_derive_no_mapping(any_api: ApiClient) -> None:
    """What is hidden tells no mappings; made active again, it does."""
    repository, _ = any_api.claimed()
    send(any_api, "A shop/cart.py")
    found = []
    for status in ("hidden", "active"):
        any_api.put(f"repos/{repository['id']}/", {"status": status})
        found.append(linked(any_api, "/srv/app/shop/cart.py")[0]["sourcePath"])
    assert found == [None, "shop/cart.py"]


def test_commits_of_unknown_repository_derive_no_mapping(any_api: ApiClient) -> None:
    """A stand-in may hold commits of several repositories: its files are of none."""
    any_api.claimed()
    any_api.claim(any_api.repository("team/lib", None), any_api.get("integrations/").json()[0])
    send(any_api, "A shop/cart.py", repository="origin")
    assert linked(any_api, "/srv/app/shop/cart.py")[0]["link"] is None


def test_library_frames_derive_no_mapping(api: ApiClient) -> None:
    """What an event says is not the project's own code leads nowhere by chance."""
    api.claimed()
    send(api, "A shop/cart.py")
    frame = {"filename": "/site-packages/shop/cart.py", "in_app": False}
    assert answered(api, LINKS, frames=[frame])["frames"][0]["link"] is None


def test_explanation_has_a_result_for_each_mapping(api: ApiClient) -> None:
    """Those that fit, in the order in which they are tried, and why the others do not."""
    repository, installation = api.claimed()
    lib = api.claim(api.repository("team/lib", None), installation).json()
    made = {
        root: api.mapping(home, installation, stackRoot=root).json()["id"]
        for root, home in {"/srv/app/": lib, "/srv/": repository, "": repository, "/sr": lib, "/SRV/": lib}.items()
    }
    (told,) = answered(api, EXPLAIN, frames=[{"filename": "/srv/app/a.py", "lineno": 3}])["frames"]
    assert [(item["mapping"]["id"], item["outcome"], item["reason"]) for item in told["tried"]] == [
        (made["/srv/app/"], "no_link", "repository_without_url"),
        (made["/srv/"], "link", None),
        (made[""], "not_needed", None),
    ]
    assert [(item["mapping"]["id"], item["reason"]) for item in told["notMatched"]] == [
        (made["/SRV/"], "case_differs"),
        (made["/sr"], "inside_segment"),
    ]
    assert all(item["message"] and item["nextStep"] for item in told["notMatched"])
    assert (told["paths"], told["munged"], told["notMatchedMore"]) == (["/srv/app/a.py"], None, 0)
    assert told["tried"][1]["link"] == told["link"]
    assert told["tried"][1]["sourcePath"] == told["sourcePath"]


def test_an_explanation_gives_the_same_answer(any_api: ApiClient) -> None:
    """Whatever becomes of a frame, it is what trace-links says of it, word for word."""
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
    """Who looks for the right stack root sees what it is compared with."""
    api.mapping(*api.claimed())
    frame = {"module": "com.acme.Cart", "absPath": "Cart.java", "platform": "java"}
    (told,) = answered(api, EXPLAIN, frames=[frame])["frames"]
    assert (told["munged"], told["paths"]) == ("com/acme/Cart.java", ["com/acme/Cart.java", "Cart.java"])


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
def test_a_wrong_body_is_refused_by_name(tmp_path: Path, path: str, body: dict[str, Any], answer: str) -> None:
    """Each answer is 400 and names what is wrong."""
    with open_api(tmp_path, SWITCHBOARD + "\n[limits]\ntrace_frames = 3\n", background=False) as small:
        refused = small.post(path, body)
    assert (refused.status_code, list(refused.json())) == (400, [answer])


def test_malformed_branch_is_refused(api: ApiClient) -> None:
    """What is derived is held to the rules of what people send."""
    refused = api.post(DERIVE, {"frames": [], "defaultBranch": "/main"})
    assert (refused.status_code, list(refused.json())) == (400, ["defaultBranch"])
    assert api.post(DERIVE, {"frames": [], "confidence": "sure"}).status_code == 400


def test_exceeded_limits_are_named(tmp_path: Path) -> None:
    """A text is read as far as the limits go, and an explanation lists so many mappings and no more."""
    limits = "\n[limits]\ntrace_frames = 2\nexplained_frames = 1\nexplained_mappings = 1\n"
    with open_api(tmp_path, SWITCHBOARD + limits, background=False) as small:
        repository, installation = small.claimed()
        for root in ("/a/", "/b/", "/c/"):
            small.mapping(repository, installation, stackRoot=root)
        told = answered(small, LINKS, text=TRACE)
        assert (len(told["frames"]), told["truncated"]) == (2, True)
        refused = small.post(EXPLAIN, {"text": TRACE})
        assert (refused.status_code, "limits.explained_frames" in refused.text) == (400, True)
        (explained,) = answered(small, EXPLAIN, frames=[{"filename": "x.py"}])["frames"]
        assert ([item["mapping"]["stackRoot"] for item in explained["notMatched"]], explained["notMatchedMore"]) == (
            ["/a/"],
            2,
        )


@dataclass(frozen=True)
class Later:
    """A clock that goes before."""

    ahead: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def test_files_are_listed_in_the_background(any_api: ApiClient) -> None:
    """Soon after commits came in, whether or not anybody asks for links: for many requests together, and once."""
    any_api.claimed()
    for sha in (SHA, OLDER_SHA):
        any_api.post("commits/", {"commits": [commit(sha, patch_set=[{"path": f"{sha[0]}/m.py", "type": "A"}])]})
    assert run_due_jobs(any_api.services) == 0
    assert run_due_jobs(replace(any_api.services, clock=Later(timedelta(minutes=1)))) == 1
    there = any_api.there.organization.id
    with any_api.services.store.read() as tx:
        assert file_queries.pending_jobs(tx, there) == []
        (found,) = file_queries.named(tx, there, ["m.py"], 10).values()
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


FORGE = f"{SWITCHBOARD}[plugins.good_forge]\nenabled = true\ndefault = true\n"


def with_a_forge_that_can_be_asked(api: ApiClient) -> None:
    """A stack root with three source roots, in a repository of which the code host has ``here.py`` alone."""
    installation = api.post("integrations/", {"provider": "good_forge"}).json()
    body = {"provider": "integrations:good_forge", "installation": installation["id"], "identifier": "app"}
    repository = api.post("repos/", body).json()
    for source_root in ("lib/", "", "src/"):
        assert api.mapping(repository, installation, sourceRoot=source_root).status_code == 201


def test_file_check_selects_source_root(tmp_path: Path) -> None:
    """What it does not have is passed over; what it has is verified."""
    with open_api(tmp_path, FORGE, more=[candidate("good_forge")], background=False) as api:
        with_a_forge_that_can_be_asked(api)
        (told,) = answered(api, EXPLAIN, frames=[{"filename": "/srv/app/here.py"}], commit=SHA)["frames"]
        (gone,) = linked(api, "/srv/app/gone.py")
    assert (told["sourcePath"], told["basis"]["file"], told["confidence"]) == ("here.py", "verified", "high")
    assert [(item["outcome"], item["reason"]) for item in told["tried"]] == [
        ("no_link", "file_not_found"),
        ("link", None),
        ("not_needed", None),
    ]
    assert (gone["reason"], gone["sourcePath"]) == ("file_not_found", "lib/gone.py")


def test_number_of_file_checks_is_limited(tmp_path: Path) -> None:
    """A trace of many frames asks for each file once, and for no more than a request may; others are not known."""
    few = FORGE + "[limits]\nfile_checks_per_request = 2\n"
    with open_api(tmp_path, few, more=[candidate("good_forge")], background=False) as api:
        with_a_forge_that_can_be_asked(api)
        told = linked(api, "/srv/app/here.py", "/srv/app/here.py", "/srv/app/gone.py")
    assert [frame["basis"]["file"] for frame in told] == ["verified", "verified", "unknown"]


def test_unstorable_text_in_traces_is_accepted(any_api: ApiClient) -> None:
    """Odd characters in a frame are no trouble: the frame has its link, or none."""
    repository, installation = any_api.claimed()
    any_api.mapping(repository, installation, stackRoot="")
    odd = ["a\x00b.py", "x" * 4000 + ".py", "é/ü.py", "%2e%2e/x.py", "a\nb.py"]
    assert len(linked(any_api, *odd)) == len(odd)
