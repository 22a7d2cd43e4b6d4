"""Writes a new plugin's distribution from the files in ``scaffold/``."""

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from scmhost import __version__
from scmhost.infra.errors import ScmhostError
from scmhost.sdk import API_VERSION

_PREFIX: Final = re.compile(r"^scmhost[-_ .]+", re.IGNORECASE)
_KEY: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST: Final = 40
# Where a file belongs; the others keep their place.
_PLACES: Final[Mapping[str, str]] = {
    "gitignore": ".gitignore",
    "workflow.yml": ".github/workflows/test.yml",
}


class BadName(ScmhostError):
    """A plugin cannot have this name."""


class NotEmpty(ScmhostError):
    """The folder holds something already; nothing was written."""


@dataclass(frozen=True, slots=True)
class Names:
    """One plugin's name in each of its spellings."""

    key: str
    title: str

    @classmethod
    def of(cls, text: str) -> "Names":
        """The names that follow from what a person typed: ``Git Box``, ``git-box`` and ``scmhost-git-box`` are one.

        Raises:
            BadName: it is none for a package.
        """
        words = re.split(r"[-_ .]+", _PREFIX.sub("", text.strip()))
        key = "_".join(words).lower()
        if not _KEY.fullmatch(key) or len(key) > _LONGEST:
            raise BadName(
                f"a plugin cannot be named {text!r}; begin with a letter, use ASCII letters, digits, blanks, - and _, "
                f"and at most {_LONGEST} of them, for example: scmhost plugin new gitbox"
            )
        if keyword.iskeyword(key) or key == "scmhost":
            raise BadName(f"a plugin cannot be named {text!r}, which has a meaning already; name the code host")
        return cls(key, " ".join(word[:1].upper() + word[1:] for word in words))

    @property
    def distribution(self) -> str:
        """The name on a package index."""
        return f"scmhost-{self.key.replace('_', '-')}"

    @property
    def package(self) -> str:
        """The name in an import."""
        return f"scmhost_{self.key}"

    def values(self) -> Mapping[str, str]:
        """What stands for each word between two @ in the files."""
        return {
            "key": self.key,
            "title": self.title,
            "distribution": self.distribution,
            "package": self.package,
            "api": API_VERSION,
            "next_api": str(int(API_VERSION.partition(".")[0]) + 1),
            "scmhost": __version__,
        }


def write_plugin(names: Names, folder: Path) -> list[Path]:
    """Write the distribution; gives the files, by name.

    Raises:
        NotEmpty: the folder is not new and not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotEmpty(f"{folder} holds something already; nothing was written. Choose another with --into")
    files = {folder / place: text for place, text in _files(names)}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(files)


def _files(names: Names) -> Iterator[tuple[str, str]]:
    values = names.values()
    root = resources.files(__package__).joinpath("scaffold")
    for place, file in _walk(root, ""):
        text = re.sub(r"@(\w+)@", lambda found: values[found[1]], file.read_text(encoding="utf-8"))
        yield _PLACES.get(place, re.sub(r"^src/", f"src/{names.package}/", place)), text
    yield f"src/{names.package}/py.typed", ""


def _walk(folder: Traversable, before: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{before}{entry.name}/")
        elif entry.name.endswith(".in"):
            yield f"{before}{entry.name.removesuffix('.in')}", entry
