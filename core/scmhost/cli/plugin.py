"""``scmhost plugin``: write a new plugin from the templates in ``scaffold/``, and check a plugin."""

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import click

from scmhost import __version__
from scmhost.infra.errors import ScmhostError
from scmhost.sdk import API_VERSION

from .context import SuggestingGroup, echo, echo_error, fail, json_option

# The packages of the extra "testing".
_TESTING: Final = ("pytest", "hypothesis")
_PREFIX: Final = re.compile(r"^scmhost[-_ .]+", re.IGNORECASE)
_KEY: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
# The key is part of URLs and of names of settings.
_MAX_KEY: Final = 40
# Template files that are written to another path.
_PATHS: Final[Mapping[str, str]] = {
    "gitignore": ".gitignore",
    "workflow.yml": ".github/workflows/test.yml",
}


@click.group(name="plugin", cls=SuggestingGroup)
def command() -> None:
    """Write a plugin, or check one against the contract."""


@command.command(name="new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), metavar="FOLDER", help="The folder (default: scmhost-NAME).")
def new(name: str, into: Path | None) -> None:
    """Write the distribution of a new plugin into a new or empty folder.

    NAME is the name of the code host, such as gitbox. The plugin works and its tests pass at once. The word YOURS
    marks what you have to decide.
    """
    try:
        names = Names.of(name)
        folder = into or Path(names.distribution)
        files = write_plugin(names, folder)
    except ScmhostError as error:
        fail(str(error))
    for path in files:
        echo(f"wrote {path}")
    echo_error(
        f"\n{names.distribution} works, for a code host that does not exist. Next:\n"
        f"  cd {folder}\n"
        "  python -m pip install --editable '.[test]'\n"
        "  pytest\n"
        "  grep -rn YOURS .    the decisions that are left to you"
    )


@command.command(name="check")
@click.argument("plugin")
@click.option(
    "--samples", type=click.Path(path_type=Path), metavar="FILE", help="A TOML file with realistic values; see above."
)
@click.option("--check", "names", multiple=True, metavar="NAME", help="Run only this check; repeatable.")
@click.option("--markdown", is_flag=True, help="Print only the table of capabilities, for a README.")
@json_option
def check(plugin: str, samples: Path | None, names: tuple[str, ...], *, markdown: bool, as_json: bool) -> None:
    """Validate an installed PLUGIN as the host does, then run every conformance check on it.

    PLUGIN is the name of its distribution or of its entry point. The checks work offline: connections beyond this
    machine are refused.

    The file of --samples contains values that must be realistic: the tables settings (such as a required token),
    form, installation, repository and push (body, headers, secret), and the keys provider and hosts. A server on
    127.0.0.1 that it names gets thousands of requests.
    """
    # Imported here: the checks need the extra "testing", and "plugin new" does not.
    try:
        from .plugin_check import CheckOptions, check_plugin
    except ModuleNotFoundError as error:
        if error.name not in _TESTING:
            raise
        fail(str(error))
    check_plugin(CheckOptions(plugin, samples, names, as_json=as_json, markdown=markdown))


class BadName(ScmhostError):
    """The name is not valid for a plugin."""


class NotEmpty(ScmhostError):
    """The folder is not empty; nothing was written."""


@dataclass(frozen=True, slots=True)
class Names:
    """A plugin's name in each of its spellings."""

    key: str
    title: str

    @classmethod
    def of(cls, text: str) -> "Names":
        """Derive the names from a typed one: ``Git Box``, ``git-box`` and ``scmhost-git-box`` are the same.

        Raises:
            BadName: a package cannot have this name.
        """
        words = re.split(r"[-_ .]+", _PREFIX.sub("", text.strip()))
        key = "_".join(words).lower()
        if not _KEY.fullmatch(key) or len(key) > _MAX_KEY:
            raise BadName(
                f"a plugin cannot be named {text!r}; begin with a letter, use ASCII letters, digits, blanks, - and _, "
                f"and at most {_MAX_KEY} of them, for example: scmhost plugin new gitbox"
            )
        if keyword.iskeyword(key) or key == "scmhost":
            raise BadName(f"a plugin cannot be named {text!r}, which is reserved; use the name of the code host")
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
        """Return the values of the placeholders ``@name@`` in the templates."""
        return {
            "key": self.key,
            "title": self.title,
            "distribution": self.distribution,
            "package": self.package,
            "api": API_VERSION,
            # A plugin supports one major version of the API.
            "next_api": str(int(API_VERSION.partition(".")[0]) + 1),
            "scmhost": __version__,
        }


def write_plugin(names: Names, folder: Path) -> list[Path]:
    """Write the distribution and return its files, sorted.

    Raises:
        NotEmpty: the folder exists and is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotEmpty(f"{folder} is not empty; nothing was written. Choose another folder with --into")
    # All templates are rendered before the first file is written, so that an error leaves no half of a plugin.
    files = {folder / path: text for path, text in _files(names)}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(files)


def _files(names: Names) -> Iterator[tuple[str, str]]:
    values = names.values()
    root = resources.files(__package__).joinpath("scaffold")
    for path, file in _walk(root, ""):
        text = re.sub(r"@(\w+)@", lambda match: values[match[1]], file.read_text(encoding="utf-8"))
        yield _PATHS.get(path, re.sub(r"^src/", f"src/{names.package}/", path)), text
    yield f"src/{names.package}/py.typed", ""


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        # The suffix keeps linters and type checkers away from the templates.
        elif entry.name.endswith(".in"):
            yield f"{prefix}{entry.name.removesuffix('.in')}", entry
