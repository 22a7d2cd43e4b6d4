"""A plugin that adds a command."""

from collections.abc import Sequence

from scmhost.sdk import Command, hookimpl


def greet(words: list[str]) -> int:
    print("hello", *words)  # noqa: T201 - a command prints
    return len(words)


@hookimpl
def scm_register_commands() -> Sequence[Command]:
    return [Command(name="greet", summary="Say hello.", run=greet)]
