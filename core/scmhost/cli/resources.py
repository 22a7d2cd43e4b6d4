"""Commands for what an organization has: one small function per verb, over the REST API.

A group describes its kind of object once, in a ``Resource``. Its verbs get an ``OrganizationApi``, which is a server
or the local database, and return the JSON of an answer. Options, output and names instead of ids are the same in all.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Any, Final, TypeAlias, TypeVar

import click

from scmhost.infra.errors import InvalidInput, NotFound

from .api_client import OrganizationApi, segment
from .context import EXIT_FAILED, CommandContext, SuggestingGroup, echo, echo_error, echo_json, json_option, table
from .targets import TargetOptions, target_options

F = TypeVar("F", bound=Callable[..., Any])

# Wider than any table: a pipe gets whole cells.
_PIPE_COLUMNS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object of the API.

    Attributes:
        noun: what one of them is called: ``repository``.
        path: where they are listed, below the organization: ``repos/``.
        label: the field by which people name one: ``name``.
        columns: the heading of each column of a list, and its field: ``{"PROVIDER": "provider.name"}``.
        details: more fields, which only ``show`` prints.
        key: the field that stands in the path of one object.
        query: parameters that a list needs to contain all objects.
        searched: whether a list can be limited to names that contain a text.
    """

    noun: str
    path: str
    label: str
    columns: Mapping[str, str]
    details: Mapping[str, str] = field(default_factory=dict)
    key: str = "id"
    query: Mapping[str, str] | None = None
    searched: bool = False

    def all(self, api: OrganizationApi, **query: Any) -> Sequence[Any]:
        """Return all objects."""
        return api.list(self.path, **{**(self.query or {}), **query})

    def find(self, api: OrganizationApi, name: str, **query: Any) -> Any:
        """Return the object with this name or id.

        Raises:
            NotFound: there is none, with the most similar name; or there are several with this name.
        """
        if self.searched:
            # The list of all has ids, and names that are similar.
            with suppress(NotFound):
                return self.among(self.all(api, **query, query=name), name)
        return self.among(self.all(api, **query), name)

    def one(self, api: OrganizationApi, name: str) -> Any:
        """Return the object whose name is a part of its path.

        Raises:
            NotFound: there is none, with the most similar name among the newest.
        """
        try:
            return api.get(f"{self.path}{segment(name)}/")
        except NotFound:
            # It raises as well, unless another request has just made it.
            return self.among(api.get(self.path, per_page=100), name)

    def among(self, objects: Sequence[Any], name: str) -> Any:
        """Return the one of the objects that has this name or id."""
        from scmhost.sdk.validation import did_you_mean

        named = [one for one in objects if str(one[self.label]).lower() == name.lower()]
        # A name of digits is rare, but it wins: an id is what lists do not show.
        found = named or [one for one in objects if str(one["id"]) == name]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(str(one["id"]) for one in found)
            raise NotFound(f"several have the name {name!r}; give the id of one: {ids}")
        raise NotFound(f"there is no {self.noun} {name!r}; {did_you_mean(name, {str(o[self.label]) for o in objects})}")

    def only(self, api: OrganizationApi, name: str | None) -> Any:
        """Return the object that an option names; without it, the only one there is."""
        objects = self.all(api)
        if name is None and len(objects) != 1:
            known = ", ".join(sorted(str(one[self.label]) for one in objects)[:20])
            raise NotFound(f"name one with --{self.noun}: {known}" if objects else f"there is no {self.noun} yet")
        return objects[0] if name is None else self.among(objects, name)

    def place(self, found: Mapping[str, Any], rest: str = "") -> str:
        """Return the path of an object, and of what is below it."""
        return f"{self.path}{segment(found[self.key])}/{rest}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A table of a part of an answer.

    Attributes:
        columns: the heading of each column, and its field.
        rows: the field with the rows, or an empty text for the whole answer.
        nothing: what is printed if there are no rows.
        fails: whether an answer means that the command has failed.
    """

    columns: Mapping[str, str]
    rows: str = ""
    nothing: str = "None."
    fails: Callable[[Any], bool] = lambda _answer: False


Output: TypeAlias = str | Shown | Callable[[Any], str]
"""How an answer is printed: a format of its fields, a table of a part of it, or a text that a function makes of it."""


class ResourceGroup(SuggestingGroup):
    """The commands for one kind of object."""

    def __init__(self, name: str, summary: str, resource: Resource) -> None:
        super().__init__(name, help=summary)
        self.resource = resource

    def verb(self, name: str, scope: str, shown: "Output" = "", *, writes: bool = True) -> Callable[[F], F]:
        """Add a function as a command: ``function(api, **options)`` returns JSON.

        Args:
            name: the verb.
            scope: the scope that a token needs.
            shown: what is printed instead of JSON; by default the list or the object, with the resource's columns.
            writes: whether it changes something.
        """

        def add(function: F) -> F:
            def call(
                context: CommandContext, *, org: str | None, where: TargetOptions, as_json: bool, **options: Any
            ) -> None:
                with where.api(context, org, writes=writes) as api:
                    self.show(function(api, **options), shown, as_json=as_json)

            # The options that decorate the function are attributes of it.
            named: Callable[..., Any] = update_wrapper(call, function)
            command = org_option(target_options(scope)(json_option(click.pass_obj(named))))
            self.add_command(click.command(name)(command))
            return function

        return add

    def show(self, value: Any, shown: "Output" = "", *, as_json: bool) -> None:
        """Print a value, and its notes on standard error. Exit with 1 if it is a failure."""
        if as_json:
            echo_json(value)
        elif isinstance(shown, Shown):
            show_table(shown.columns, value[shown.rows] if shown.rows else value, shown.nothing)
        elif callable(shown):
            echo(shown(value))
            return
        elif shown:
            echo(plain(shown.format_map(value)))
        elif isinstance(value, Sequence):
            show_table(self.resource.columns, value, f"No {self.name}.")
        else:
            show_fields({**self.resource.columns, **self.resource.details}, value)
        for note in () if as_json or not isinstance(value, dict) else value.get("notes") or ():
            echo_error(str(note))
        if isinstance(shown, Shown) and shown.fails(value):
            sys.exit(EXIT_FAILED)

    def add_list(self, scope: str) -> None:
        """Add the verb that lists all objects."""

        def list_all(api: OrganizationApi) -> Any:
            return self.resource.all(api)

        list_all.__doc__ = "List all of them."
        self.verb("list", scope, writes=False)(list_all)

    def add_show(self, scope: str) -> None:
        """Add the verb that shows one object."""

        @click.argument("name", metavar="NAME")
        def show(api: OrganizationApi, name: str) -> Any:
            return self.resource.find(api, name)

        show.__doc__ = f"Show one {self.resource.noun}, by its {self.resource.label} or id."
        self.verb("show", scope, writes=False)(show)

    def add_remove(self, scope: str, done: str, summary: str) -> None:
        """Add the verb that removes one object."""

        @click.argument("name", metavar="NAME")
        def remove(api: OrganizationApi, name: str) -> Any:
            found = self.resource.find(api, name)
            return found | (api.delete(self.resource.place(found)) or {})

        remove.__doc__ = summary
        self.verb("remove", scope, done)(remove)


def confirm_option(command: F) -> F:
    """Add the option that answers the question of ``confirm_removal``."""
    return click.option("--confirm", metavar="NAME", help="The name again; without it, the command asks for it.")(
        command
    )


def confirm_removal(name: str, goes_with_it: Mapping[str, int], confirm: str | None) -> None:
    """Check that a person has typed the name of what is to be deleted. Without it, print what is lost, and ask.

    Raises:
        InvalidInput: it is another name, or there is no terminal to ask at.
    """
    if confirm is None:
        lost = ", ".join(f"{what} ({count:,})" for what, count in goes_with_it.items() if count)
        echo_error(f"With {name} go: {lost or 'no other rows'}.")
        if not sys.stdin.isatty():
            raise InvalidInput(f"to delete {name} without a terminal, add --confirm {name}")
        confirm = click.prompt(f"Type {name} to delete it", err=True)
    if confirm != name:
        raise InvalidInput(f"{confirm!r} is not the name: {name!r} is not deleted")


def removal_text(noun: str, name: str, due: str | None) -> str:
    """Return a sentence with the outcome of a request to delete something."""
    if due is None:
        return f"{noun.capitalize()} {name} is deleted."
    return f"{noun.capitalize()} {name} will be deleted at {due}. To keep it: scmhost {noun}s keep {name}"


def org_option(command: F) -> F:
    """Add the option that names the organization."""
    return click.option(
        "--org",
        "--organization",
        "org",
        metavar="SLUG",
        envvar="SCMHOST_ORG",
        help="The organization (default: that of the token, or the only one of the database).",
    )(command)


def show_table(columns: Mapping[str, str], rows: Sequence[Any], nothing: str) -> None:
    """Print a table. On a terminal it fits the width; elsewhere no cell is cut."""
    if not rows:
        echo(nothing)
        return
    cells = [[field_text(row, path) for path in columns.values()] for row in rows]
    for line in table(list(columns), cells, columns=None if sys.stdout.isatty() else _PIPE_COLUMNS):
        echo(line)


def show_fields(fields: Mapping[str, str], value: Any) -> None:
    """Print fields of an object, one on a line."""
    longest = max(map(len, fields))
    for title, path in fields.items():
        echo(f"{title.lower():<{longest}}  {field_text(value, path)}")


def field_text(value: Any, path: str) -> str:
    """Return the text of a field, such as ``provider.name``; of a list, those of its items."""
    for name in path.split("."):
        if isinstance(value, list):
            value = [item.get(name) for item in value]
        else:
            value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    if isinstance(value, dict):
        value = ", ".join(f"{name}={item}" for name, item in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(str(value)) if value not in (None, "") else "-"


def plain(text: str) -> str:
    """Return a text for one line of a terminal: names may contain anything that a code host allows."""
    from scmhost.checkout.formats import printable

    return printable(text).replace("\n", " ")


def read_pairs(context: click.Context, parameter: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    """Return the values of an option of the form NAME=VALUE, as its callback."""
    pairs = read_roots(context, parameter, texts)
    if "" in pairs:
        raise click.BadParameter(f"'={pairs['']}' has no name before the =")
    return pairs


def read_roots(_context: click.Context, _parameter: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    """Return arguments of the form STACK_ROOT=SOURCE_ROOT, as their callback. Both roots may be empty."""
    pairs = {}
    for text in texts:
        root, given, value = text.partition("=")
        if not given:
            raise click.BadParameter(f"{text!r} has no =")
        pairs[root] = value
    return pairs
