"""The tokens of URL templates with their meaning."""

from collections.abc import Iterator, Mapping
from typing import Final

from scmhost.sdk.urls.templates import NUMBER_TOKENS, TEXT_TOKENS

from .markdown import code

_MEANING: Final[Mapping[str, str]] = {
    "repo_url": "the repository's URL, without a final `.git`; may start a template",
    "base_url": "the part of that URL that all repositories of the host share; may start a template",
    "scheme": "`http` or `https`",
    "web_host": "the host name",
    "port": "the port, if the URL has one",
    "prefix": "the path of the base URL, such as `/git`, or empty",
    "repo_path": "the repository's path on its host; `{repo_path:1}` is its first segment, `{repo_path:-1}` its last",
    "owner": "`repo_path` without its last segment; if it is empty, the slash after it is omitted, too",
    "owner_first": "the first segment of the owner",
    "owner_last": "the last segment of the owner",
    "repo": "the last segment of `repo_path`",
    "org": "the organization, if the host has organizations; otherwise the first segment of the owner",
    "project": "the project, if the host has projects; otherwise the last segment of the owner",
    "account": "the account, if the host has accounts",
    "region": "the region, if the host has regions",
    "callsign": "the callsign, if the host has callsigns",
    "ref": "the branch, tag or commit",
    "ref_kind": "`branch`, `tag` or `commit`",
    "ref_full": "the full ref: `refs/heads/main`, `refs/tags/v1`, or the commit",
    "branch": "the ref, if it is a branch",
    "tag": "the ref, if it is a tag",
    "commit": "the ref, if it is a commit; in a commit URL, its sha",
    "changelist": "the same as `commit`; the term of Perforce",
    "changeset": "the same as `commit`; the term of other systems",
    "default_branch": "the repository's default branch, if known",
    "blob": "the id of the file's content, if known",
    "file_rev": "the revision of the file, if known",
    "path": "the file's path in the repository",
    "dir": "the path without the file name",
    "filename": "the file name",
    "stem": "the file name without its last extension",
    "ext": "the last extension of the file name",
    "filename_slug": "the file name in lower case, with dashes instead of other characters",
    "line": "the first line, counted from 1",
    "end_line": "the last line, if there are several lines",
    "last_line": "the last line, also if there is only one",
    "line_count": "the number of lines",
    "column": "the column, counted from 1",
    "end_column": "the column where the last line ends",
    "base": "in a comparison: the older commit",
    "head": "in a comparison: the newer commit",
    "number": "in a change request: its number",
}


def token_rows() -> Iterator[tuple[str, str]]:
    """Yield each token with its meaning.

    Raises:
        LookupError: a token has no meaning here, or a meaning has no token.
    """
    odd = _MEANING.keys() ^ (TEXT_TOKENS | NUMBER_TOKENS)
    if odd:
        raise LookupError(f"_MEANING and the tokens of the SDK differ: {', '.join(sorted(odd))}")
    for name, meaning in _MEANING.items():
        yield code(f"{{{name}}}"), meaning
