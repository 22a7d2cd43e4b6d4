"""The conformance suite: what is right passes, and each wrong plugin is caught by the law that it breaks."""

import hashlib
import hmac
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from loading import case_id, load_cases
from plugins.wrong.remote import Asks, HangsUp
from plugins.wrong.right import Right
from scmhost.sdk import PROMISES
from scmhost.sdk.testing import LAWS, Examination, PushSample, Samples
from scmhost.sdk.testing.book import BY_NAME

CASES = load_cases("wrong_plugins")
BODY = b'{"repository": "team/app", "shas": ["c0ffee"]}'


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Scmhost-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def examined(plugin: object, **samples: Any) -> Examination:
    return Examination(Samples(plugin, push=PushSample(BODY, signed), **samples))


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_a_wrong_plugin_is_caught_by_its_own_law(case: dict[str, Any]) -> None:
    """Whoever breaks one law is told which, with the place and what to do."""
    module, _, name = case["plugin"].partition(":")
    plugin = getattr(import_module(f"plugins.wrong.{module}"), name)() if name else module
    asked = next(law for law in LAWS if law.name == case["law"])
    finding = examined(plugin).ask(asked)
    assert finding.verdict == "broken", finding.text
    assert [text for text in case["says"] if text not in finding.report] == []


def test_every_law_catches_somebody() -> None:
    """A law that nobody was ever caught by may not work."""
    assert {law.name for law in LAWS} - {case["law"] for case in CASES} == set()


def test_every_hook_is_asked() -> None:
    """A hook that comes into the contract comes into the suite: it is called, and it is a capability."""
    examination = examined(Right())
    assert examination.subject.declared == set(PROMISES)
    assert [hook for hook in PROMISES if f"`{hook}`" not in examination.report.markdown()] == ["scm_register_providers"]


@pytest.mark.parametrize("name", ["right:Right", "links:ByHand"])
def test_the_right_plugin_keeps_every_law(name: str) -> None:
    """What is done well is left in peace."""
    module, _, kind = name.partition(":")
    examination = examined(getattr(import_module(f"plugins.wrong.{module}"), kind)())
    assert [finding.report or finding.text for finding in examination.all() if finding.verdict == "broken"] == []
    assert {finding.law.name for finding in examination.report.findings if finding.verdict == "unreached"} == set()


def test_a_breach_that_only_one_law_finds_is_its_own() -> None:
    """A form that takes anything makes a hook stumble that no other law gives such a form."""
    examination = examined(import_module("plugins.wrong.repositories").StumblesOverUrls())
    found = {finding.law.name: finding for finding in examination.all()}
    assert (found["errors-tell"].verdict, found["install-safe"].verdict) == ("kept", "broken")
    assert "raised UrlError" in found["install-safe"].report


def test_a_plugin_that_cannot_ask_its_host_is_asked_on() -> None:
    """Without a network an installation is made up, which is said; only what needs another one is told so."""
    examination = examined(Asks(), examples=10)
    found = {finding.law.name: finding for finding in examination.all()}
    broken = {name for name, finding in found.items() if finding.verdict == "broken"}
    assert (found["samples-fit"].verdict, broken) == ("kept", {"errors-tell"})
    assert "set installation = {...} if your hooks need another" in found["errors-tell"].report
    (note,) = examination.report.data()["notes"]
    assert "an installation made of the form" in note
    assert ".;" not in note
    unreached = {name for name, finding in found.items() if finding.verdict == "unreached"}
    assert unreached == {"offers-unique", "offers-can-be-added", "sample-added", "organizations-apart"}


def test_a_plugin_that_cannot_ask_its_host_keeps_every_law_with_an_installation() -> None:
    """An author who says what the host would have said loses no law."""
    examination = examined(Asks(), installation={"external_id": "4", "configuration": {"team_id": 4}}, examples=10)
    assert [finding for finding in examination.all() if finding.verdict != "kept"] == []
    assert "an installation of the samples" in examination.report.notes[0]


@pytest.mark.parametrize(
    ("beginning", "verdict", "says"),
    [
        ("https://", "broken", "raised ConnectionResetError: https"),
        ("https://quarry.example.com", "kept", ""),
    ],
)
def test_a_silent_host_in_the_place_of_urls_that_a_model_takes(beginning: str, verdict: str, says: str) -> None:
    """Where only https is taken the silent host is named so; a model that takes no other host keeps its own."""
    finding = examined(HangsUp(beginning)).ask(BY_NAME["silence-told"])
    assert (finding.verdict, says in finding.report) == (verdict, True), finding.report


def test_an_installation_that_is_none_is_refused() -> None:
    """A sample that the contract does not know is told with its field."""
    finding = examined(Asks(), installation={"external_id": ""}).ask(BY_NAME["samples-fit"])
    assert "external_id: String should have at least 1 character); set installation = {...}" in finding.report


def test_a_law_that_is_asked_alone_says_what_it_waits_for() -> None:
    """The breach that leaves it open is shown, for nothing else would show it."""
    finding = examined(Right(), form={"team": 3}).ask(BY_NAME["budget-kept"])
    assert (finding.verdict, finding.text) == ("unreached", "samples-fit is broken first")
    assert "Form refuses the sample (team: Input should be a valid string); set form = {...}" in finding.cause


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def scm_source_url(,): ...\n", "SyntaxError: invalid syntax (mistaken.py:1)"),
        ("\nimport nothing_of_this_name\n", "No module named 'nothing_of_this_name' (mistaken.py:2)"),
        ("raise SystemExit(3)\n", "SystemExit: 3 (mistaken.py:1)"),
    ],
)
def test_an_import_that_fails_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    """With the line that fails; the other laws wait for it, and nothing else fails."""
    info = tmp_path / "mistaken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: mistaken\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[scmhost]\nmistaken = mistaken\n", encoding="utf-8")
    (tmp_path / "mistaken.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    first, *others = examined("mistaken").all()
    assert (first.law.name, first.verdict, says in first.report) == ("imports", "broken", True), first.report
    assert {finding.verdict for finding in others} == {"unreached"}
