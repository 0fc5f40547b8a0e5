"""A page of a listing: which accounts stand next, over all partitions, in the order group, shard, order, account id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Final, Generic

from msgspec import Struct

from lambdas.eventsourcing.table_requests import PARALLEL, in_parallel
from lambdas.projections.dynamodb import table
from lambdas.projections.dynamodb.listings import LAST
from lambdas.projections.errors import CursorError
from lambdas.projections.projection import K
from lambdas.projections.read_model import AccountRow

MOST_LISTED: Final = 100
"""Accounts of a page: what one BatchGetItem reads."""
_LONGEST: Final = 1024
"""Bytes of a range key. Source: Amazon DynamoDB Developer Guide, "Service, account, and table quotas"."""


class Cursor(Struct, frozen=True):
    """The place of the last account of a page: the next page begins after it, in the same generation."""

    generation: int
    group: str
    shard: int
    after: str


class Listed(Struct, Generic[K], frozen=True):
    """A page. It may have fewer rows than were asked for: `cursor` is None after the last page, and only there."""

    rows: list[AccountRow[K]]
    cursor: Cursor | None = None


class Place(Struct, frozen=True):
    """Where an account stands: `ordered` as in `table.ordered`."""

    group: str
    shard: int
    ordered: str

    @property
    def account_id(self) -> str:
        """The account that stands there."""
        return self.ordered.rpartition("#")[2]


Read = Callable[[str, int, str, int], Sequence[str]]
"""From a group, a shard, a place (or "") and a number: so many places after that one, in order."""


def next_places(read: Read, groups: Sequence[str], cursor: Cursor | None, most: int) -> list[Place]:
    """The first `most` places after the cursor.

    How many partitions are asked at once follows from how many accounts stood in those before: one where they are full,
    and as many as PARALLEL where they are nearly empty. So a page costs few round trips, and little is read in vain.
    """
    partitions = [(group, shard) for group in groups for shard in range(table.SHARDS)]
    after = ""
    if cursor is not None:
        partitions = partitions[partitions.index((cursor.group, cursor.shard)) :]
        after = cursor.after
    places: list[Place] = []
    asked, at_once = 0, 1
    while partitions and len(places) < most:
        some, partitions = partitions[:at_once], partitions[at_once:]
        asks = [(*each, "" if asked or number else after, most - len(places)) for number, each in enumerate(some)]
        found = in_parallel(lambda ask: read(*ask), asks)
        for (group, shard), texts in zip(some, found, strict=True):
            places.extend(Place(group, shard, text) for text in texts)
        asked += len(some)
        at_once = min(PARALLEL, ceil((most - len(places)) * asked / len(places))) if places else PARALLEL
    return places[:most]


def check(cursor: Cursor, groups: Sequence[str], prefix: str) -> None:
    """Raises CursorError unless a listing of these groups and this prefix has the cursor's place."""
    try:
        length = len(cursor.after.encode())
    except UnicodeEncodeError:
        length = _LONGEST + 1
    if (
        cursor.group not in groups
        or not 0 <= cursor.shard < table.SHARDS
        or not prefix <= cursor.after < prefix + LAST
        or not 0 < length <= _LONGEST
    ):
        raise CursorError("The cursor belongs to another listing.")
