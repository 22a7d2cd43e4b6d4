"""The results of a run as text, as a Markdown table for a README, and as data."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from scmhost.sdk import API_VERSION

from .checks import CheckResult, Outcome

_CAPABILITIES: Final = (
    ("installation", ("scm_install",)),
    ("offers repositories", ("scm_offer_repositories",)),
    ("adds repositories", ("scm_dispatch_repository",)),
    ("serializes repositories", ("scm_serialize_repository",)),
    ("links to source", ("scm_source_url",)),
    ("links by templates", ("scm_url_templates",)),
    ("reads pasted links", ("scm_read_source_url",)),
    ("links to commits", ("scm_commit_url",)),
    ("links to comparisons", ("scm_compare_url",)),
    ("checks that files exist", ("scm_file_exists",)),
    ("resolves refs", ("scm_resolve_ref",)),
    ("fetches commits", ("scm_compare_commits",)),
    ("push webhooks", ("scm_read_push",)),
    ("listens to changes", ("scm_repository_saved", "scm_commits_saved")),
    ("starts and stops", ("scm_startup", "scm_shutdown")),
    ("commands", ("scm_register_commands",)),
)

_NOT_KEPT: Final[tuple[Outcome, ...]] = ("violated", "waived", "not run")


@dataclass(slots=True)
class ConformanceReport:
    """The results for one provider of a plugin, in the order of the checks. ``total`` is the number of all checks."""

    plugin: str
    provider: str
    declared: frozenset[str]
    total: int
    results: list[CheckResult] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Default values that the suite used, and why."""

    @property
    def violations(self) -> list[CheckResult]:
        """The results of violated checks."""
        return [one for one in self.results if one.outcome == "violated"]

    @property
    def passed(self) -> bool:
        """Whether no check is violated, and every check that applies was run."""
        return not any(one.outcome in ("violated", "not run") for one in self.results)

    def markdown(self) -> str:
        """Return the table of capabilities, for the plugin's README."""
        rows = ["| capability | hooks | checks |", "| --- | --- | --- |"]
        for name, hooks in _CAPABILITIES:
            rows.append(f"| {name} | {', '.join(f'`{hook}`' for hook in hooks)} | {self._cell(hooks)} |")
        return "\n".join([*rows, "", f"{self.summary()} API {API_VERSION}."])

    def summary(self) -> str:
        """Return one sentence with the number of checks by outcome."""
        applicable = [one for one in self.results if one.outcome != "not declared"]
        counts = {outcome: len(_names(applicable, outcome)) for outcome in ("kept", *_NOT_KEPT)}
        counted = [f"{count} {outcome}" for outcome, count in counts.items() if count or outcome == "kept"]
        return f"{len(applicable)} of {self.total} checks: {', '.join(counted)}."

    def data(self) -> dict[str, Any]:
        """Return the results as JSON values."""
        checks = [
            {
                "check": one.check.name,
                "outcome": one.outcome,
                "text": one.text,
                **({"cause": one.cause} if one.cause else {}),
            }
            for one in self.results
        ]
        notes = {"notes": self.notes} if self.notes else {}
        return {"plugin": self.plugin, "provider": self.provider, "api": API_VERSION, "checks": checks, **notes}

    def _cell(self, hooks: tuple[str, ...]) -> str:
        if not self.declared & set(hooks):
            return "not declared"
        own = [one for one in self.results if set(one.check.hooks) & set(hooks) and one.outcome != "not declared"]
        names = {outcome: _names(own, outcome) for outcome in _NOT_KEPT}
        faults = "; ".join(f"{outcome}: {', '.join(several)}" for outcome, several in names.items() if several)
        return faults or (f"{len(own)} kept" if own else "general checks only")


def _names(results: Iterable[CheckResult], outcome: Outcome) -> list[str]:
    return [one.check.name for one in results if one.outcome == outcome]
