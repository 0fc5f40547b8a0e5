"""What a rebuild will take at most, in capacity units and dollars, by the size that DescribeTable tells."""

from __future__ import annotations

from typing import Final

import msgspec

from cli.output import counted
from cli.projections.models import Model
from lambdas.projections.estimate import estimate

READ_DOLLARS: Final = 0.125e-6
WRITE_DOLLARS: Final = 0.625e-6
"""Of a unit on demand, in us-east-1 and some other regions; a test holds them against the list of `make costs`.

Source: Amazon DynamoDB pricing, on-demand capacity.
"""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Capacity units at most. AWS counts the rows and bytes of a table about every six hours."""

    rows: int
    table_bytes: int
    read_units: int
    write_units: int
    dollars: float


def cost_of(model: Model, event_table: str, segments: int) -> Cost:
    """What a rebuild of one projection will take. Raises ClientError, BotoCoreError."""
    described = model.dynamodb.describe_table(TableName=event_table)["Table"]
    rows, table_bytes = described.get("ItemCount", 0), described.get("TableSizeBytes", 0)
    found = estimate(model.projection, rows=rows, table_bytes=table_bytes, segments=segments)
    return Cost(
        rows=rows,
        table_bytes=table_bytes,
        read_units=found.read_units,
        write_units=found.write_units,
        dollars=found.read_units * READ_DOLLARS + found.write_units * WRITE_DOLLARS,
    )


def rows_of(model: Model, event_table: str) -> int:
    """About how many events the table holds. Raises ClientError, BotoCoreError."""
    return int(model.dynamodb.describe_table(TableName=event_table)["Table"].get("ItemCount", 0))


def cost_text(cost: Cost) -> str:
    """One line, with what is not exact about it."""
    units = f"{cost.read_units:,} read and {cost.write_units:,} write units"
    return f"at most {units}, ${cost.dollars:,.2f}, for about {counted(cost.rows, 'event')}"
