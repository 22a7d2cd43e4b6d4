"""Encryption with keys of the operator."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from scmhost.infra.secret_box import NO_KEYS, KeyLost, SecretBox, is_key, new_key

FIRST, SECOND = SecretStr(new_key()), SecretStr(new_key())


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_decrypted(text: str) -> None:
    """Every text comes back; what is stored does not contain it."""
    box = SecretBox([FIRST])
    encrypted = box.encrypt(text)
    assert box.decrypt(encrypted) == text
    assert len(text) < 5 or text not in encrypted


def test_first_key_encrypts_and_all_decrypt() -> None:
    """A key can be changed without a moment in which something cannot be read."""
    old, both, new = SecretBox([FIRST]), SecretBox([SECOND, FIRST]), SecretBox([SECOND])
    assert both.decrypt(old.encrypt("x")) == new.decrypt(both.encrypt("x")) == "x"
    assert (both.key_id, old.key_id) == (new.key_id, SecretBox([FIRST, SECOND]).key_id)
    with pytest.raises(KeyLost):
        new.decrypt(old.encrypt("x"))


def test_changed_text_is_refused() -> None:
    """A text that was changed, or that is none of the box, is like one whose key is lost."""
    box = SecretBox([FIRST])
    for text in (box.encrypt("x")[:-8] + "AAAAAAA=", "", "x", "é"):
        with pytest.raises(KeyLost):
            box.decrypt(text)


def test_without_keys_nothing_is_possible() -> None:
    """A host without keys can neither encrypt nor decrypt."""
    assert NO_KEYS.key_id is None
    for call in (NO_KEYS.encrypt, NO_KEYS.decrypt):
        with pytest.raises(KeyLost):
            call("x")


def test_keys_are_not_shown() -> None:
    """Neither the text of a box nor the id of its key reveals a key."""
    key = FIRST.get_secret_value()
    assert key not in f"{SecretBox([FIRST])!r} {SecretBox([FIRST]).key_id}"


def test_form_of_keys() -> None:
    """A new key is a key; other texts are none."""
    assert is_key(new_key())
    assert not any(map(is_key, ("", "x", new_key()[:-1], new_key() + "=", new_key()[:-2] + "+=")))
