"""Sample values of the conformance suite, and its defaults."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr, create_model

from scmhost.sdk import InstallationDraft
from scmhost.sdk.testing.samples import DEFAULT_URL, PushSample, Samples, default_draft, default_fields


class Size(StrEnum):
    """An enumeration, which a JSON schema refers to."""

    SMALL = "small"
    LARGE = "large"


class Inner(BaseModel):
    """A model inside of a form."""

    name: str


class Form(BaseModel):
    """A form with a field of each type."""

    text: str
    url: AnyHttpUrl
    server: str
    email_address: str
    short: Annotated[str, Field(max_length=2)]
    long: Annotated[str, Field(min_length=10)]
    secret: SecretStr
    number: int
    least: Annotated[int, Field(ge=8)]
    above: Annotated[float, Field(gt=8)]
    flag: bool
    several: list[str]
    mapping: dict[str, int]
    size: Size
    fixed: Literal["one"]
    choice: Literal["b", "a"]
    maybe: int | None
    example: Annotated[str, Field(examples=["like this"])]
    optional: str = "default"


EXPECTED: dict[str, Any] = {
    "text": "team",
    "url": DEFAULT_URL,
    "server": DEFAULT_URL,
    "email_address": "ada@example.com",
    "short": "te",
    "long": "teammmmmmm",
    "secret": "team",
    "number": 1,
    "least": 8,
    "above": 9,
    "flag": True,
    "several": [],
    "mapping": {},
    "size": "small",
    "fixed": "one",
    "choice": "b",
    "maybe": 1,
    "example": "like this",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_required_field_gets_a_value_of_its_type(name: str) -> None:
    """The value is chosen by the JSON schema and by the name of the field."""
    assert default_fields(Form)[name] == EXPECTED[name]


def test_the_defaults_are_a_valid_form() -> None:
    """A form is filled in without the author's help; optional fields keep their own defaults."""
    fields = default_fields(Form)
    assert set(fields) == set(EXPECTED)
    assert Form.model_validate(fields).optional == "default"


def test_a_form_without_required_fields_gets_none() -> None:
    """An empty form is valid already."""

    class Empty(BaseModel):
        name: str = "x"

    assert default_fields(Empty) == {}


def test_an_inner_model_gets_an_object() -> None:
    """Required fields of inner models are left to the author."""

    class Outer(BaseModel):
        inner: Inner

    assert default_fields(Outer) == {"inner": {}}


SAMPLES = Samples(plugin=object())


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ({"url": "https://git.example", "team": "core"}, "core"),
        ({"url": "HTTPS://git.example"}, "team"),
        ({"number": 3, "blank": ""}, "team"),
        ({"team": "x" * 300}, "x" * 200),
    ],
)
def test_the_default_installation_is_named_after_the_form(form: dict[str, Any], name: str) -> None:
    """The first text that is no URL is the name; all fields are the configuration."""
    types: dict[str, Any] = {key: (type(value), ...) for key, value in form.items()}
    model = create_model("SampleForm", **types)
    draft = default_draft(SAMPLES, model.model_validate(form))
    assert (draft["name"], draft["external_id"], draft["configuration"]) == (name, name[:64], form)
    InstallationDraft.model_validate(draft)


def test_the_authors_installation_takes_precedence() -> None:
    """Fields of the samples replace the defaults."""
    samples = Samples(plugin=object(), installation={"external_id": "42", "metadata": {"a": 1}})
    draft = default_draft(samples, Inner(name="core"))
    expected = {"name": "core", "external_id": "42", "metadata": {"a": 1}, "configuration": {"name": "core"}}
    assert draft == {**expected, "secrets": {}}


def test_a_push_may_be_signed_for_other_bodies() -> None:
    """A function signs each body; header names are in lower case, as the host passes them."""
    sample = PushSample(body=b"{}", headers=lambda secret, body: {"X-Signature": f"{secret}:{len(body)}"})
    assert sample.signed("k", b"abc") == {"x-signature": "k:3"}


def test_a_recorded_push_keeps_its_headers() -> None:
    """Recorded headers belong to the recorded body and secret."""
    sample = PushSample(body=b"{}", headers={"X-Signature": "recorded"})
    assert sample.signed("other", b"abc") == {"x-signature": "recorded"}
    assert sample.secret


def test_samples_have_defaults() -> None:
    """Only the plugin is required."""
    assert (SAMPLES.provider, SAMPLES.form, SAMPLES.hosts, SAMPLES.push, SAMPLES.examples) == ("", {}, (), None, 50)
