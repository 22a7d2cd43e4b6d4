"""Which organizations a percentage selects."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import case_id, load_cases
from scmhost.plugins.flag_rules import BUCKETS, bucket, murmur3, within

salts = st.text(min_size=1, max_size=40)
ids = st.integers(min_value=1, max_value=2**63 - 1)
percents = st.decimals(min_value=0, max_value=100, places=3)


def included(percent: Decimal, salt: str, organization: int) -> bool:
    """Whether an organization is on at this percentage."""
    return within(percent, bucket(salt, organization))


@pytest.mark.parametrize("case", load_cases("rollout"), ids=case_id)
def test_bucket_never_changes(case: dict[str, Any]) -> None:
    """An organization stays in its bucket on every machine and in every release."""
    assert case["bucket"] == bucket(case["salt"], case["organization"])


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", 0), (b"hello", 0x248BFA47), (b"The quick brown fox jumps over the lazy dog", 0x2E4FF723)],
)
def test_hash_is_the_public_one(data: bytes, expected: int) -> None:
    """The hash is MurmurHash3 as others have it, so that another service can compute the bucket."""
    assert expected == murmur3(data)


@given(salt=salts, organization=ids, one=percents, other=percents)
def test_growing_rollout_drops_no_organization(salt: str, organization: int, one: Decimal, other: Decimal) -> None:
    """An organization that a percentage selects is selected by every larger one."""
    small, large = sorted((one, other))
    assert included(large, salt, organization) or not included(small, salt, organization)


@given(salt=salts, organization=ids)
def test_ends_are_exact(salt: str, organization: int) -> None:
    """Zero percent selects none, a hundred all, and a bucket is one of 100,000."""
    assert not included(Decimal(0), salt, organization)
    assert included(Decimal(100), salt, organization)
    assert 0 <= bucket(salt, organization) < BUCKETS


def test_border_is_strict() -> None:
    """Bucket 35471 is outside 35.471 percent and inside 35.472."""
    assert not included(Decimal("35.471"), "gitea-2026", 1)
    assert included(Decimal("35.472"), "gitea-2026", 1)


def test_percentage_is_that_share() -> None:
    """A tenth of many organizations is about a tenth."""
    share = sum(included(Decimal(10), "custom_scm", organization) for organization in range(20_000))
    assert 1_800 < share < 2_200
