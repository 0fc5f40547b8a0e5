"""What a rebuild will take, at most, before it starts: from what DescribeTable says of the event table.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB read and write operations" (a consistent read unit for 4 KB, of a
Scan's page together; a write unit for 1 KB), "DynamoDB Transactions" (two writes of every item), "Using global
secondary indexes" (to add an index entry takes a write, to move one takes two); API Reference, TableDescription
(`ItemCount` and `TableSizeBytes` are brought up to date about every six hours).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from lambdas.contracts.event_examples import published_examples
from lambdas.eventsourcing.item_walk import PAGE_ROWS
from lambdas.projections.projection import AnyProjection

READ_UNIT_BYTES: Final = 4096
PAGE_BYTES: Final = 1024 * 1024
PROGRESS_UNITS: Final = 4
"""Of a page's progress: a put and a condition check, in one transaction."""
LISTING_UNITS: Final = 2
"""Of an account that moves in the index of listings."""


class Estimate(Struct, frozen=True):
    """Capacity units at most, if account rows and shared rows stay below 1 KB. Rows are those of the event table."""

    rows: int
    table_bytes: int
    read_units: int
    write_units: int


def estimate(
    projection: AnyProjection, *, rows: int, table_bytes: int, segments: int, accounts: int | None = None
) -> Estimate:
    """The units of one rebuild, without live events meanwhile.

    Without `accounts`, every row may be of another account than those beside it, and takes a read and a write of its
    own. With it, each account takes one, and one more for each page in which it goes on: a Scan gives the rows of an
    account together.
    """
    pages = max(-(-rows // PAGE_ROWS), -(-table_bytes // PAGE_BYTES)) + segments
    saves = rows if accounts is None else min(rows, accounts + pages)
    shared = shared_rows_of_an_event(projection)
    moves = 0 if projection.place is None else LISTING_UNITS * (rows if accounts is None else min(rows, 2 * accounts))
    gate = 2 if shared else 1
    return Estimate(
        rows=rows,
        table_bytes=table_bytes,
        read_units=-(-table_bytes // READ_UNIT_BYTES) + pages + saves,
        write_units=gate * saves + 2 * shared * rows + moves + PROGRESS_UNITS * pages,
    )


def shared_rows_of_an_event(projection: AnyProjection) -> int:
    """To how many shared rows an event adds at most, by the contract's examples of events; 0: it has none."""
    kept, most = None, 0
    for event in published_examples():
        folded = projection.fold(kept, event)
        kept, most = folded.kept, max(most, len(folded.additions))
    return most
