"""The secrets of an installation, and those among the fields of a model."""

import json
import pickle
from typing import Annotated, Any, Generic, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field, Secret, SecretBytes, SecretStr, ValidationError

from scmhost.sdk import Installation, InstallationDraft, RefreshedCredentials
from scmhost.sdk.secrets import LONGEST_SECRET, MOST_CHARACTERS, MOST_SECRETS, enclosed_secrets, secret_fields

T = TypeVar("T")
FIELDS = {"id": 1, "organization_id": 1, "provider": "x", "name": "n", "external_id": "1"}
TOKEN = "a-token-of-the-forge"


def installation(**fields: Any) -> Installation:
    return Installation.model_validate({**FIELDS, **fields})


@pytest.mark.parametrize(
    "value",
    [
        installation(secrets={"token": TOKEN}),
        InstallationDraft(name="n", external_id="1", secrets={"token": SecretStr(TOKEN)}),
        RefreshedCredentials(secrets={"token": SecretStr(TOKEN)}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_secrets_are_not_part_of_texts_and_dumps(value: Any) -> None:
    """A value shows no secret by accident; the hook reads it by its name."""
    shown = [repr(value), str(value), repr(value.secrets), repr(value.model_dump()), value.model_dump_json()]
    assert TOKEN not in "".join(shown)
    assert "secrets" not in value.model_dump()
    with pytest.raises(TypeError):
        json.dumps(value.secrets)
    with pytest.raises(TypeError):
        value.secrets["token"] = SecretStr("x")
    for copy in (value.model_copy(), type(value).model_validate(value), pickle.loads(pickle.dumps(value))):  # noqa: S301
        assert copy.secrets["token"].get_secret_value() == TOKEN


@pytest.mark.parametrize(
    ("secrets", "problem"),
    [
        ({f"n{number}": "x" for number in range(MOST_SECRETS + 1)}, "at most 20 secrets"),
        ({"token": ""}, "1 to 16,384 characters"),
        ({"token": "x" * (LONGEST_SECRET + 1)}, "1 to 16,384 characters"),
        ({f"n{number}": "x" * LONGEST_SECRET for number in range(MOST_CHARACTERS // LONGEST_SECRET + 1)}, "together"),
        ({TOKEN + "!": "name"}, "the name of a secret"),
        ({"": TOKEN}, "the name of a secret"),
        ({5: TOKEN}, "the name of a secret"),
        ({"token": 5}, "each secret is a SecretStr"),
        ({"token": None}, "each secret is a SecretStr"),
        ([TOKEN], "a mapping of names"),
        (TOKEN, "a mapping of names"),
    ],
)
def test_wrong_secrets_are_refused_without_repeating_them(secrets: Any, problem: str) -> None:
    """Number, sizes and names have bounds; the error has neither names nor values."""
    with pytest.raises(ValidationError) as refusal:
        InstallationDraft(name="n", external_id="1", secrets=secrets)
    assert problem in str(refusal.value)
    assert TOKEN not in str(refusal.value)


class Inner(BaseModel):
    token: SecretStr


class Box(BaseModel, Generic[T]):
    value: T


class Recursive(BaseModel):
    inner: "Recursive | None" = None
    names: list[str] = []


class Everything(BaseModel):
    plain: str = ""
    secret: SecretStr
    optional: SecretStr | None = None
    old_style: Optional[Annotated[SecretStr, Field(min_length=3)]] = None  # noqa: UP045 - as authors write it
    several: list[SecretStr] = []
    by_name: dict[str, SecretStr] = {}
    inner: Inner | None = None
    boxed: Box[SecretStr] | None = None
    either: SecretStr | int = 1
    data: SecretBytes | None = None
    number: Secret[int] | None = None
    recursive: Recursive | None = None


def test_secret_fields_of_a_model() -> None:
    """A field that is a SecretStr can be stored as a secret; a secret inside of another value cannot."""
    assert secret_fields(Everything) == {"secret", "optional", "old_style"}
    assert enclosed_secrets(Everything) == ["several", "by_name", "inner", "boxed", "either", "data", "number"]
