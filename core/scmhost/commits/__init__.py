"""Rules of what users send about commits: payloads, ranges of refs, and the issues that a message names."""

from .drafts import tidy
from .payload import CommitList, newest_first, read_commits
from .quick import CheckedCommits, commits_of_body
from .ranges import read_range
from .references import issue_ids
from .values import ListedCommit, listed

__all__ = [
    "CheckedCommits",
    "CommitList",
    "ListedCommit",
    "commits_of_body",
    "issue_ids",
    "listed",
    "newest_first",
    "read_commits",
    "read_range",
    "tidy",
]
