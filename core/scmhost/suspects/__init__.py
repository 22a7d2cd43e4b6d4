"""Rank the commits that may have introduced an error, from its trace and the changes of commits. Pure: no I/O."""

from .ranking import rank
from .values import Answer, Blame, Change, CodeFrame, Confidence, Region, Suspect, SuspectQuestion

__all__ = ["Answer", "Blame", "Change", "CodeFrame", "Confidence", "Region", "Suspect", "SuspectQuestion", "rank"]
