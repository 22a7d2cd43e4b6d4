"""Rules of what users send about commits: payloads, ranges of refs, and the issues that a message names."""

from .drafts import tidy
from .payload import CommitList, newest_first, read_commits
from .ranges import read_range
from .references import issue_ids

__all__ = ["CommitList", "issue_ids", "newest_first", "read_commits", "read_range", "tidy"]
