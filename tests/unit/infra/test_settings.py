"""The limits of requests."""

import pytest
from pydantic import ValidationError

from scmhost.infra.settings import Limits


def test_limits_have_defaults() -> None:
    """Every limit and every quota has a default."""
    limits = Limits()
    assert all(value > 0 for value in limits.model_dump(exclude={"quotas"}).values())
    assert all(value > 0 for value in limits.quotas.model_dump(exclude={"organizations"}).values())
    assert limits.quotas.organizations == {}


@pytest.mark.parametrize("fields", [{"body_bytes": 0}, {"page_size": 1001}, {"pages": 3}])
def test_invalid_limits_are_refused(fields: dict[str, int]) -> None:
    """A limit that is out of its bounds, or that does not exist, is refused."""
    with pytest.raises(ValidationError):
        Limits(**fields)
