"""Links that open a local file in an editor, for ``scmhost link --editor``.

Only this option makes links with another scheme than http and https: a repository cannot choose one.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from scmhost.frames import FrameMatch
from scmhost.infra.errors import ScmhostError
from scmhost.mapping.file_tree import FileTree
from scmhost.sdk.reasons import Reason

from .formats import LinkedFrame, frame_facts
from .git import git_output
from .links import CheckoutLinker, LinkerInputs, checkout_roots, mapping_index
from .summary import LinkCounts
from .targets import CheckoutLink
from .worktree import read_checkout

_LOCAL_FILES: Final = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")

_FILE: Final = "://file/{path}:{line}:{column}"
_OPEN: Final = "://open?file={path}&line={line}&column={column}"
_OPEN_URL: Final = "://open?url=file://{path}&line={line}&column={column}"
_JETBRAINS: Final = ("clion", "goland", "idea", "phpstorm", "pycharm", "rider", "rubymine", "rustrover", "webstorm")
_VSCODE: Final = ("cursor", "vscode", "vscode-insiders", "vscodium", "windsurf", "zed")
# The schemes that the editors register themselves; "emacs" and "subl" need a small handler program.
EDITORS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: name + _FILE for name in _VSCODE},
        **{name: name + _OPEN for name in _JETBRAINS},
        "emacs": "emacs" + _OPEN_URL,
        "macvim": "mvim://open/?url=file://{path}&line={line}&column={column}",
        "nova": "nova://core/open/file?filename={path}&line={line}&column={column}",
        "sublime": "subl" + _OPEN_URL,
        "textmate": "txmt" + _OPEN_URL,
    }
)
_FIELD: Final = re.compile(r"\{(\w*)\}")
_FIELDS: Final = frozenset({"path", "line", "column"})
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*(?=://)")
# A browser would run their text.
_SCRIPTS: Final = frozenset({"javascript", "vbscript", "data", "blob"})
_VISIBLE: Final = re.compile(r"[!-~]+")


class UnknownEditor(ScmhostError):
    """The value of ``--editor`` is neither an editor nor a template."""


@dataclass(frozen=True, slots=True)
class EditorTemplate:
    """A URL template with ``{path}``, ``{line}`` and ``{column}``."""

    text: str

    def url(self, path: str, line: int | None, column: int | None) -> str:
        """Return the URL of an absolute path; an unknown line or column is 1."""
        # "vscode://file/{path}" has the leading slash itself, "file://{path}" does not.
        own_slash = re.search(r"[^/]/\{path\}", self.text) is not None
        values = {
            "path": quote(path.lstrip("/") if own_slash else path, safe="/:", errors="surrogateescape"),
            "line": str(line or 1),
            "column": str(column or 1),
        }
        return _FIELD.sub(lambda field: values[field[1]], self.text)


def editor_template(value: str) -> EditorTemplate:
    """Return the template of an editor's name, or a template itself.

    Raises:
        UnknownEditor: the value is neither.
    """
    text = EDITORS.get(value.lower(), value)
    if "{" not in text and "://" not in text:
        raise UnknownEditor(f"--editor {value!r}: choose {', '.join(sorted(EDITORS))}, or a URL with {{path}}")
    unknown = next((name for name in _FIELD.findall(text) if name not in _FIELDS), None)
    if unknown is not None:
        raise UnknownEditor(f"--editor {value!r}: {{{unknown}}} is none of {{path}}, {{line}} and {{column}}")
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[0] in _SCRIPTS or "{path}" not in text or not _VISIBLE.fullmatch(text):
        raise UnknownEditor(f"--editor {value!r}: write a URL such as vscode://file/{{path}}:{{line}}:{{column}}")
    return EditorTemplate(text)


class EditorLinks:
    """Links frames to the files on disk, also to new and edited ones. A remote is not needed."""

    facts: Mapping[str, object] = MappingProxyType({})

    def __init__(self, template: EditorTemplate, mappings: Sequence[tuple[str, str]] = ()) -> None:
        checkout = read_checkout()
        self._template = template
        files = git_output(checkout.root, *_LOCAL_FILES).split("\0")[:-1]
        inputs = LinkerInputs(
            checkout_roots(checkout),
            checkout.prefix,
            FileTree(files, checkout.prefix),
            LocalFiles(checkout.root),
            mapping_index(mappings, checkout.maps),
        )
        self._linker = CheckoutLinker(inputs)

    def link(self, frames: Sequence[FrameMatch]) -> list[LinkedFrame]:
        """Link frames; the result has their order."""
        links = self._linker.link_all([found.frame for found in frames])
        return [self._linked(found, link) for found, link in zip(frames, links, strict=True)]

    def summary(self, counts: LinkCounts) -> list[str]:
        """Return the summary in sentences."""
        return counts.lines()

    def _linked(self, found: FrameMatch, link: CheckoutLink) -> LinkedFrame:
        frame = found.frame
        url = self._template.url(link.url, frame.line, frame.column) if link.url else None
        facts = {
            **frame_facts(found),
            "sourcePath": link.path,
            "url": url,
            "confidence": link.confidence,
            "reason": link.reason,
            "message": link.message or None,
            "nextStep": link.next_step or None,
        }
        return LinkedFrame(found, url, facts, link.reason or "", link.message, link.next_step, link.ignored)


class LocalFiles:
    """Files below a folder: their absolute paths take the place of URLs."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")

    def link(self, found: CheckoutLink, path: str, line: int | None) -> CheckoutLink:
        """Add the absolute path of a file, or the reason why it cannot be opened."""
        if not self._exists(path):
            return found.refused(Reason.FILE_NOT_FOUND, f"{path} was deleted")
        return found._replace(url=f"{self._root}/{path}", line=line)

    def on_disk(self, path: str) -> CheckoutLink | None:
        """Return a file that git does not list, such as an ignored one, or None if there is no such file."""
        return CheckoutLink(path=path, confidence="high") if self._exists(path) else None

    def _exists(self, path: str) -> bool:
        return os.path.isfile(f"{self._root}/{path}")  # noqa: PTH113 - importing pathlib takes longer than this check
