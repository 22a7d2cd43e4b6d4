"""The tokens of URL templates, in the order in which a person meets them."""

from collections.abc import Iterator, Mapping
from typing import Final

from scmhost.sdk.templates import NUMBER_TOKENS, TEXT_TOKENS

from .markdown import code

_MEANING: Final[Mapping[str, str]] = {
    "repo_url": "the repository's URL, without a `.git` at its end; may begin a template",
    "base_url": "scheme and host of that URL; may begin a template",
    "repo_path": "the rest of that URL",
    "owner": "the rest of that URL without its last segment",
    "repo": "its last segment",
    "ref": "the branch, tag or commit",
    "ref_full": "the ref with its name space: `refs/heads/main`, `refs/tags/v1`, or the commit as it is",
    "branch": "the ref, if it is a branch",
    "tag": "the ref, if it is a tag",
    "commit": "the ref, if it is a commit; on a commit's page its sha",
    "path": "the file's path in the repository",
    "dir": "the path without the file's name",
    "filename": "the file's name",
    "line": "the first line, counted from 1",
    "end_line": "the last line, if there are several",
    "last_line": "the last line, even if it is the first",
    "line_count": "how many lines there are",
    "column": "the column, counted from 1",
    "base": "on a page of a comparison: the older commit",
    "head": "on a page of a comparison: the newer commit",
}


def token_rows() -> Iterator[tuple[str, str]]:
    """Each token with its meaning.

    Raises:
        LookupError: a token has no meaning here, or a meaning no token.
    """
    odd = _MEANING.keys() ^ (TEXT_TOKENS | NUMBER_TOKENS)
    if odd:
        raise LookupError(f"tokens without a meaning, or the other way round: {', '.join(sorted(odd))}")
    for name, meaning in _MEANING.items():
        yield code(f"{{{name}}}"), meaning
