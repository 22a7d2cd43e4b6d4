"""``trace-links`` with source lines around the frames, for tokens that may read code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import PLUGINS_TOML, SHA, ApiClient, open_api
from hosting import candidate
from plugins.shelf import shelf
from scmhost.links.source_lines import NoLines
from scmhost.organizations.tokens import ALL_SCOPES, DEFAULT_SCOPES
from scmhost.plugins import read_settings
from scmhost.sdk import ProviderForbidden, Repository

LINKS = "/api/0/projects/acme/web/trace-links/"
CODE = "one\r\ntwo\r\nthree\r\nfour\r\n"
BODY = {"frames": [{"filename": "/srv/app/a.py", "lineno": 3}], "commit": SHA}
NONE: dict[str, Any] = {"startLine": None, "lines": [], "truncated": False}


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ApiClient]:
    """A whole scmhost with a claimed repository of a provider that reads files, and a mapping of ``/srv/app/``."""
    shelf.reset()
    shelf.files = {(SHA, "src/a.py"): CODE.encode()}
    configuration = PLUGINS_TOML + "[plugins.shelf]\nenabled = true\n"
    more = [candidate("shelf", "plugins.shelf")]
    with open_api(tmp_path, configuration, more=more, background=False) as api:
        installation = api.post("integrations/", {"provider": "shelf"}).json()
        identifier = api.repository()["id"]
        claim = {"provider": "shelf", "installation": installation["id"], "identifier": identifier}
        assert api.mapping(api.post("repos/", claim).json(), installation).status_code == 201
        yield api


def context(api: ApiClient, body: dict[str, Any], margin: int = 1) -> list[dict[str, Any] | None]:
    """Return the source lines of each frame, as a token that may read code gets them."""
    token = api.token("project:read", "code:read")
    answer = api.post(f"{LINKS}?context={margin}", body, token=token)
    assert answer.status_code == 200, answer.text
    return [frame["context"] for frame in answer.json()["frames"]]


def test_lines_are_added_to_frames(forge: ApiClient) -> None:
    """Each linked frame has its lines; the rest of the answer is as without them."""
    trace = {"text": 'File "/srv/app/a.py", line 2, in f\nFile "/usr/lib/x.py", line 1, in g\n', "commit": SHA}
    assert context(forge, trace) == [
        {"startLine": 1, "lines": ["one", "two", "three"], "truncated": False, "reason": None, "message": None},
        None,
    ]
    token = forge.token("project:read", "code:read")
    plain, rich = (forge.post(path, trace, token=token).json() for path in (LINKS, f"{LINKS}?context=0"))
    assert [item and item["lines"] for item in (frame.pop("context") for frame in rich["frames"])] == [["two"], None]
    assert plain == rich


@pytest.mark.parametrize(("margin", "start", "count"), [(0, 3, 1), (1, 2, 3), (10, 1, 4)])
def test_margin_is_the_lines_on_each_side(forge: ApiClient, margin: int, start: int, count: int) -> None:
    """The file's ends limit them."""
    (found,) = context(forge, BODY, margin)
    assert found is not None
    assert (found["startLine"], found["lines"]) == (start, CODE.split("\r\n")[start - 1 : start - 1 + count])


@pytest.mark.parametrize("value", ["-1", "11", "x", "", "1.5", "1e1", "9" * 400])
def test_invalid_margin_is_refused(forge: ApiClient, value: str) -> None:
    """The answer names the parameter; no file is read."""
    answer = forge.post(f"{LINKS}?context={value}", BODY, token=forge.token("project:read", "code:read"))
    assert answer.status_code == 400
    assert "context" in answer.json()
    assert shelf.reads == []


def test_every_other_scope_together_does_not_read_code(forge: ApiClient) -> None:
    """The answer names the scope and the next step, and no file is read; links without lines need no such scope."""
    token = forge.token(*DEFAULT_SCOPES)
    answer = forge.post(f"{LINKS}?context=3", BODY, token=token)
    assert answer.status_code == 403
    assert "needs the scope code:read" in answer.json()["detail"]
    assert "scmhost token create --scope code:read" in answer.json()["detail"]
    assert shelf.reads == []
    assert forge.post(LINKS, BODY, token=token).status_code == 200
    assert set(ALL_SCOPES) - set(DEFAULT_SCOPES) == {"code:read"}


def test_bootstrap_token_and_code_scope_alone_do_not_read_code(forge: ApiClient) -> None:
    """The first token has no such scope; the scope alone does not open the endpoint."""
    assert forge.post(f"{LINKS}?context=3", BODY).status_code == 403
    assert forge.post(f"{LINKS}?context=3", BODY, token=forge.token("code:read")).status_code == 403
    assert shelf.reads == []


def test_other_organization_is_not_found(forge: ApiClient) -> None:
    """A token that may read code of its organization does not read that of another one."""
    answer = forge.post(LINKS.replace("acme", "rival") + "?context=3", BODY, token=forge.token("code:read"))
    assert answer.status_code == 404
    assert shelf.reads == []


def test_missing_lines_have_a_reason(forge: ApiClient) -> None:
    """The reasons are of the published list, each with a sentence."""
    frames = [{"filename": f"/srv/app/{name}", "lineno": 9} for name in ("a.py", "gone.py")]
    found = context(forge, {"frames": [*frames, {"filename": "/srv/app/a.py"}], "commit": SHA})
    reasons = [item and item["reason"] for item in found]
    assert reasons == ["line_not_found", "file_not_found", "no_line"]
    assert all(item and item["message"] and item | NONE == item for item in found)
    document = forge.client.get("/api/openapi.json").json()["components"]["schemas"]["SourceContextOut"]
    assert all(reason.value in document["properties"]["reason"]["description"] for reason in NoLines)


def test_refusal_of_the_code_host_keeps_the_link(forge: ApiClient) -> None:
    """Also a text that UTF-8 cannot encode is answered."""

    def refuse(_repository: Repository, _path: str) -> None:
        raise ProviderForbidden("not yours \ud800")

    shelf.before_read = refuse
    (found,) = context(forge, BODY)
    assert found is not None
    assert (found["reason"], found["message"].startswith("not yours")) == ("forbidden", True)


def test_long_and_odd_lines_are_answered(forge: ApiClient) -> None:
    """A minified file is cut; control characters and Latin-1 arrive as JSON."""
    shelf.files[SHA, "src/a.py"] = b"x" * 5_000 + b"\n\x1b[31m\xe4\n" + b"y" * 500
    (found,) = context(forge, BODY)
    assert found is not None
    assert (found["truncated"], found["lines"]) == (False, ["\x1b[31mä", "y" * 500])
    (found,) = context(forge, BODY, margin=2)
    assert found is not None
    assert (found["truncated"], found["lines"][0]) == (True, "x" * 500)


def test_plugin_that_was_turned_off_reads_nothing(forge: ApiClient) -> None:
    """A frame without a link has no lines, even if they are in the cache."""
    assert context(forge, BODY) != [None]
    forge.services.plugins.reload(read_settings(None, {}))
    assert context(forge, BODY) == [None]
