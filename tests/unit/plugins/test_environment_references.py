"""Environment references in settings: which tables are references, and how their values are used."""

from typing import Any

import pytest
from pydantic import JsonValue

from scmhost.plugins import ConfigError
from scmhost.plugins.config.reading import settings_of
from scmhost.plugins.config.redaction import secrets_of, with_environment_names
from scmhost.plugins.config.schema import environment_references, with_values

ENVIRON = {"TOKEN_1": "hunter2-hunter2", "EMPTY": ""}
TABLE = ("plugins", "x", "settings")


def read(text: str) -> tuple[dict[str, Any], Any]:
    """The settings of plugin x as they are written, and with their values."""
    settings = settings_of(f"[plugins.x]\n{text}\n".encode(), "plugins.toml", ENVIRON)
    written = settings.of("x").settings
    return written, with_values(written, TABLE, settings.source)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('settings = { a = { env = "TOKEN_1" } }', {"a": "hunter2-hunter2"}),
        ('[plugins.x.settings]\na = { env = "TOKEN_1" }', {"a": "hunter2-hunter2"}),
        ('settings = { a = { b = { env = "TOKEN_1" } }, c = 1 }', {"a": {"b": "hunter2-hunter2"}, "c": 1}),
        ('settings = { a = [{ env = "TOKEN_1" }, "x"] }', {"a": ["hunter2-hunter2", "x"]}),
        ('[[plugins.x.settings.a]]\nb = { env = "TOKEN_1" }', {"a": [{"b": "hunter2-hunter2"}]}),
        # A plugin's own settings with names like these.
        ('settings = { a = { env = "production" } }', {"a": {"env": "production"}}),
        ('settings = { a = { env = "TOKEN_1", b = 1 } }', {"a": {"env": "TOKEN_1", "b": 1}}),
        ("settings = { a = { env = 1 } }", {"a": {"env": 1}}),
        ('[plugins.x.settings.a]\nenv = "TOKEN_1"', {"a": {"env": "TOKEN_1"}}),
        ('[[plugins.x.settings.a]]\nenv = "TOKEN_1"', {"a": [{"env": "TOKEN_1"}]}),
        ('settings = { env = "TOKEN_1" }', {"env": "TOKEN_1"}),
    ],
)
def test_which_tables_are_references(text: str, values: dict[str, Any]) -> None:
    """A table in one line with the key env alone and a name in capitals; any other is a setting of the plugin's."""
    assert read(text)[1] == values


@pytest.mark.parametrize("name", ["ABSENT", "EMPTY"])
def test_unset_variables_are_reported_with_their_lines(name: str) -> None:
    """The error has the key, its line and the variable. An empty variable counts as not set."""
    with pytest.raises(ConfigError) as caught:
        read(f'[plugins.x.settings]\na = 1\nb = {{ c = {{ env = "{name}" }} }}')
    problem = f"plugins.toml:4: plugins.x.settings.b.c: the environment has no {name}; set {name} where this process"
    assert str(caught.value).startswith(problem)


def test_values_are_secrets() -> None:
    """The value of a reference is a secret under any key; the variable's name is shown instead."""
    written, _ = read('settings = { a = { env = "TOKEN_1" } }')
    assert secrets_of(written) == {"hunter2-hunter2"}
    assert [(place, repr(item)) for place, item in environment_references(written)] == [
        (("a",), "(from the environment TOKEN_1)")
    ]
    assert "hunter2" not in repr(written)


def test_values_are_hidden_under_every_key() -> None:
    """The value is hidden also where the plugin's model stores it under another key."""
    written, _ = read('settings = { a = { env = "TOKEN_1" }, b = { c = { env = "TOKEN_1" } }, d = 1 }')
    redacted: dict[str, JsonValue] = {
        "a": "(hidden)",
        "b": {"c": "hunter2-hunter2"},
        "url": ["x?hunter2-hunter2"],
        "d": 1,
    }
    named = "(from the environment TOKEN_1)"
    assert with_environment_names(redacted, written) == {"a": named, "b": {"c": named}, "url": ["x?(hidden)"], "d": 1}
