"""``trace-links`` with the owners of linked files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, SHA, ApiClient, open_api
from browsing import signed_in, text_of
from hosting import candidate
from plugins.shelf import shelf
from scmhost.sdk import ProviderForbidden, Repository

LINKS = "/api/0/projects/acme/web/trace-links/?owners=true"
NAMES = ("a.py", "b.md", "a.py")
TRACE = {"frames": [*[{"filename": f"/srv/app/{name}", "lineno": 3} for name in NAMES], {"filename": "/x"}]}
BODY: dict[str, Any] = {**TRACE, "commit": SHA}
NO_OWNERS: dict[str, Any] = {"file": None, "ownerships": []}


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ApiClient]:
    """A whole scmhost with a claimed repository of a provider that reads files, and a mapping of ``/srv/app/``."""
    shelf.reset()
    configuration = PLUGINS_TOML + "[plugins.shelf]\nenabled = true\n"
    more = [candidate("shelf", "plugins.shelf")]
    with open_api(tmp_path, configuration, more=more, background=False) as api:
        installation = api.post("integrations/", {"provider": "shelf"}).json()
        claim = {"provider": "shelf", "installation": installation["id"], "identifier": api.repository()["id"]}
        assert api.mapping(api.post("repos/", claim).json(), installation).status_code == 201
        yield api


def owners_of(api: ApiClient, body: dict[str, Any] = BODY) -> list[dict[str, Any] | None]:
    """Return the owners of each frame, as a token without the scope for source code gets them."""
    answer = api.post(LINKS, body, token=api.token("project:read"))
    assert answer.status_code == 200, answer.text
    return [frame["owners"] for frame in answer.json()["frames"]]


def test_owners_of_linked_files(forge: ApiClient) -> None:
    """The file at the link's commit is read once, and cached; a frame without a link has no owners."""
    text = b"\xef\xbb\xbf*.py @team \xff@x\r\n*.py @team # \xff\r\n"
    shelf.files = {(SHA, ".github/CODEOWNERS"): text}
    found: dict[str, Any] = {"file": ".github/CODEOWNERS", "reason": None, "message": None}
    owned = {**found, "ownerships": [{"owners": ["@team"], "line": 2, "section": None}]}
    nobody = {**found, "ownerships": [{"owners": [], "line": None, "section": None}]}
    assert owners_of(forge) == owners_of(forge) == [owned, nobody, owned, None]
    assert shelf.reads == [(SHA, ".github/CODEOWNERS")]
    plain = forge.post(LINKS.removesuffix("?owners=true"), BODY).json()["frames"]
    assert not any("owners" in frame or "context" in frame for frame in plain)


def test_owners_on_the_page_of_a_trace(forge: ApiClient) -> None:
    """The page names the owners of a linked file, with the file and line of the rule, if they are requested."""
    shelf.files = {(SHA, ".github/CODEOWNERS"): b"# <owners>\n*.py @team ada@example.com\n"}
    reader = signed_in(forge, "Eve", "member")
    reader.open("/organizations/acme/projects/web")
    text = 'File "/srv/app/a.py", line 3, in a\nFile "/srv/app/b.md", line 3, in b\n'
    reader.submit("Find the source", text=text, commit=SHA, people="on")
    rows = [text_of(row, " ") for row in reader.page.css(".frames > li")]
    assert "Owners: @team, ada@example.com ( .github/CODEOWNERS:2 )" in rows[0]
    assert "Owners: nobody" in rows[1]


def test_owners_at_a_branch_are_read_anew(forge: ApiClient) -> None:
    """A push that changes the file needs no refresh: only contents at commits are cached."""
    body = {"frames": TRACE["frames"][:1]}
    for owner in ("@before", "@after"):
        shelf.files = {("main", ".github/CODEOWNERS"): f"* {owner}\n".encode()}
        (found,) = owners_of(forge, body)
        assert found is not None
        assert found["ownerships"] == [{"owners": [owner], "line": 1, "section": None}]


def test_folder_of_codeowners_shows_the_dialect(forge: ApiClient) -> None:
    """The folder of the file shows the dialect of a host of an unknown kind."""
    shelf.files = {(SHA, ".gitlab/CODEOWNERS"): b"* @a\n[Docs][2] @d @@maintainers\n*.md\n"}
    found = owners_of(forge)[1]
    assert found is not None
    assert found["ownerships"] == [
        {"owners": ["@a"], "line": 1, "section": None},
        {"owners": ["@d", "@@maintainers"], "line": 3, "section": "Docs"},
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "file_not_found"), (b"\0", "binary_file"), (b"x" * 2_000_001, "file_too_large")],
)
def test_missing_owners_have_a_reason(forge: ApiClient, content: bytes | None, reason: str) -> None:
    """A repository without the file, and a file that is no text or too large."""
    shelf.files = {} if content is None else {(SHA, ".github/CODEOWNERS"): content}
    first, *_, last = owners_of(forge)
    assert first is not None
    assert first["message"]
    assert {**NO_OWNERS, "reason": reason, "message": first["message"]} == first
    assert last is None


def test_answer_has_a_bounded_number_of_owners(forge: ApiClient) -> None:
    """A file that names thousands for each frame makes no huge answer; the other frames say why they have none."""
    shelf.files = {(SHA, ".github/CODEOWNERS"): b"* " + b"@a " * 60_000}
    first, *others, _ = owners_of(forge)
    assert first is not None
    assert len(first["ownerships"][0]["owners"]) == 60_000
    assert [each and each["reason"] for each in others] == ["limit_reached"] * 2


def test_refusal_of_the_code_host_keeps_the_links(forge: ApiClient) -> None:
    """After a refusal no other place is read."""

    def refuse(_repository: Repository, _path: str) -> None:
        raise ProviderForbidden("not yours")

    shelf.before_read = refuse
    found = owners_of(forge)[0]
    assert found == {**NO_OWNERS, "reason": "forbidden", "message": "not yours"}
    assert len(shelf.reads) == 1


def test_other_organization_is_not_found(forge: ApiClient) -> None:
    """Owners of another tenant are not read."""
    assert forge.post(LINKS.replace("acme", "rival"), BODY, token=forge.token("project:read")).status_code == 404
    assert forge.post(f"{LINKS[:-4]}perhaps", BODY).status_code == 400
    assert shelf.reads == []
