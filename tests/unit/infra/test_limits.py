"""Limits."""

import pytest
from pydantic import ValidationError

from scmhost.infra.limits import Limits


def test_limits_have_defaults() -> None:
    """A service without a word about limits has some."""
    assert all(value > 0 for value in Limits().model_dump().values())


@pytest.mark.parametrize("fields", [{"body_bytes": 0}, {"page_size": 1001}, {"pages": 3}])
def test_odd_limits_are_refused(fields: dict[str, int]) -> None:
    """A limit of nothing, beyond its bounds, or that does not exist is an error."""
    with pytest.raises(ValidationError):
        Limits(**fields)
