"""The conformance suite: correct plugins pass, and each wrong plugin violates its own check."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from threading import Thread
from typing import Any, NoReturn

import pytest

from loading import case_id, load_cases
from plugins.listener import Listener
from plugins.wrong.correct import Correct
from plugins.wrong.installing import NeedsPerson
from plugins.wrong.remote import CallsHost, MissesRefusedConnection, RaisesConnectionReset
from scmhost.sdk import HOOK_SPECS, Existence, Installation, Offer, ProviderUnavailable, Repository, hookimpl
from scmhost.sdk.testing import CHECKS, ConformanceRun, FileSample, PushSample, Samples
from scmhost.sdk.testing.observe import SuiteWorker
from scmhost.sdk.testing.runner import CHECKS_BY_NAME

CASES = load_cases("wrong_plugins")
# The host refuses these because of other plugins or of the start-up; the suite waits 10 s for a hanging import.
NOT_BY_CODE = {"another's key", "cannot start", "hangs at import"}
CONFIGURATION = {"api_range", "distributions", "text"}
REFUSED_BY_HOST = [
    case
    for case in load_cases("refused_plugins")
    if case["state"] == "broken" and not CONFIGURATION & case.keys() and case["id"] not in NOT_BY_CODE
]
BODY = b'{"repository": "team/app", "shas": ["c0ffee"]}'


def signed(secret: str, body: bytes) -> Mapping[str, str]:
    return {"X-Scmhost-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def conformance_run(plugin: object, **samples: Any) -> ConformanceRun:
    file = FileSample(ref="main", path="a.py", outside=("link",))
    return ConformanceRun(Samples(plugin, push=PushSample(BODY, signed), file=file, **samples))


def run_of_own_hooks(plugin: object) -> ConformanceRun:
    """Return a run whose checks of single calls leave out the hooks that the plugin has from ``Correct``.

    ``test_correct_plugin_keeps_every_check`` checks their calls.
    """
    run = conformance_run(plugin)
    for hook, function in run.plugin.functions.items():
        own = getattr(function.function, "__func__", None)
        if own is not None and own is getattr(Correct, hook, None):
            run.plugin.violated_checks[hook] = set()
    return run


def wrong_plugin(name: str) -> object:
    """Return an instance of ``module:Class``; without a class, the name itself."""
    module, _, kind = name.partition(":")
    return getattr(import_module(f"plugins.wrong.{module}"), kind)() if kind else module


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_wrong_plugin_violates_its_check(case: dict[str, Any]) -> None:
    """The report of a violation has the location, the problem and the remedy."""
    result = run_of_own_hooks(wrong_plugin(case["plugin"])).run(CHECKS_BY_NAME[case["check"]])
    assert result.outcome == "violated", result.text
    assert [text for text in case["report"] if text not in result.report] == []


def test_every_check_has_a_wrong_plugin() -> None:
    """Every check is proved to find a violation."""
    assert {check.name for check in CHECKS} - {case["check"] for case in CASES} == set()


def test_every_hook_is_checked() -> None:
    """A new hook of the contract must be added to the sample plugin and to the table of capabilities."""
    run = conformance_run(Correct())
    assert run.plugin.declared == set(HOOK_SPECS)
    assert [hook for hook in HOOK_SPECS if f"`{hook}`" not in run.report.markdown()] == ["scm_register_providers"]


@pytest.mark.parametrize(
    ("run_of", "name"), [(conformance_run, "correct:Correct"), (run_of_own_hooks, "links:WithoutTemplates")]
)
def test_correct_plugin_keeps_every_check(run_of: Callable[[object], ConformanceRun], name: str) -> None:
    """A correct plugin has no violation, and something to check for every check."""
    results = list(run_of(wrong_plugin(name)).run_all())
    assert [result.report for result in results if result.outcome == "violated"] == []
    assert {result.check.name for result in results if result.outcome == "not run"} == set()


def test_plugin_without_providers_is_checked() -> None:
    """A plugin with listeners and commands alone gets a sample installation and repository."""
    run = conformance_run(Listener(), examples=10)
    results = list(run.run_all())
    assert {result.outcome for result in results} == {"kept", "not declared", "not run"}
    reasons = {result.check.name: result.text for result in results if result.outcome == "not run"}
    assert reasons == {
        "provider-hooks": "the plugin registers no provider",
        "host-unreachable": "no hook tried to reach a host beyond this machine",
        "host-timeout": "no I/O hook connected to the suite's server in place of its host",
        "host-slow": "no I/O hook connected to the suite's server in place of its host",
        "secrets-hidden": "the samples have no secret",
    }
    assert (run.report.provider, run.report.passed) == ("", True)


def test_violation_that_only_one_check_finds_counts_for_it() -> None:
    """A hook that raises only for unsafe URLs violates the check that passes unsafe URLs."""
    run = conformance_run(wrong_plugin("repositories:RaisesForUnsafeUrls"))
    declared, safe = (run.run(CHECKS_BY_NAME[name]) for name in ("errors-declared", "install-safe"))
    assert (declared.outcome, safe.outcome) == ("kept", "violated")
    assert "raised UrlError" in safe.report


def test_plugin_that_cannot_reach_its_host_gets_a_default_installation() -> None:
    """Without a network the suite uses a default installation and notes it; other checks still run."""
    run = conformance_run(CallsHost(), examples=10)
    results = {result.check.name: result for result in run.run_all()}
    violated = {name for name, result in results.items() if result.outcome == "violated"}
    assert (results["samples-fit"].outcome, violated) == ("kept", {"errors-declared"})
    assert "set installation = {...} if your hooks need another" in results["errors-declared"].report
    (note,) = run.report.data()["notes"]
    assert "an installation made of the form" in note
    assert ".;" not in note
    blocked = {name for name, result in results.items() if result.blocked_by}
    offers = {"offers-unique", "offer-pages-end", "offers-can-be-added"}
    assert blocked == {*offers, "sample-added", "organizations-isolated"}


def test_plugin_that_installs_in_steps_only_keeps_every_check() -> None:
    """A plugin whose scm_install refuses is checked with an installation from the samples."""
    fields = {"external_id": "4", "configuration": {"server": "https://forge.example"}}
    form = {"team": "team", "server": "https://forge.example"}
    run = conformance_run(NeedsPerson(), installation=fields, form=form, examples=10)
    assert [result.report for result in run.run_all() if result.outcome == "violated" or result.blocked_by] == []
    assert "scm_install does not install without scm_begin_install" in run.report.notes[0]


def test_plugin_that_cannot_reach_its_host_keeps_every_check_with_an_installation() -> None:
    """With the fields of an installation in the samples no check is violated; those that need the host do not run."""
    run = conformance_run(CallsHost(), installation={"external_id": "4", "configuration": {"team_id": 4}}, examples=10)
    results = {result.check.name: result for result in run.run_all()}
    assert [result.report for result in results.values() if result.outcome == "violated" or result.blocked_by] == []
    assert run.report.passed
    assert "an installation from the samples" in run.report.notes[0]
    reasons = {name: result.text for name, result in results.items() if result.outcome == "not run"}
    assert reasons["offers-unique"] == "scm_offer_repositories offered nothing"
    assert reasons["decisions-repeat"] == "scm_dispatch_repository made no decision"
    assert reasons["sample-added"].startswith("scm_dispatch_repository made no decision: Quarry does not answer")
    assert (
        results["host-slow"].outcome == results["host-timeout"].outcome == results["host-unreachable"].outcome == "kept"
    )


@pytest.mark.parametrize(
    ("prefix", "outcome", "text"),
    [
        ("https://", "violated", "raised ConnectionResetError: https"),
        ("https://quarry.example.com", "kept", ""),
    ],
)
def test_unresponsive_server_replaces_urls_that_a_model_accepts(prefix: str, outcome: str, text: str) -> None:
    """The server's URL has a scheme that the model accepts; a model that accepts no other host keeps its own."""
    result = conformance_run(RaisesConnectionReset(prefix)).run(CHECKS_BY_NAME["host-timeout"])
    assert (result.outcome, text in result.report) == (outcome, True), result.report


@pytest.fixture
def quarry() -> Iterator[str]:
    """Return the address of a code host on this machine that knows every team, file and repository."""

    class Quarry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind = self.path.rsplit("/", 2)[-2:]
            body = b'"yes"' if kind[0] == "files" else b'["team/app"]' if kind[1] == "repositories" else b'{"id": 4}'
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Quarry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("plugin", "outcome", "text"),
    [
        (CallsHost, "kept", ""),
        (MissesRefusedConnection, "violated", "nothing listened at the address of its host"),
    ],
)
def test_host_on_this_machine_is_taken_away(quarry: str, plugin: type[Correct], outcome: str, text: str) -> None:
    """A plugin that is checked with a local server is also checked without it."""
    run = conformance_run(plugin(), settings={"base_url": quarry}, examples=5)
    result = run.run(CHECKS_BY_NAME["host-unreachable"])
    assert (result.outcome, text in result.report) == (outcome, True), result.report or result.text
    assert run.run(CHECKS_BY_NAME["errors-declared"]).outcome == "kept"


def _unavailable(_self: object) -> NoReturn:
    raise ProviderUnavailable("The forge does not answer.")


@pytest.mark.parametrize(
    ("hook", "check"),
    [
        ("scm_file_exists", "file-sample-exists"),
        ("scm_read_file", "file-sample-read"),
        ("scm_read_file", "missing-file-none"),
        ("scm_compare_commits", "commits-once"),
        ("scm_register_webhook", "webhook-repeatable"),
        ("scm_register_webhook", "webhook-secret-hidden"),
        ("scm_register_webhook", "webhook-removed-twice"),
    ],
)
def test_nothing_is_said_about_a_host_that_does_not_answer(
    hook: str, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that got no answer is neither kept nor violated."""
    monkeypatch.setattr(Correct, hook, hookimpl(_unavailable))
    if hook == "scm_read_file":
        monkeypatch.delattr(Correct, "scm_blame_lines")
    result = conformance_run(Correct(), examples=5).run(CHECKS_BY_NAME[check])
    assert (result.outcome, result.blocked_by) == ("not run", ""), result.text


class NeedsToken(Correct):
    """Reads the token as the host passes it: every installation has one in I/O hooks."""

    @hookimpl
    def scm_offer_repositories(  # type: ignore[override]  # a hook may leave out arguments
        self, installation: Installation, repositories: Sequence[Repository]
    ) -> Sequence[Offer]:
        assert installation.secrets["token"].get_secret_value()
        return [Offer(identifier=str(one.id), name=one.name) for one in repositories]


def test_the_installation_of_another_organization_has_secrets_too() -> None:
    """A plugin may rely on the secrets that its ``scm_install`` returns."""
    result = conformance_run(NeedsToken()).run(CHECKS_BY_NAME["organizations-isolated"])
    assert result.outcome == "kept", result.report


def test_unknown_existence_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin may not know, but then the check says nothing about it."""
    monkeypatch.setattr(Correct, "scm_file_exists", hookimpl(lambda self: Existence.UNKNOWN))
    result = conformance_run(Correct()).run(CHECKS_BY_NAME["file-sample-exists"])
    assert (result.outcome, "does not know" in result.text) == ("not run", True)


def test_invalid_sample_installation_is_reported() -> None:
    """An invalid sample is reported with its field."""
    result = conformance_run(CallsHost(), installation={"external_id": ""}).run(CHECKS_BY_NAME["samples-fit"])
    assert "external_id: String should have at least 1 character); set installation = {...}" in result.report


def test_single_check_reports_the_violation_that_blocks_it() -> None:
    """A check that runs alone includes the report of the check that prevents it from running."""
    result = conformance_run(Correct(), form={"team": 3}).run(CHECKS_BY_NAME["budget-kept"])
    assert (result.outcome, result.text) == ("not run", "samples-fit is violated")
    assert "Form refuses the sample (team: Input should be a valid string); set form = {...}" in result.cause


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("def scm_source_url(,): ...\n", "SyntaxError: invalid syntax (mistaken.py:1)"),
        ("\nimport nothing_of_this_name\n", "No module named 'nothing_of_this_name' (mistaken.py:2)"),
        ("raise SystemExit(3)\n", "SystemExit: 3 (mistaken.py:1)"),
    ],
)
def test_failing_import_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reported: str
) -> None:
    """The report has the failing line; the other checks do not run."""
    info = tmp_path / "mistaken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: mistaken\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[scmhost]\nmistaken = mistaken\n", encoding="utf-8")
    (tmp_path / "mistaken.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    first, *others = conformance_run("mistaken").run_all()
    assert (first.check.name, first.outcome, reported in first.report) == ("imports", "violated", True), first.report
    assert {result.outcome for result in others} == {"not run"}


@pytest.mark.parametrize("case", REFUSED_BY_HOST, ids=case_id)
def test_plugin_that_the_host_refuses_violates_a_check(case: dict[str, Any]) -> None:
    """The suite is at least as strict about a plugin's code as the host."""
    run = conformance_run(EntryPoint("subject", case["entry"], "scmhost"))
    names = ("imports", "hooks-fit", "hook-kinds", "provider-hooks", "models-fit")
    assert any(run.run(CHECKS_BY_NAME[name]).outcome != "kept" for name in names)


def test_coroutines_share_one_event_loop() -> None:
    """A client that keeps its connections across calls works, as it does in the host."""

    async def running_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    worker = SuiteWorker()
    assert worker.run(running_loop, 5).value is worker.run(running_loop, 5).value
