"""Make docs.generate importable: it is at the top of the checkout."""

import sys

from manual import ROOT

sys.path.append(str(ROOT))
