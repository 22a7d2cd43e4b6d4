"""Safe texts of what plugins raise, and the line where it happened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError, field_validator

from hosting import GOOD, host_of
from scmhost.plugins import PluginFault
from scmhost.plugins.config.reading import problems_of
from scmhost.plugins.config.schema import Source
from scmhost.plugins.errors import Origin
from scmhost.plugins.isolation.faults import (
    LONGEST_TEXT,
    exception_text,
    kind_and_detail,
    location_text,
    safe_provider_error,
    safe_text,
)
from scmhost.plugins.isolation.guard import Guard
from scmhost.sdk import ProviderError, ProviderForbidden, ProviderUnavailable


@pytest.mark.parametrize(
    ("file", "shown_file"),
    [
        ("/venv/lib/site-packages/quarry/client.py", "quarry/client.py"),
        ("/venv/lib/site-packages/quarry.py", "quarry.py"),
        ("/home/ada/quarry/src/quarry/client.py", "quarry/client.py"),
        ("/elsewhere/quarry/client.py", "/elsewhere/quarry/client.py"),
    ],
)
def test_a_file_is_named_from_its_package_on(monkeypatch: pytest.MonkeyPatch, file: str, shown_file: str) -> None:
    """The folders that modules are imported from are left out, the innermost one where they are nested."""
    monkeypatch.setattr("sys.path", ["", "/home/ada", "/venv/lib", "/home/ada/quarry/src", "/venv/lib/site-packages"])
    assert location_text(file, 7) == f" ({shown_file}:7)"


class Raising(ProviderForbidden):
    """Its text cannot be read."""

    def __str__(self) -> str:
        raise SystemExit("even here")


class Text(str):
    """A text with methods of its own."""

    __slots__ = ()

    def __len__(self) -> int:
        raise SystemExit("even here")


class Subclassed(ProviderUnavailable):
    """Its text is an object of the plugin's."""

    def __str__(self) -> str:
        return Text("the forge is down")


class Meta(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise SystemExit("even here")


class Nameless(Exception, metaclass=Meta):
    """Its class has a name that raises."""


@given(st.text(st.characters()) | st.binary().map(repr))
def test_safe_text_can_be_encoded_and_has_no_control_characters(text: str) -> None:
    """Every text can be sent, stored and printed."""
    safe = safe_text(text + "\ud800\x1b[31m\x00")
    safe.encode()
    assert [mark for mark in safe if not mark.isprintable() and ord(mark) < 0xA0 and mark not in "\n\t"] == []


def test_safe_text_is_cut_and_names_its_size() -> None:
    """A text of five megabytes is cut to a page."""
    text = safe_text("x" * 5_000_000)
    assert (text[:LONGEST_TEXT], text[LONGEST_TEXT:]) == ("x" * LONGEST_TEXT, " ... (5,000,000 characters)")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no\ud800page"), "ValueError: no\\ud800page"),
        (Raising(), "Raising: a text that cannot be printed"),
        (Subclassed(), "Subclassed: the forge is down"),
        (KeyError(), "KeyError"),
    ],
)
def test_text_of_an_exception(error: Exception, text: str) -> None:
    """The text has the type of the exception, also if reading its own text raises."""
    assert exception_text(error) == text


def test_class_name_that_raises_is_no_problem() -> None:
    """A metaclass of the plugin does not run."""
    assert kind_and_detail(Nameless("odd")) == ("raised", "raised Nameless: odd")


@pytest.mark.parametrize("error", [ProviderError("no such page"), ProviderUnavailable("later"), ProviderForbidden()])
def test_harmless_errors_pass_as_they_are(error: ProviderError) -> None:
    """An error of the SDK with a plain text is not replaced."""
    text = str(error)
    safe = safe_provider_error(error)
    assert (type(safe), str(safe)) == (type(error), text)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (Raising(), ProviderForbidden, "a text that cannot be printed"),
        (Subclassed(), ProviderUnavailable, "the forge is down"),
        (ProviderError("\ud800"), ProviderError, "\\ud800"),
        (ProviderError("a", "b"), ProviderError, "('a', 'b')"),
        (ProviderError("x" * 9_000), ProviderError, "x" * LONGEST_TEXT + " ... (9,000 characters)"),
    ],
    ids=["raises", "subclass of str", "surrogate", "two texts", "long"],
)
def test_errors_on_purpose_have_a_safe_text(error: ProviderError, kind: type[ProviderError], text: str) -> None:
    """The caller gets the nearest class of the SDK, with a text that can be shown."""
    safe = safe_provider_error(error)
    assert (type(safe), str(safe), type(str(safe))) == (kind, text, str)


def test_attributes_with_plain_values_are_kept() -> None:
    """A later contract may give an error a time to wait for."""
    error = Raising()
    vars(error).update(retry_after=30, response=object())
    assert vars(safe_provider_error(error)) == {"retry_after": 30}


@pytest.mark.parametrize("expected", [(ProviderError,), ()])
def test_guard_lets_no_unsafe_text_through(expected: tuple[type[Exception], ...]) -> None:
    """Expected errors and faults alike have a safe text once they have left the guard."""

    def fail() -> None:
        raise Raising

    guard = Guard()
    with pytest.raises((ProviderForbidden, PluginFault)) as caught:
        guard.run(Origin("forge", "acme-forge", "scm_install"), fail, 5.0, expected)
    guard.close()
    assert "a text that cannot be printed" in str(caught.value)


class Form(BaseModel):
    """A form whose validator writes any text."""

    name: str

    @field_validator("name")
    @classmethod
    def _refuse(cls, name: str) -> str:
        raise ValueError(name)


def unprintable_form() -> type[BaseModel]:
    class Odd(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def _refuse(cls, _name: str) -> str:
            class Odd(ValueError):
                def __str__(self) -> str:
                    raise RuntimeError("no text")

            raise Odd

    return Odd


@pytest.mark.parametrize(("given_text", "shown"), [("\x1b[31m", "\\x1b[31m"), ("x" * 9_000, " ... (9,0")])
def test_errors_of_forms_have_safe_texts(given_text: str, shown: str) -> None:
    """What a validator writes is made safe; the kind of the error and its field stay."""
    with host_of({"good_forge": GOOD}) as host:
        calls = host.calls("good_forge")
        assert calls is not None
        with pytest.raises(ValidationError) as caught:
            calls.read_form(Form, {"name": given_text})
        (error,) = caught.value.errors()
        assert (error["type"], error["loc"], shown in error["msg"]) == ("value_error", ("name",), True)
        with pytest.raises(ValidationError) as caught:
            calls.read_form(Form, {})
        assert [(item["type"], item["msg"]) for item in caught.value.errors()] == [("missing", "Field required")]
        with pytest.raises((PluginFault, ValidationError)) as refused:
            calls.read_form(unprintable_form(), {"name": "x"})
        assert len(str(refused.value)) < LONGEST_TEXT


def test_problems_of_settings_have_safe_texts() -> None:
    """A validator of a plugin's settings writes into the reason why it is broken."""
    with pytest.raises(ValidationError) as caught:
        Form(name="\x1b" + "x" * 9_000)
    (problem,) = problems_of(caught.value, Source(), ("plugins", "forge", "settings"), Form)
    str(problem).encode()
    assert len(str(problem)) < LONGEST_TEXT * 1.2
