"""The suite as a class of tests: what a plugin's author derives from."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

import pytest

from .book import BY_NAME, LAWS
from .examination import Examination
from .laws import Finding, Law
from .reports import Report
from .samples import PushSample, Samples, Waiver

REPORTS: Final[dict[str, Report]] = {}
"""The reports of this test run, by the test class."""


class ProviderConformance:
    """Asks a plugin about every law of the contract, one test for each.

    Derive a class whose name begins with ``Test``, and set:

    Attributes:
        plugin: the plugin's module or object, or the name of its entry point.
        provider: the key of the provider to ask about; empty for the first.
        settings: what an operator would write under ``settings`` in plugins.toml.
        form: what a person fills into the install form; required fields that are left out are made up.
        installation: fields of the installation, such as its external_id and configuration, for a plugin whose
            scm_install asks its host; those that are left out are taken from the form. Used when no host answers.
        repository: fields of the repository that is added, such as ``name`` and ``url``.
        hosts: base URLs that links may lead to, beside those of the form, the settings and the repository.
        push: a ``PushSample``: a good delivery of a push webhook.
        examples: how many inputs are drawn for a law.
        waived: laws that are not kept yet: ``{"links-read-back": Waiver("why", until=date(2027, 3, 1))}``. A law that
            is kept after all, or whose day is over, fails.
    """

    plugin: ClassVar[object] = None
    provider: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Any]] = {}
    form: ClassVar[Mapping[str, Any]] = {}
    installation: ClassVar[Mapping[str, Any]] = {}
    repository: ClassVar[Mapping[str, Any]] = {}
    hosts: ClassVar[tuple[str, ...]] = ()
    push: ClassVar[PushSample | None] = None
    examples: ClassVar[int] = 50
    waived: ClassVar[Mapping[str, Waiver]] = {}

    _examination: ClassVar[Examination | None] = None

    def __init_subclass__(cls) -> None:
        """Refuse a class in which a law could go missing unseen."""
        super().__init_subclass__()
        if "test_law" in vars(cls):
            raise TypeError(f"{cls.__name__}.test_law stands in for the laws; write waived = {{...}} to leave one out")
        unknown = sorted(set(cls.waived) - BY_NAME.keys())
        if unknown:
            raise TypeError(f"{cls.__name__}.waived: no law is named {unknown[0]!r}; the laws are {', '.join(BY_NAME)}")

    @pytest.mark.parametrize("law", LAWS, ids=[law.name for law in LAWS])
    def test_law(self, law: Law) -> None:
        """The plugin keeps the law."""
        finding = _judged(self._of_class().ask(law), self.waived.get(law.name))
        self._of_class().report.findings[-1] = finding
        _ENDS.get(finding.verdict, _nothing)(finding)

    @classmethod
    def _of_class(cls) -> Examination:
        found = vars(cls).get("_examination")
        if found is None:
            found = cls._examination = Examination(cls._samples())
            REPORTS[f"{cls.__module__}.{cls.__qualname__}"] = found.report
        examination: Examination = found
        return examination

    @classmethod
    def _samples(cls) -> Samples:
        if cls.plugin is None:
            raise TypeError(f"{cls.__name__}.plugin is not set; name the plugin's module, or its entry point")
        return Samples(
            plugin=cls.plugin,
            provider=cls.provider,
            settings=cls.settings,
            form=cls.form,
            installation=cls.installation,
            repository=cls.repository,
            hosts=cls.hosts,
            push=cls.push,
            examples=cls.examples,
        )


def _judged(finding: Finding, waiver: Waiver | None) -> Finding:
    """A finding in the light of a waiver: one that is not needed any more is broken itself."""
    if waiver is None or finding.verdict == "not declared":
        return finding
    until = f"waived until {waiver.until}: {waiver.reason}"
    if finding.verdict == "kept":
        return Finding(finding.law, "broken", f"  but     it is kept, and still {until}; take the waiver away")
    if waiver.until < datetime.now(UTC).date():
        return Finding(finding.law, "broken", f"{finding.text}\n  note    it was {until}")
    return Finding(finding.law, "waived", until)


def _nothing(_finding: Finding) -> None:
    """The law is kept."""


def _fail(finding: Finding) -> None:
    pytest.fail(finding.report, pytrace=False)


def _skip(finding: Finding) -> None:
    pytest.skip("\n\n".join(filter(None, [f"{finding.verdict}: {finding.text}", finding.cause])))


def _expect(finding: Finding) -> None:
    pytest.xfail(finding.text)


_ENDS: Final = {"broken": _fail, "not declared": _skip, "unreached": _skip, "waived": _expect}
