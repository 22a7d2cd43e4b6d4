"""Checks of a webhook's signature and secret."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.sdk import ProviderForbidden, check_signature, require_signature, same_secret

BODY = b'{"ref": "refs/heads/main"}'
SIGNATURE = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()

# Headers may contain lone surrogates.
texts = st.text(st.characters(), max_size=80)


@pytest.mark.parametrize("given", [SIGNATURE, f"sha256={SIGNATURE}", f"sha256={SIGNATURE.upper()}", f" {SIGNATURE} "])
def test_a_valid_signature_is_accepted(given: str) -> None:
    """The signature may have the prefix sha256=, upper-case digits and blanks around it."""
    assert check_signature("s3cret", BODY, given)


@pytest.mark.parametrize(
    ("secret", "body", "given"),
    [
        ("other", BODY, SIGNATURE),
        ("s3cret", BODY + b" ", SIGNATURE),
        ("s3cret", BODY, ""),
        ("s3cret", BODY, "sha256="),
        ("s3cret", BODY, SIGNATURE[:-1]),
        ("s3cret", BODY, f"sha1={hmac.new(b's3cret', BODY, hashlib.sha1).hexdigest()}"),
        ("", BODY, hmac.new(b"", BODY, hashlib.sha256).hexdigest()),
    ],
)
def test_an_invalid_signature_is_refused(secret: str, body: bytes, given: str) -> None:
    """A signature is valid for one secret, one body and SHA-256 only; an empty secret accepts nothing."""
    assert not check_signature(secret, body, given)


def test_the_first_header_of_a_delivery_has_its_signature() -> None:
    """Hosts that come from each other send several; a text says which one is expected."""
    names = ("x-new-signature", "x-old-signature")
    require_signature({"x-old-signature": SIGNATURE}, BODY, "s3cret", *names)
    require_signature({"x-new-signature": SIGNATURE, "x-old-signature": "0"}, BODY, "s3cret", *names)
    for headers in ({}, {"x-new-signature": "0", "x-old-signature": SIGNATURE}, {"x-new-signature": ""}):
        with pytest.raises(ProviderForbidden, match="X-New-Signature or X-Old-Signature is missing, or was made"):
            require_signature(headers, BODY, "s3cret", *names)


@pytest.mark.parametrize(("secret", "given", "same"), [("é", "é", True), ("a", "b", False), ("a", "", False)])
def test_secrets_are_compared(secret: str, given: str, same: bool) -> None:
    """Only an equal secret is accepted."""
    assert same_secret(secret, given) is same


def test_an_empty_secret_accepts_nothing() -> None:
    """An empty secret is not equal to itself."""
    assert not same_secret("", "")


@given(secret=texts, body=st.binary(max_size=40), sent=texts)
def test_random_input_is_refused(secret: str, body: bytes, sent: str) -> None:
    """For any text in a header, the answer is a boolean and no error."""
    assert not check_signature(secret, body, sent)
    assert same_secret(secret, sent) is (bool(secret) and secret == sent)
