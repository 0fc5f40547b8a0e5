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


class Units(msgspec.Struct, frozen=True):
    """Capacity units, and what they cost."""

    read_units: int
    write_units: int
    dollars: float


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild takes. AWS counts the rows and bytes of a table about every six hours.

    `most` holds however many accounts there are. `likely` is for as many as the read model has rows, `model_rows`, and
    far less where accounts have many events; null as long as no generation is live.
    """

    rows: int
    table_bytes: int
    model_rows: int
    most: Units
    likely: Units | None


def cost_of(model: Model, event_table: str, segments: int) -> Cost:
    """What a rebuild of one projection will take. Raises ReadModelUnavailableError, ClientError, BotoCoreError."""
    described = model.dynamodb.describe_table(TableName=event_table)["Table"]
    rows, table_bytes = described.get("ItemCount", 0), described.get("TableSizeBytes", 0)
    model_rows = rows_of(model, model.table) if model.control.read().live else 0

    def units(known: int | None) -> Units:
        found = estimate(model.projection, rows=rows, table_bytes=table_bytes, segments=segments, accounts=known)
        read, write = found.read_units, found.write_units
        return Units(read, write, read * READ_DOLLARS + write * WRITE_DOLLARS)

    return Cost(
        rows=rows,
        table_bytes=table_bytes,
        model_rows=model_rows,
        most=units(None),
        likely=units(min(rows, model_rows)) if model_rows else None,
    )


def rows_of(model: Model, table: str) -> int:
    """About how many rows a table holds. Raises ClientError, BotoCoreError."""
    return int(model.dynamodb.describe_table(TableName=table)["Table"].get("ItemCount", 0))


def cost_text(cost: Cost) -> str:
    """One line, with what is not exact about it."""
    most = f"at most {_text(cost.most)}, for about {counted(cost.rows, 'event')}"
    if cost.likely is None:
        return most
    return f"{most}; by the {counted(cost.model_rows, 'row')} of its read model rather {_text(cost.likely)}"


def _text(units: Units) -> str:
    return f"{units.read_units:,} read and {units.write_units:,} write units, ${units.dollars:,.2f}"
