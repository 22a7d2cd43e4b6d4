"""The conformance suite: checks that a plugin keeps the contract.

    from scmhost.sdk.testing import ProviderConformance

    class TestMine(ProviderConformance):
        plugin = "mine"

``scmhost plugin check`` runs the same checks without a test file. Both need the extra ``scmhost[testing]``.
"""

from importlib.util import find_spec

for _package in ("pytest", "hypothesis"):
    if find_spec(_package) is None:
        raise ModuleNotFoundError(
            f"scmhost.sdk.testing needs {_package}, which is not installed; run: pip install 'scmhost[testing]'",
            name=_package,
        )

from .checks import Check, CheckResult  # noqa: E402 - a missing package is reported first
from .runner import CHECKS, REPORTS, ConformanceReport, ConformanceRun, ProviderConformance  # noqa: E402
from .samples import FileSample, PushSample, Samples, Waiver  # noqa: E402

__all__ = [
    "CHECKS",
    "REPORTS",
    "Check",
    "CheckResult",
    "ConformanceReport",
    "ConformanceRun",
    "FileSample",
    "ProviderConformance",
    "PushSample",
    "Samples",
    "Waiver",
]
