"""The documentation's generator lies beside the pages, at the top of the checkout."""

import sys

from manual import ROOT

sys.path.append(str(ROOT))
