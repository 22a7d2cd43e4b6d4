"""``scmhost link --url``: a text is linked by a server's mappings, releases and hosts."""

import io
import json
from pathlib import Path

import pytest

from api import PLUGINS_TOML
from command import Done, scmhost
from scmhost.checkout.formats import FORMATS
from scmhost.checkout.linked_text import Chunk, LinkedText, TextLine
from scmhost.cli.link_sources import ServerLinks
from scmhost.cli.targets import ServerClient
from serving import serve

SHA = "0123456789abcdef0123456789abcdef01234567"
TRACE = """\
  File "/srv/app/main.py", line 3, in <module>
  File "/usr/lib/python3.11/json/decoder.py", line 1, in dumps
	at com.acme.shop.Cart.total(Cart.java:12)
"""
MAPPINGS = [("/srv/app/", "src/"), ("com/acme/", "java/com/acme/")]
HERE = "/api/0/organizations/acme"


def test_a_text_is_linked_by_a_server(tmp_path: Path) -> None:
    """The service links every frame. With a token that may not link, the text comes back with the reason."""
    (tmp_path / "plugins.toml").write_text(PLUGINS_TOML, encoding="utf-8")
    crash = tmp_path / "crash.txt"
    crash.write_text(TRACE, encoding="utf-8")
    with serve(tmp_path) as served:
        words = ["--org", "acme", "--project", "web", "--database-url", f"sqlite:///{tmp_path}/served.db", "--json"]
        there = json.loads(
            scmhost("bootstrap", *words, "--repository", "team/app=https://git.example.com/team/app").out
        )
        token, repository = str(there["token"]), there["repositories"][0]["id"]
        with served.client(token) as client:
            form = {"provider": "custom_scm", "name": "t", "url": "https://git.example.com/", "preset": "gitea"}
            installation = client.post(f"{HERE}/integrations/", json=form).json()["id"]
            claim = {"provider": "integrations:custom_scm", "installation": installation, "identifier": repository}
            assert client.post(f"{HERE}/repos/", json=claim).status_code == 201
            for stack, source in MAPPINGS:
                mapping = {"integrationId": installation, "projectId": there["project"]["id"], "defaultBranch": "main"}
                roots = {"repositoryId": repository, "stackRoot": stack, "sourceRoot": source}
                assert client.post(f"{HERE}/code-mappings/", json={**mapping, **roots}).status_code == 201

        def link(*more: object, key: str = token) -> Done:
            connection = ("--org", "acme", "--project", "web", "--url", served.url, "--token", key)
            return scmhost("link", crash, *connection, *more)

        done = link()
        assert [line for line in done.out.splitlines() if "->" not in line] == TRACE.splitlines()
        assert "/team/app/src/branch/main/src/main.py#L3" in done.out
        assert "/team/app/src/branch/main/java/com/acme/shop/Cart.java#L12" in done.out
        assert "2 of 3 frames have links." in done.err
        frames = json.loads(link("--commit", SHA, "--format", "json").out)["frames"]
        assert [frame["reason"] for frame in frames] == [None, "stack_root_mismatch", None]
        assert frames[0]["url"].endswith(f"/src/commit/{SHA}/src/main.py#L3")
        assert (frames[0]["confidence"], frames[0]["textLine"], frames[1]["message"] is None) == ("medium", 1, False)
        noted = link("--release", "9.9")
        assert (noted.code, noted.out) == (0, done.out)
        assert "no release '9.9'. The links lead to the next ref" in noted.err
        for refused, said in (
            (link(key="wrong"), "401"),
            (scmhost("link", crash, "--org", "acme", "--project", "web", "--url", served.url), "needs a token"),
        ):
            assert (refused.code, refused.out) == (1, TRACE)
            assert said in refused.err
        url = served.url
    gone = scmhost("link", crash, "--org", "acme", "--project", "web", "--url", url, "--token", token)
    assert (gone.code, gone.out) == (1, TRACE)
    assert "does not answer" in gone.err


def test_server_failure_removes_only_links() -> None:
    """The text is printed without links, and the fault is reported at the end."""
    out = io.StringIO()
    options = {"release": None, "commit": None}
    source = ServerLinks(ServerClient.open("http://127.0.0.1:9", "token"), "/nowhere", options)
    text = LinkedText(source.link, FORMATS["text"](out.write))
    text.take(Chunk([TextLine("a.py:1: Error", "\n"), TextLine("the end", "\n")], idle=True))
    remarks = source.summary(text.counts)
    assert out.getvalue() == "a.py:1: Error\nthe end\n"
    assert remarks[1].startswith("1 without: server_unavailable.")
    assert remarks[-1].startswith("error: http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def _no_server_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCMHOST_URL", raising=False)
    monkeypatch.delenv("SCMHOST_AUTH_TOKEN", raising=False)
