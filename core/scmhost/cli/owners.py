"""``scmhost owners``: the owners of files, from CODEOWNERS."""

import json
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Final

import click

from scmhost.infra.errors import InvalidInput
from scmhost.owners import PLACES, Answer, CodeOwners, OwnersDialect, OwnersNotSupported

from .context import EXIT_FAILED, SuggestingGroup, echo, echo_json, json_option, read_input
from .json_lines import LineRequest, answer_lines, refusal

if TYPE_CHECKING:
    from scmhost.checkout.owners import OwnersFile
    from scmhost.checkout.worktree import Checkout

OWNERS_LINES: Final = """
\b
With --jsonl, each line in:  {"dialect", "codeowners", "paths"}
Each line out:               {"owners": [{"path", "owners", "line", "section"}]} or {"error", "reason"}

A path has one entry; in GitLab, one for each section with a rule for it. Without a rule it has no owners, and no line.
"""

dialect_option = click.option(
    "--dialect",
    type=click.Choice([str(dialect) for dialect in OwnersDialect]),
    help="The code host whose rules apply (default: that of the remote).",
)


class OwnersRequest(LineRequest):
    """A CODEOWNERS file, and paths of files."""

    dialect: OwnersDialect
    codeowners: str
    paths: list[str]


class _OwnersGroup(SuggestingGroup):
    """A group whose other words are paths."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_own = args[:1] in ([], ["check"], ["--help"], ["-h"])
        return super().parse_args(ctx, args if is_own else ["of", *args])


@click.group(
    name="owners", cls=_OwnersGroup, epilog=OWNERS_LINES, subcommand_metavar="--jsonl | PATH... | check [FILE]"
)
def owners() -> None:
    """Print the owners of files in this checkout, from CODEOWNERS.

    The file is that of HEAD, in the places and with the rules of the code host that the remote leads to: GitHub,
    GitLab, Bitbucket, Gitea or Forgejo. The answer names the rule's line, and in GitLab its section.

    \b
    Options with files:
      --dialect NAME  The code host whose rules apply (default: that of the remote).
      --ref REF       The commit to read CODEOWNERS from (default: HEAD).
      --json          Print JSON instead of text.
    """  # noqa: D301 - click needs the control character


@owners.command(name="of", hidden=True, epilog=OWNERS_LINES)
@click.argument("paths", nargs=-1)
@dialect_option
@click.option("--ref", metavar="REF", help="The commit, branch or tag to read CODEOWNERS from (default: HEAD).")
@click.option("--jsonl", "jsonl", is_flag=True, help="Read JSON lines from standard input; answer each line.")
@json_option
def owners_of(*, paths: tuple[str, ...], dialect: str | None, ref: str | None, jsonl: bool, as_json: bool) -> None:
    """Print the owners of files in this checkout."""
    if jsonl == bool(paths):
        raise click.UsageError("Name files, or read lines with --jsonl.")
    if jsonl:
        answer_lines(OwnersRequest, _answer)
        return
    from scmhost.checkout.owners import read_owners
    from scmhost.checkout.worktree import read_checkout

    checkout = read_checkout(ref)
    found = read_owners(checkout, OwnersDialect(dialect) if dialect else None)
    names = [_repository_path(checkout, path) for path in paths]
    answers = found.owners.owners_of_all(names)
    if as_json:
        rows = [
            {"path": name, **ownership._asdict()}
            for name, answer in zip(names, answers, strict=True)
            for ownership in answer
        ]
        echo_json({"file": found.path, "dialect": str(found.owners.dialect), "owners": rows})
        return
    for name, answer in zip(names, answers, strict=True):
        for line in _lines(found, name or "./", answer):
            echo(line)


@owners.command()
@click.argument("file", required=False)
@dialect_option
def check(*, file: str | None, dialect: str | None) -> None:
    """Report the lines of CODEOWNERS that the code host skips or misreads.

    FILE is a file, or "-" for standard input (default: the file of this checkout, with its uncommitted changes). Exits
    with 1 if there are any.
    """
    found = _file_to_check(file, OwnersDialect(dialect) if dialect else None)
    for problem in found.owners.problems:
        echo(f"{found.path}:{problem.line}: {problem.message}")
    if found.owners.problems:
        sys.exit(EXIT_FAILED)
    echo(f"{found.path}: {len(found.owners.rules):,} rules, no problem")


def _file_to_check(file: str | None, dialect: OwnersDialect | None) -> "OwnersFile":
    from scmhost.checkout.owners import OwnersFile, checkout_dialect, parse_owners, read_edited_owners
    from scmhost.checkout.worktree import read_checkout

    if file is None:
        return read_edited_owners(read_checkout(), dialect)
    text = read_input(file)
    place = next((place for places in PLACES.values() for place in places if f"/{file}".endswith(f"/{place}")), file)
    return OwnersFile(file, parse_owners(dialect or checkout_dialect(read_checkout(), {place}), text))


def _repository_path(checkout: "Checkout", path: str) -> str:
    """Return a path of the command line, relative to the root of the repository. That of a folder ends in a slash."""
    from pathlib import Path

    named = Path(path)
    # A symbolic link to a file is a file of the repository, too.
    whole = named.resolve() if named.is_dir() else named.parent.resolve() / named.name
    try:
        below = whole.relative_to(Path(checkout.root).resolve())
    except ValueError as error:
        raise InvalidInput(f"{path} is outside of the checkout in {checkout.root}") from error
    return f"{below.as_posix()}/".removeprefix("./") if named.is_dir() else below.as_posix()


def _lines(found: "OwnersFile", path: str, answer: Answer) -> Iterable[str]:
    for ownership in answer:
        names = " ".join(ownership.owners) or "no owner"
        section = f" [{ownership.section}]" if ownership.section is not None else ""
        where = f" ({found.path}:{ownership.line}{section})" if ownership.line else ""
        yield f"{path}: {names}{where}"


@lru_cache(maxsize=8)
def _parsed(dialect: OwnersDialect, text: str) -> CodeOwners:
    # Many lines may have the same file.
    return CodeOwners(dialect, text)


def _answer(request: OwnersRequest) -> str:
    try:
        found = _parsed(request.dialect, request.codeowners).owners_of_all(request.paths)
    except OwnersNotSupported as error:
        return _json(refusal("not_supported", detail=str(error)))
    return f'{{"owners": [{", ".join(_entries(request.paths, found))}]}}'


def _entries(paths: Sequence[str], answers: Sequence[Answer]) -> list[str]:
    """Return the entries of paths as JSON. Answers are few objects, so each is written once."""
    distinct = {id(answer): answer for answer in answers}
    tails = {number: [_tail(*ownership) for ownership in answer] for number, answer in distinct.items()}
    quoted = encode_basestring_ascii
    return [
        f'{{"path": {quoted(path)}{tail}'
        for path, answer in zip(paths, answers, strict=True)
        for tail in tails[id(answer)]
    ]


def _tail(names: Sequence[str], line: int | None, section: str | None) -> str:
    return f', "owners": {_json(names)}, "line": {_json(line)}, "section": {_json(section)}}}'


def _json(value: object) -> str:
    return json.dumps(value)
