"""The two forms of tokens. The claim of the longer one is not signed."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmhost.organizations.access import read_token
from scmhost.organizations.tokens import plain_token, token_with_service
from scmhost.sdk import Organization

ACME = Organization(id=7, slug="acme", name="Acme")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
URL = "https://scmhost.example/base"


def changed(token: str, **claim: Any) -> str:
    """Return a token with another claim and the same secret."""
    prefix, encoded, secret = token.split("_")
    stored = json.loads(base64.b64decode(encoded)) | claim
    return "_".join((prefix, base64.b64encode(json.dumps(stored).encode()).decode(), secret))


def test_a_plain_token_is_read_as_it_was_made() -> None:
    """It names the organization's id."""
    text, digest = plain_token(ACME)
    read = read_token(text)
    assert read is not None
    assert (read.organization, read.digest(7)) == (7, digest)


def test_a_token_with_the_service_has_three_parts() -> None:
    """Clients split it at its two underscores, and read address and organization from the middle."""
    for _ in range(50):
        text, digest = token_with_service(ACME, URL, NOW)
        prefix, encoded, secret = text.split("_")
        assert (prefix, len(secret)) == ("sntrys", 43)
        claim = json.loads(base64.b64decode(encoded))
        assert claim == {"iat": NOW.timestamp(), "url": URL, "region_url": URL, "org": "acme"}
        read = read_token(text)
        assert read is not None
        assert (read.organization, read.digest(7)) == ("acme", digest)


def test_only_organization_and_secret_count() -> None:
    """Another address changes nothing; another organization or another secret is another token."""
    text, digest = token_with_service(ACME, URL, NOW)
    moved = read_token(changed(text, url="https://evil.example", iat=0, more=[1]))
    assert moved is not None
    assert (moved.organization, moved.digest(7)) == ("acme", digest)
    foreign = read_token(changed(text, org="rival"))
    assert foreign is not None
    assert (foreign.organization, foreign.digest(8) != digest) == ("rival", True)
    other = read_token(text[:-1] + ("A" if text[-1] != "A" else "B"))
    assert other is not None
    assert other.digest(7) != digest


@pytest.mark.parametrize(
    "claim",
    [b"", b"[]", b"null", b'{"org": 7}', b'{"org": null}', b'{"org": ""}', b'{"org": "a\\u0000"}', b"{", b"\xff"],
)
def test_a_claim_without_organization_is_no_token(claim: bytes) -> None:
    """What is not an object with a slug is refused."""
    assert read_token(f"sntrys_{base64.b64encode(claim).decode()}_{'a' * 43}") is None


def test_a_deep_claim_is_no_token() -> None:
    """A claim cannot exhaust the stack."""
    assert read_token(f"sntrys_{base64.b64encode(b'[' * 3000).decode()}_{'a' * 43}") is None


@given(st.text() | st.text(alphabet="sntryhomc_=+/0aA").map("sntrys_".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text raises."""
    read = read_token(text)
    assert read is None or read.digest(1)
