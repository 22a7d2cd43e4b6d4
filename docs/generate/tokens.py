"""The tokens of URL templates, in the order in which a person meets them."""

from collections.abc import Iterator, Mapping
from typing import Final

from scmhost.sdk.urls.templates import NUMBER_TOKENS, TEXT_TOKENS

from .markdown import code

_MEANING: Final[Mapping[str, str]] = {
    "repo_url": "the repository's URL, without a `.git` at its end; may begin a template",
    "base_url": "the beginning of that URL that all of the host's repositories share; may begin a template",
    "scheme": "`http` or `https`",
    "web_host": "the host's name",
    "port": "the host's port, if it has one of its own",
    "prefix": "the base URL's path, such as `/git`, or nothing",
    "repo_path": "the repository's path on its host; `{repo_path:1}` is its first segment, `{repo_path:-1}` its last",
    "owner": "that path without its last segment; left out together with the slash after it where there is none",
    "owner_first": "the owner's first segment",
    "owner_last": "the owner's last segment",
    "repo": "the path's last segment",
    "org": "the organization, on hosts that have some; else the owner's first segment",
    "project": "the project, on hosts that have some; else the owner's last segment",
    "account": "the account, on hosts that have some",
    "region": "the region, on hosts that have some",
    "callsign": "the callsign, on hosts that have some",
    "ref": "the branch, tag or commit",
    "ref_kind": "`branch`, `tag` or `commit`",
    "ref_full": "the ref with its name space: `refs/heads/main`, `refs/tags/v1`, or the commit as it is",
    "branch": "the ref, if it is a branch",
    "tag": "the ref, if it is a tag",
    "commit": "the ref, if it is a commit; on a commit's page its sha",
    "changelist": "the same, as Perforce calls it",
    "changeset": "the same, as others call it",
    "default_branch": "the repository's default branch, if it is known",
    "blob": "the id of the file's content, if it is known",
    "file_rev": "the revision of the file alone, if it is known",
    "path": "the file's path in the repository",
    "dir": "the path without the file's name",
    "filename": "the file's name",
    "stem": "the file's name without its last ending",
    "ext": "the last ending of the file's name",
    "filename_slug": "the file's name in lower case, with dashes for all marks",
    "line": "the first line, counted from 1",
    "end_line": "the last line, if there are several",
    "last_line": "the last line, even if it is the first",
    "line_count": "how many lines there are",
    "column": "the column, counted from 1",
    "end_column": "the column at which the last line ends",
    "base": "on a page of a comparison: the older commit",
    "head": "on a page of a comparison: the newer commit",
    "number": "on the page of a change request: its number",
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
