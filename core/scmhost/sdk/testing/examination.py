"""Asks a plugin about all laws."""

from collections.abc import Iterator
from dataclasses import replace

from .book import BY_NAME, LAWS
from .breaches import Breach
from .laws import Finding, Law, ask
from .reports import Report
from .samples import Samples
from .subject import Subject


class Examination:
    """One provider of a plugin, and what was found about it so far."""

    def __init__(self, samples: Samples) -> None:
        self.subject = Subject(samples)
        name = self.subject.module or str(samples.plugin)
        self.report = Report(name, samples.provider or self._first_provider(), self.subject.declared, len(LAWS))

    def ask(self, law: Law) -> Finding:
        """Ask about one law."""
        finding = ask(law, self.subject)
        if finding.first:
            finding = self._settled(finding)
        self.report.notes[:] = self.subject.notes
        finding = _noted(finding, self.subject.notes)
        self.report.findings.append(finding)
        return finding

    def _settled(self, finding: Finding) -> Finding:
        """A law that meets a breach of another one is open; if the other did not see it, the breach is its own."""
        known = {one.law.name: one for one in self.report.findings}
        first = known.get(finding.first) or ask(BY_NAME[finding.first], self.subject)
        if first.verdict == "kept":
            return Finding(finding.law, "broken", finding.text)
        cause = "" if first.law.name in known else first.report or first.text
        return Finding(finding.law, "unreached", f"{finding.first} is broken first", finding.first, cause)

    def all(self) -> Iterator[Finding]:
        """Ask about all laws, one after the other."""
        for law in LAWS:
            yield self.ask(law)

    def _first_provider(self) -> str:
        try:
            return self.subject.provider.key
        except Breach:
            return ""


def _noted(finding: Finding, notes: list[str]) -> Finding:
    """A finding with what the suite had to make up for it."""
    if finding.verdict != "broken" or not notes:
        return finding
    return replace(finding, text="\n".join([finding.text, *(f"  note    {note}" for note in notes)]))
