"""Redaction: which settings are shown, and which are hidden."""

import json
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, SecretBytes, SecretStr

from hosting import ACME, enabled, host_of, report_of
from scmhost.plugins import PluginFault, Settings
from scmhost.plugins.config.redaction import HIDDEN, UNKNOWN, is_secret_name, secrets_of, settings_of_unloaded, shown
from scmhost.sdk import NoFields


class Colour(Enum):
    RED = "red"


class Inner(BaseModel):
    url: str = "https://ada:hunter2@git.example.com/x"
    api_token: str = "hunter2"


class OwnText:
    """A type of the plugin's own, whose text is its code."""

    def __str__(self) -> str:
        raise AssertionError


class Everything(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    retries: int = 3
    ratio: Decimal = Decimal("0.5")
    wait: timedelta = timedelta(seconds=2)
    folder: Path = Path("/srv")
    colour: Colour = Colour.RED
    inner: Inner = Inner()
    many: list[Inner] = [Inner()]
    table: dict[str, str] = {"name": "x", "password": "hunter2"}
    marked: SecretStr = SecretStr("hunter2")
    marked_bytes: tuple[SecretBytes, ...] = (SecretBytes(b"hunter2"),)
    webhookKey: str = "hunter2"  # noqa: N815 - the case of names differs from plugin to plugin
    private_key: str | None = None
    own: OwnText = OwnText()
    own_secret: OwnText = OwnText()


def test_secrets_are_hidden_by_type_name_and_url() -> None:
    """Secrets are found by type, by name, and as the login of a URL; all other values are shown."""
    found = shown(Everything())
    assert "hunter2" not in json.dumps(found)
    inner = {"url": f"https://{HIDDEN}@git.example.com/x", "api_token": HIDDEN}
    assert found == {
        "retries": 3,
        "ratio": "0.5",
        "wait": "0:00:02",
        "folder": "/srv",
        "colour": "red",
        "inner": inner,
        "many": [inner],
        "table": {"name": "x", "password": HIDDEN},
        "marked": HIDDEN,
        "marked_bytes": [HIDDEN],
        "webhookKey": HIDDEN,
        "private_key": None,
        "own": "(OwnText)",
        "own_secret": HIDDEN,
    }


@pytest.mark.parametrize(
    "name", ["token", "API_KEY", "apiKey", "HTTPPassword", "client-secret", "db.dsn", "AUTH", "oauth_token2", "pat"]
)
def test_names_of_secrets(name: str) -> None:
    """The words of a name are compared, in any spelling."""
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["retries", "monkey", "tokenizer", "path", "author", "keyboard", "spin"])
def test_names_that_only_look_alike(name: str) -> None:
    """A part of a word does not count."""
    assert not is_secret_name(name)


@pytest.mark.thorough
@given(st.dictionaries(st.text(), st.recursive(st.text() | st.integers(), st.lists), max_size=4))
def test_without_its_model_no_value_is_shown(settings: dict[str, Any]) -> None:
    """Only the model of a loaded plugin marks its secrets: otherwise the names are shown alone."""
    assert settings_of_unloaded(settings) == dict.fromkeys(settings, UNKNOWN)


class Circle(BaseModel):
    next: Any = None


def test_cycle_ends() -> None:
    """Values that refer to each other are cut at a depth."""
    circle = Circle()
    circle.next = circle
    assert '"next": "..."' in json.dumps(shown(circle))


def test_secret_in_the_text_of_a_fault_is_hidden() -> None:
    """A secret setting is in no answer, log or report, also if the plugin raises it."""
    secrets = {"pass_phrase": "correct horse", "api_token": "hunter2-hunter2", "region": "Europe"}
    settings = Settings(plugins={"leaky": enabled(settings=secrets)})
    with host_of({"leaky": "plugins.leaky"}, settings) as host:
        calls = host.calls("leaky")
        assert calls is not None
        with pytest.raises(PluginFault) as caught:
            calls.install(calls.read_form(NoFields, {}), ACME)
        assert f"Europe refused {HIDDEN} of {HIDDEN}" in str(caught.value)
        assert report_of(host, "leaky").settings == {"pass_phrase": HIDDEN, "api_token": HIDDEN, "region": "Europe"}


def test_secrets_of_a_cycle_come_to_an_end() -> None:
    """The search for secrets visits each value once."""
    circle = Circle()
    circle.next = [circle, {"token": "hunter2-hunter2", "next": circle}]
    assert secrets_of(circle) == {"hunter2-hunter2"}


def test_redaction_has_a_recursion_bound() -> None:
    """Settings that are nested deeper than Python may recurse are cut."""
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    circle = Circle(next=deep)
    assert '"..."' in json.dumps(shown(circle))
    assert secrets_of(circle) == frozenset()
    # Taken apart level by level: the interpreter frees a deep list recursively.
    while isinstance(deep, list):
        deep = deep.pop()


def test_values_that_multiply_are_cut() -> None:
    """A list that contains one other list many times, at each level, does not fill the memory."""
    value: Any = ["x"]
    for _ in range(9):
        value = [value] * 100
    text = json.dumps(shown(Circle(next=value)))
    assert len(text) < 500_000


class Disguised(str):
    """A text that runs the plugin's code."""

    __slots__ = ()
    __module__ = "builtins"

    def __str__(self) -> str:
        raise AssertionError


def test_subclass_of_a_plain_type_runs_no_code() -> None:
    """Only exact types are shown, even if a class claims to be from another module."""
    assert shown(Circle(next=Disguised("x"))) == {"next": "(Disguised)"}
    assert secrets_of({"token": Disguised("hunter2-hunter2")}) == {"hunter2-hunter2"}
