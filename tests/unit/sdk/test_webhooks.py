"""How a webhook shows that its sender knows the secret."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.sdk import check_signature, same_secret

BODY = b'{"ref": "refs/heads/main"}'
SIGNATURE = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()

# Headers may hold what is no text: halves of characters too.
texts = st.text(st.characters(), max_size=80)


@pytest.mark.parametrize("given", [SIGNATURE, f"sha256={SIGNATURE}", f"sha256={SIGNATURE.upper()}", f" {SIGNATURE} "])
def test_a_signature_of_the_body_fits(given: str) -> None:
    """Hosts write the same signature with or without its kind."""
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
def test_any_other_signature_does_not_fit(secret: str, body: bytes, given: str) -> None:
    """A signature is of one secret, one body and one kind; an empty secret is none."""
    assert not check_signature(secret, body, given)


@pytest.mark.parametrize(("secret", "given", "same"), [("é", "é", True), ("a", "b", False), ("a", "", False)])
def test_a_secret_that_is_sent_is_compared(secret: str, given: str, same: bool) -> None:
    """A host that sends the secret itself must send this one."""
    assert same_secret(secret, given) is same


def test_an_empty_secret_is_nobodys() -> None:
    """Who sends nothing knows nothing."""
    assert not same_secret("", "")


@given(secret=texts, body=st.binary(max_size=40), sent=texts)
def test_rubbish_is_answered_with_no(secret: str, body: bytes, sent: str) -> None:
    """Whatever a header holds, it is refused and nothing breaks."""
    assert not check_signature(secret, body, sent)
    assert same_secret(secret, sent) is (bool(secret) and secret == sent)
