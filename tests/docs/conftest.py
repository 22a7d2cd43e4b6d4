"""Make docs.generate importable: it is at the top of the checkout."""

import sys

from pages import ROOT

sys.path.append(str(ROOT))
