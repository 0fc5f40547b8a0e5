"""What a verification of everything takes at most, in read units and dollars, by the sizes that DescribeTable tells.

Sources: Amazon DynamoDB Developer Guide, "DynamoDB read and write operations" (a read unit for 4 KB, consistent; half
of one, eventually consistent; an item of a BatchGetItem is rounded up by itself); Amazon DynamoDB pricing.
"""

from __future__ import annotations

from typing import Final

import msgspec

from cli.output import counted
from cli.verify.opening import Size, Sizes
from lambdas.eventsourcing.item_walk import PAGE_ROWS

READ_DOLLARS: Final = 0.125e-6
"""Of a read unit on demand, in us-east-1 and some other regions; a test holds it against the list of `make costs`."""
UNIT_BYTES: Final = 4096
PAGE_BYTES: Final = 1024 * 1024


class Cost(msgspec.Struct, frozen=True):
    """Read units at most, if there are no more accounts than `accounts`, and what they cost."""

    events: int
    accounts: int
    read_units: int
    dollars: float


def cost_of(sizes: Sizes, *, accounts: int, read_models: int, segments: int) -> Cost:
    """The event table is walked once, and once more for each read model, of which each account's row is read; so is
    each account's head in the log, and the event of each receipt and of each command."""
    walk = _scan(sizes.events, segments)
    pointers = sizes.receipts.items + sizes.commands.items
    scans = (_scan(sizes.receipts, segments) + _scan(sizes.commands, segments) + 1) // 2
    units = (1 + read_models) * walk + scans + pointers + accounts * (1 + 2 * read_models)
    return Cost(sizes.events.items, accounts, units, units * READ_DOLLARS)


def _scan(size: Size, segments: int) -> int:
    """Of each page what is left of a unit is lost."""
    pages = max(-(-size.items // PAGE_ROWS), -(-size.table_bytes // PAGE_BYTES)) + segments
    return -(-size.table_bytes // UNIT_BYTES) + pages


def cost_text(cost: Cost) -> str:
    """One line, with what is not exact about it."""
    return (
        f"At most {cost.read_units:,} read units, ${cost.dollars:,.2f}, for about {counted(cost.events, 'event')} of "
        f"{counted(cost.accounts, 'account')}; besides, two queries read the whole lake, and all seals are read."
    )
