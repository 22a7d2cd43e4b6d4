"""The types of fields. What they let pass, the contract's values take."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from scmhost.sdk import FileChange

T = TypeVar("T")
Kind = Literal["A", "M", "D"]


def in_utc(moment: datetime) -> datetime:
    """In UTC; a time without an offset is taken to be in UTC already."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("it is out of range in UTC") from None


Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Sha = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")]
Ref = Annotated[Text, StringConstraints(max_length=1000)]
Path = Annotated[Text, StringConstraints(min_length=1, max_length=4096)]
RepositoryName = Annotated[Text, StringConstraints(min_length=1, max_length=2000)]
Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
# Hosts written in Go send null for an empty list. One fault is enough: a body may hold a million.
Many = Annotated[tuple[T, ...], Field(fail_fast=True)] | None


def file_changes(changes: Iterable[tuple[str, Kind]]) -> tuple[FileChange, ...]:
    """One change for each path; the first stands."""
    first: dict[str, Kind] = {}
    for path, kind in changes:
        first.setdefault(path, kind)
    return tuple(FileChange(path=path, type=kind) for path, kind in first.items())
