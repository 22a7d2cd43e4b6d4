"""The conformance suite: asks a plugin about every law of the contract.

    from scmhost.sdk.testing import ProviderConformance

    class TestMine(ProviderConformance):
        plugin = "mine"

``scmhost plugin check`` asks the same without a test being written. Both need the extra ``scmhost[testing]``.
"""

from importlib.util import find_spec

for _needed in ("pytest", "hypothesis"):
    if find_spec(_needed) is None:
        raise ModuleNotFoundError(
            f"scmhost.sdk.testing needs {_needed}, which is not installed; run: pip install 'scmhost[testing]'",
            name=_needed,
        )

from .book import LAWS  # noqa: E402 - what is missing is told first
from .conformance import REPORTS, ProviderConformance  # noqa: E402
from .examination import Examination  # noqa: E402
from .laws import Finding, Law  # noqa: E402
from .reports import Report  # noqa: E402
from .samples import PushSample, Samples, Waiver  # noqa: E402

__all__ = [
    "LAWS",
    "REPORTS",
    "Examination",
    "Finding",
    "Law",
    "ProviderConformance",
    "PushSample",
    "Report",
    "Samples",
    "Waiver",
]
