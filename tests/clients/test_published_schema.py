"""Answers, against the types that Sentry publishes: ``@sentry/api`` of npm, generated from its OpenAPI document."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from organization_client import OrganizationClient
from real_clients import NODE_READY, node_program

# The operations of the package, by the answers of this API. The catalogue of providers is left out: the package has a
# key of the dialog in the browser there, which later schemas have not.
TYPES = {
    "organizations": "ListYourOrganizationsResponses",
    "organization": "RetrieveAnOrganizationResponses",
    "projects": "ListAnOrganizationSProjectsResponses",
    "project": "RetrieveAProjectResponses",
    "integrations": "ListAnOrganizationSAvailableIntegrationsResponses",
    "integration": "RetrieveAnIntegrationForAnOrganizationResponses",
    "repositories": "ListAnOrganizationSRepositoriesResponses",
    "commits": "ListARepositorySCommitsResponses",
    "releases": "ListAnOrganizationSReleasesResponses",
    "release": "RetrieveAnOrganizationSReleaseResponses",
    "release_commits": "ListAnOrganizationReleaseSCommitsResponses",
    "release_files": "RetrieveFilesChangedInAReleaseSCommitsResponses",
    "deploys": "ListAReleaseSDeploysResponses",
}
# Settings for events, which are not sent to this host.
SETTINGS = [
    "allowedDomains",
    "builtinSymbolSources",
    "dataScrubber",
    "dataScrubberDefaults",
    "debugFilesRole",
    "defaultEnvironment",
    "derivedGroupingEnhancements",
    "digestsMaxDelay",
    "digestsMinDelay",
    "dynamicSamplingBiases",
    "fingerprintingRules",
    "groupingConfig",
    "groupingEnhancements",
    "highlightContext",
    "highlightPreset",
    "highlightTags",
    "isDynamicallySampled",
    "autofixAutomationTuning",
    "processingIssues",
    "relayPiiConfig",
    "resolveAge",
    "safeFields",
    "scrapeJavaScript",
    "scrubIPAddresses",
    "secondaryGroupingConfig",
    "secondaryGroupingExpiry",
    "securityToken",
    "securityTokenHeader",
    "seerScannerAutomation",
    "sensitiveFields",
    "storeCrashReports",
    "subjectPrefix",
    "symbolSources",
    "tempestFetchScreenshots",
    "verifySSL",
]
# What answers lack. The authors of one release are users in the package, and have a name and an address here.
LACKING = {"project": SETTINGS, "release": ["authors"]}


@pytest.fixture
def workplace(node: None, tmp_path: Path) -> Path:
    """A folder in which the compiler finds the package."""
    assert node_program("tsc").exists(), "the clients are of an older list; run `make clients`"
    (tmp_path / "node_modules").symlink_to(NODE_READY.with_name("node_modules"))
    shutil.copy(NODE_READY.with_name("package.json"), tmp_path)
    return tmp_path


def problems(workplace: Path, answers: Mapping[str, Any]) -> list[str]:
    """Return what the compiler finds wrong in answers: a missing key or a value of another type."""
    imports = ", ".join(sorted({TYPES[name] for name in answers}))
    lines = [f'import type {{ {imports} }} from "@sentry/api";']
    for name, answer in answers.items():
        lacking = " | ".join(f'"{key}"' for key in LACKING.get(name, ()))
        expected = f"Omit<{TYPES[name]}[200], {lacking}>" if lacking else f"{TYPES[name]}[200]"
        # In a variable, because the compiler refuses additional keys in a literal.
        lines.append(f"const {name} = {json.dumps(answer)};")
        lines.append(f"export const published_{name}: {expected} = {name};")
    (workplace / "answers.ts").write_text("\n".join(lines), encoding="utf-8")
    options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext"]
    words = [str(node_program("tsc")), *options, "--moduleResolution", "bundler", "answers.ts"]
    done = subprocess.run(words, cwd=workplace, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def test_answers_have_the_published_types(workplace: Path, organization: OrganizationClient) -> None:
    """Each key that the types require is there, with a value of its type."""
    repository = organization.claimed("team/app")
    author = {"author_name": "Ada", "author_email": "ada@example.com"}
    changes = {"patch_set": [{"path": "src/a.py", "type": "M"}], "timestamp": "2026-01-02T03:04:05Z"}
    commit = {"id": "a" * 40, "repository": "team/app", "message": "Mend it", **author, **changes}
    organization.post("releases/", version="1.0", projects=["web"], commits=[commit], ref="main")
    organization.post("releases/1.0/deploys/", environment="production")
    answers = {
        "organizations": organization.get("/api/0/organizations/"),
        "organization": organization.get(""),
        "projects": organization.get("projects/"),
        "project": organization.get(f"/api/0/projects/{organization.slug}/web/"),
        "integrations": organization.get("integrations/"),
        "integration": organization.get(f"integrations/{repository['integrationId']}/"),
        "repositories": organization.get("repos/"),
        "commits": organization.get(f"repos/{repository['id']}/commits/"),
        "releases": organization.get("releases/", environment="production"),
        "release": organization.release("1.0"),
        "release_commits": organization.commits("1.0"),
        "release_files": organization.get("releases/1.0/commitfiles/"),
        "deploys": organization.get("releases/1.0/deploys/"),
    }
    assert all(answers.values())
    assert problems(workplace, answers) == []


def test_a_missing_key_and_a_wrong_type_are_found(workplace: Path, organization: OrganizationClient) -> None:
    """The check can fail."""
    (project,) = organization.get("projects/")
    wrong = {"projects": [{**project, "teams": None}]}
    assert "'null'" in "".join(problems(workplace, wrong))
    del project["hasAccess"]
    assert "hasAccess" in "".join(problems(workplace, {"projects": [project]}))
