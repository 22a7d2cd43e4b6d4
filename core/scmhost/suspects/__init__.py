"""Rank the commits that may have introduced an error, from its trace and the changes of commits. Pure: no I/O."""

from .ranking import rank
from .values import Answer, Blame, Change, Confidence, Question, Region, Suspect, TraceFrame

__all__ = ["Answer", "Blame", "Change", "Confidence", "Question", "Region", "Suspect", "TraceFrame", "rank"]
