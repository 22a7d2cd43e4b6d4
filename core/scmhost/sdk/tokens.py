"""The tokens of the template language, by where their values come from."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

# These stand for configured, checked URLs and are the only ones that may begin a template.
ROOT_TOKENS: Final = frozenset({"repo_url", "base_url"})
# The parts of the base URL. They need no escaping.
HOST_TOKENS: Final = frozenset({"scheme", "web_host", "port", "prefix"})
REPOSITORY_TOKENS: Final = (
    ROOT_TOKENS
    | HOST_TOKENS
    | {"repo_path", "owner", "owner_first", "owner_last", "repo", "org", "project", "account", "region", "callsign"}
)
REF_TOKENS: Final = frozenset(
    {
        "ref",
        "ref_kind",
        "ref_full",
        "branch",
        "tag",
        "commit",
        "changelist",
        "changeset",
        "blob",
        "file_rev",
        "default_branch",
        "base",
        "head",
    }
)
FILE_TOKENS: Final = frozenset({"path", "dir", "filename", "stem", "ext", "filename_slug"})
TEXT_TOKENS: Final = REPOSITORY_TOKENS | REF_TOKENS | FILE_TOKENS
NUMBER_TOKENS: Final = frozenset({"line", "end_line", "last_line", "line_count", "column", "end_column", "number"})

# Other names of tokens, and how far they count on.
ALIASES: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "line_plus_1": ("line", 1),
        "end_line_plus_1": ("last_line", 1),
        "seed": ("owner", 0),
        "rid": ("repo", 0),
        "gist_id": ("repo", 0),
        "package": ("repo", 0),
        "version": ("ref", 0),
    }
)
# Tokens whose values may hold slashes, and so may be split in more than one way.
LONG_TOKENS: Final = frozenset(
    {
        "prefix",
        "owner",
        "repo_path",
        "ref",
        "ref_full",
        "branch",
        "tag",
        "default_branch",
        "base",
        "head",
        "path",
        "dir",
    }
)

PageName = Literal[
    "view", "blame", "raw", "tree", "history", "edit", "pinned", "root", "commit", "compare", "change_request"
]
PAGE_NAMES: Final[tuple[PageName, ...]] = get_args(PageName)
# Pages that show a file or a folder at a ref; the most telling first.
FILE_PAGES: Final = PAGE_NAMES[:7]
