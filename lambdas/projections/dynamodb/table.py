"""Keys, attributes and indexes of a read model's table, for all code that uses the table. One table a projection.

| item | pk | sk | attributes |
|---|---|---|---|
| account row | `<generation>#<account>` | `account` | `gate`, `kept`; in an index also its keys |
| shared row | `<generation>#shared#<shard>` | its key | a number for each measure |
| deferred account | `<generation>#deferred` | account id | `rebuild` |
| segment | `<generation>#segments` | its number, four digits | `progress` |
| control row | `control` | `control` | `control`; `walking` while the event table is walked |
| restore | `restores` | id of the event that announced it | `restored` |
| position | `positions` | shard id of the stream | `position`, `reached` |
| lag | `lag` | `lag` | `lag` |

All attributes are strings, but for the measures.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

HASH_KEY: Final = "pk"
RANGE_KEY: Final = "sk"

SHARDS: Final = 16
"""Partitions over which listings and shared rows are spread. An account always stands in the same one."""

GATE: Final = "gate"
"""JSON text of a `Gate`; equal gates have equal texts, for it is compared in conditions."""

KEPT: Final = "kept"
"""JSON text of what the projection keeps of the account."""

LISTED: Final = "listed"
"""`<generation>#<group>#<shard>`, only on account rows that are listed."""

ORDERED: Final = "ordered"
"""`<order>#<account>`, beside `listed`."""

STOPPED_IN: Final = "stopped_in"
"""The generation, only on rows of accounts that are stopped in it."""

REBUILD: Final = "rebuild"
"""The id of the rebuild to which a deferred account's events are left."""

PROGRESS: Final = "progress"
"""JSON text of a `Segment`."""

CONTROL: Final = "control"
"""JSON text of a `Control`."""

WALKING: Final = "walking"
"""`<generation>/<rebuild>`, only while that rebuild walks the event table: what conditions of others look at."""

RESTORED: Final = "restored"
"""JSON text of the event that announced a restore of an account."""

POSITION: Final = "position"
"""JSON text of a `Position`."""

REACHED: Final = "reached"
"""The position's sequence number with zeros before it, so that the order of texts is that of numbers."""

SEQUENCE_DIGITS: Final = 129
"""Of the longest sequence number. Source: Amazon Kinesis Data Streams API Reference, Record."""

LAG: Final = "lag"
"""JSON text of a `Lag`."""


class Index(NamedTuple):
    """A keys-only, sparse index: an item without its hash key does not stand in it. All keys are strings."""

    name: str
    hash_key: str
    range_key: str


LISTINGS: Final = Index("listings", LISTED, ORDERED)
STOPPED: Final = Index("stopped", STOPPED_IN, HASH_KEY)
INDEXES: Final = (LISTINGS, STOPPED)

Key: TypeAlias = dict[str, dict[str, str]]
"""A primary key as the low-level client writes it."""

_ACCOUNT: Final = "account"


def account_key(generation: int, account_id: str) -> Key:
    """The key of an account row."""
    return _key(f"{generation}#{account_id}", _ACCOUNT)


def account_of(hash_key: str) -> str:
    """The account id in the hash key of an account row."""
    return hash_key.partition("#")[2]


def shard_of(account_id: str) -> int:
    """The shard in which an account is listed, and to whose shared rows it adds: SHA-256 modulo SHARDS."""
    return int.from_bytes(sha256(account_id.encode()).digest()) % SHARDS


def listed(generation: int, group: str, shard: int) -> str:
    """The partition of the index of listings that holds the accounts of a group and shard."""
    return f"{generation}#{group}#{shard}"


def ordered(order: str, account_id: str) -> str:
    """The place of an account in its partition of the index of listings."""
    return f"{order}#{account_id}"


def stopped_in(generation: int) -> str:
    """The partition of the index of stopped accounts."""
    return str(generation)


def shared_partition(generation: int, shard: int) -> str:
    """The partition of the shared rows of a shard."""
    return f"{generation}#shared#{shard}"


def shared_key(generation: int, account_id: str, key: str) -> Key:
    """The key of the shared row `key` to which the account adds."""
    return _key(shared_partition(generation, shard_of(account_id)), key)


def deferred_partition(generation: int) -> str:
    """The partition of the accounts whose newest events are left to the rebuild."""
    return f"{generation}#deferred"


def deferred_key(generation: int, account_id: str) -> Key:
    """The key of the note that an account's newest events are left to the rebuild."""
    return _key(deferred_partition(generation), account_id)


def segments_partition(generation: int) -> str:
    """The partition of the progress of a generation's rebuild."""
    return f"{generation}#segments"


def segment_key(generation: int, number: int) -> Key:
    """The key of a segment's progress."""
    return _key(segments_partition(generation), f"{number:04}")


def walking(generation: int, rebuild: str) -> str:
    """What the control row says of a rebuild that walks the event table."""
    return f"{generation}/{rebuild}"


CONTROL_KEY: Final[Key] = {HASH_KEY: {"S": "control"}, RANGE_KEY: {"S": "control"}}
LAG_KEY: Final[Key] = {HASH_KEY: {"S": "lag"}, RANGE_KEY: {"S": "lag"}}
POSITIONS_PARTITION: Final = "positions"
RESTORES_PARTITION: Final = "restores"


def position_key(shard: str) -> Key:
    """The key of the position in a shard of the stream."""
    return _key(POSITIONS_PARTITION, shard)


def restore_key(event_id: str) -> Key:
    """The key of the note of a restore: those of an account stand together."""
    return _key(RESTORES_PARTITION, event_id)


def generation_of(hash_key: str) -> int | None:
    """The generation to which an item belongs, by its hash key; None: it belongs to the projection as a whole."""
    number, separator, _ = hash_key.partition("#")
    return int(number) if separator else None


def _key(partition: str, place: str) -> Key:
    return {HASH_KEY: {"S": partition}, RANGE_KEY: {"S": place}}
