"""What asking about a plugin's laws brought, for its author, for its README, and for machines."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from scmhost.sdk import API_VERSION

from .laws import Finding

_CAPABILITIES: Final = (
    ("installation", ("scm_install",)),
    ("offers repositories", ("scm_offer_repositories",)),
    ("adds repositories", ("scm_dispatch_repository",)),
    ("shapes repositories", ("scm_serialize_repository",)),
    ("links to source", ("scm_source_url",)),
    ("links by templates", ("scm_url_templates",)),
    ("reads pasted links", ("scm_read_source_url",)),
    ("pages of commits", ("scm_commit_url",)),
    ("pages of comparisons", ("scm_compare_url",)),
    ("knows whether files exist", ("scm_file_exists",)),
    ("resolves refs", ("scm_resolve_ref",)),
    ("fetches commits", ("scm_compare_commits",)),
    ("push webhooks", ("scm_read_push",)),
    ("listens to changes", ("scm_repository_saved", "scm_commits_saved")),
    ("starts and stops", ("scm_startup", "scm_shutdown")),
    ("commands", ("scm_register_commands",)),
)


@dataclass(slots=True)
class Report:
    """The findings about one provider of a plugin, in the order of the laws."""

    plugin: str
    provider: str
    declared: frozenset[str]
    total: int
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What the suite had to make up, and why."""

    @property
    def broken(self) -> list[Finding]:
        """The laws that are broken."""
        return [one for one in self.findings if one.verdict == "broken"]

    @property
    def is_kept(self) -> bool:
        """Whether nothing is broken, and nothing was left open."""
        return not self.broken and not any(one.verdict == "unreached" for one in self.findings)

    def markdown(self) -> str:
        """The table of capabilities, for the plugin's README."""
        rows = ["| capability | hooks | laws |", "| --- | --- | --- |"]
        for name, hooks in _CAPABILITIES:
            rows.append(f"| {name} | {', '.join(f'`{hook}`' for hook in hooks)} | {self._of(hooks)} |")
        return "\n".join([*rows, "", f"{self.summary()} API {API_VERSION}."])

    def summary(self) -> str:
        """One sentence: how many laws, and what became of them."""
        asked = [one for one in self.findings if one.verdict != "not declared"]
        told = [f"{len(asked)} of {self.total} laws asked", f"{_count(asked, 'kept')} kept"]
        told += [f"{_count(asked, word)} {word}" for word in ("broken", "waived", "unreached") if _count(asked, word)]
        return f"{', '.join(told)}."

    def data(self) -> dict[str, Any]:
        """The findings for machines."""
        laws = [
            {
                "law": one.law.name,
                "verdict": one.verdict,
                "text": one.text,
                **({"cause": one.cause} if one.cause else {}),
            }
            for one in self.findings
        ]
        told = {"notes": self.notes} if self.notes else {}
        return {"plugin": self.plugin, "provider": self.provider, "api": API_VERSION, "laws": laws, **told}

    def _of(self, hooks: tuple[str, ...]) -> str:
        if not self.declared & set(hooks):
            return "not declared"
        own = [one for one in self.findings if set(one.law.hooks) & set(hooks) and one.verdict != "not declared"]
        told = {word: _names(own, word) for word in ("broken", "waived", "unreached")}
        wrong = "; ".join(f"{word}: {', '.join(names)}" for word, names in told.items() if names)
        return wrong or (f"{len(own)} kept" if own else "those of every call")


def _count(findings: Iterable[Finding], verdict: str) -> int:
    return len(_names(findings, verdict))


def _names(findings: Iterable[Finding], verdict: str) -> list[str]:
    return [one.law.name for one in findings if one.verdict == verdict]
