"""GitHub passes the conformance suite, with a token and with a GitHub App."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from fake_hosts.base import Call, Reply, User
from fake_hosts.github import APP_ID, APP_SLUG, CLIENT_ID, CLIENT_SECRET, WEBHOOK_SECRET, FakeGitHub, app_pem, signed
from scmhost.sdk.testing import CHECKS, Check, ConformanceRun, FileSample, ProviderConformance, PushSample, Samples
from scmhost_github import plugin

SHA: Final = "0123456789abcdef0123456789abcdef01234567"
BODY: Final = json.dumps(
    {
        "ref": "refs/heads/main",
        "before": "0" * 40,
        "after": SHA,
        "repository": {"id": 7, "html_url": "https://github.example.com/team/app"},
        "installation": {"id": 12},
        "commits": [{"id": SHA, "message": "Mend it", "timestamp": "2026-01-02T03:04:05Z", "added": ["a.py"]}],
    }
).encode()
FILE: Final = FileSample(ref="main", path="a.py", large="large.txt")
PUSH: Final = PushSample(body=BODY, headers=lambda secret, body: signed("", "push", body, secret).headers)
TOKEN: Final = "github_pat_0123456789"
INSTALLATION_TOKEN: Final = "ghs_0123456789abcdef"
APP: Final = {
    "id": APP_ID,
    "slug": APP_SLUG,
    "private_key": app_pem(),
    "webhook_secret": WEBHOOK_SECRET,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
}


class PatientGitHub(FakeGitHub):
    """A fake whose tokens stay valid: the suite removes the same installation again and again."""

    def revoke_token(self, call: Call) -> Reply:
        self._installation(call)
        return Reply(status=204)


@pytest.fixture(scope="module", autouse=True)
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGitHub]:
    """Run a GitHub with one repository, that a person with a token and an installation of the App may use."""
    with PatientGitHub(tmp_path_factory.mktemp("github")) as host:
        app = host.repository("team/app")
        app.commit({"a.py": "1\n", "large.txt": b"x" * 2_000_001})
        host.tokens[TOKEN] = User("ada", {"team/app"})
        installed = host.install("team", app)
        suite = TestConformanceWithToken
        suite.settings = {
            "instances": {"company": {"url": host.url, "app": APP}, "down": {"url": "http://127.0.0.1:9"}}
        }
        suite.repository = {
            "name": "team/app",
            "url": f"{host.url}/team/app",
            "external_id": str(app.id),
            "configuration": {"full_name": "team/app"},
        }
        host.granted[INSTALLATION_TOKEN] = installed
        yield host


@pytest.fixture(scope="module")
def with_app(host: FakeGitHub) -> ConformanceRun:
    """The suite for an installation of the App."""
    [installed] = host.installations
    facts = {"instance": "company", "account": "team", "kind": "app", "installation_id": str(installed.id)}
    own = TestConformanceWithToken
    return ConformanceRun(
        Samples(
            plugin,
            # Its instance cannot be reached, so that the suite uses the installation of the App from the samples.
            form={"instance": "down", "token": TOKEN},
            settings=own.settings,
            installation={
                "name": "team",
                "external_id": f"company/{installed.id}",
                "metadata": facts,
                "configuration": {},
                "secrets": {"token": INSTALLATION_TOKEN},
            },
            repository=own.repository,
            push=PUSH,
            file=FILE,
            examples=5,
        )
    )


class TestConformanceWithToken(ProviderConformance):
    plugin: ClassVar[object] = plugin
    # An installation with a token is made in one step, and its token does not expire.
    nothing_to_check = frozenset({"credentials-last", "install-redirect-safe", "install-safe", "install-saved-kept"})
    form: ClassVar[Mapping[str, Any]] = {"instance": "company", "token": TOKEN}
    examples: ClassVar[int] = 10
    push: ClassVar[PushSample] = PUSH
    file: ClassVar[FileSample] = FILE


def test_the_readme_lists_the_capabilities() -> None:
    """The table in the README is the one that the suite prints."""
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert TestConformanceWithToken.conformance_report().markdown().partition("\n\n")[0] in readme


# The others belong to all hooks: an installation of the App sends the same requests through the same client.
@pytest.mark.parametrize("check", [check for check in CHECKS if check.hooks], ids=lambda check: check.name)
def test_an_installation_of_the_app(with_app: ConformanceRun, check: Check) -> None:
    """The App keeps the checks of its hooks, too."""
    result = with_app.run(check)
    assert result.outcome != "violated", result.report


def test_most_checks_of_the_app_have_something_to_check(with_app: ConformanceRun) -> None:
    """The installation of the samples works at the fake."""
    results = [with_app.run(check) for check in CHECKS if check.hooks == ("scm_refresh_credentials",)]
    assert [result.outcome for result in results] == ["kept"]
