"""Rebuilds of read models in this process: events per CPU second, capacity units, and that memory stays flat.

The event table is a sequence of rows, the read model's table is in memory. Units are counted on a fake DynamoDB, by the
sizes of items (AWS's published rules), and must stay below what is said before a rebuild is started.
"""

from __future__ import annotations

import statistics
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from msgspec.structs import replace

from benchmarks.projections import NoGaps, cpu_seconds, in_memory
from benchmarks.publisher import history
from benchmarks.report import Row, at_most
from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.item_walk import PAGE_ROWS
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.table_walk import WalkedPage, WalkedRow
from lambdas.projections.control import Control
from lambdas.projections.estimate import estimate
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.projection import AnyProjection
from lambdas.projections.rebuild import Rebuild, SettleStep, WalkStep
from lambdas.projections.registry import PROJECTIONS
from tests.support.metering import item_bytes, read_units
from tests.support.read_model_metering import ReadModelMeter
from tests.support.read_models import Ports, fake_ports

GROUP = "rebuild of a read model, in process"
ACCOUNTS, HISTORY = 200, 10
"""Accounts that are rebuilt, and the events of each."""
ROUNDS = 9
SMALL, LARGE, OF_ACCOUNTS = 20_000, 200_000, 1_000
FLAT = 1.25
"""The budget: the peak of memory at 200,000 events, to that at 20,000 of as many accounts."""
MILLION = 1_000_000


class _Walk:
    """A walk over rows that are made when they are asked for: one segment, pages as large as a Scan's."""

    def __init__(self, row: Callable[[int], EventRow], count: int) -> None:
        self._row = row
        self._count = count

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:  # noqa: ARG002 - the port
        """See TableWalk.page."""
        start = int(after or 0)
        end = min(start + PAGE_ROWS, self._count)
        rows: list[WalkedRow] = [self._row(number) for number in range(start, end)]
        units = read_units(sum(item_bytes(row_to_item(self._row(number))) for number in range(start, end)))
        return WalkedPage(rows, str(end) if end < self._count else "", units)


def _rebuild(projection: AnyProjection, ports: Ports, walk: _Walk) -> tuple[float, int]:
    """CPU seconds and events of a whole rebuild."""
    ports.control.change(Control(), Control().started("bench", segments=1, at="2026-03-01T09:30:00.000Z"))
    rebuild = Rebuild(walk, AccountFolder(projection, ports.rows, NoGaps()), ports.rows, ports.control, ports.segments)
    step = WalkStep(generation=1, rebuild="bench", segment=0, segments=1)
    counted: list[int] = []

    def run() -> None:
        done = False
        while not done:
            ended = rebuild.walk(step, Deadline(600), Deadline(600))
            counted.append(ended.folded)
            done = ended.done
        rebuild.settle(SettleStep(generation=1, rebuild="bench"), Deadline(600), Deadline(600))

    seconds = cpu_seconds(run)
    if ports.control.read().live != 1:
        raise RuntimeError("the rebuild did not come to its end")
    return seconds, sum(counted)


def _rebuilds() -> Iterator[Row]:
    rows = history(ACCOUNTS, HISTORY)
    for projection in PROJECTIONS:
        rounds = [
            _rebuild(projection, in_memory(projection), _Walk(rows.__getitem__, len(rows))) for _ in range(ROUNDS)
        ]
        rate = statistics.median(events / seconds for seconds, events in rounds)
        yield Row(group=GROUP, name=projection.name, value=rate, unit="events/CPU s")
        yield from _units(projection, rows)


def _units(projection: AnyProjection, rows: Sequence[EventRow]) -> Iterator[Row]:
    """Counted, and held against what the command that starts a rebuild says it takes at most."""
    meter = ReadModelMeter(fake_ports(projection).client)
    ports = fake_ports(projection).on(meter)
    walk = _Walk(rows.__getitem__, len(rows))
    with meter.measure() as usage:
        _rebuild(projection, ports, walk)
    size = sum(item_bytes(row_to_item(row)) for row in rows)
    most = estimate(projection, rows=len(rows), table_bytes=size, segments=1, accounts=len(rows) // HISTORY)
    walked = read_units(size)
    for name, value, bound in (
        ("read units", usage.read_units + walked, most.read_units),
        ("write units", usage.write_units, most.write_units),
    ):
        budget, met = at_most(value * MILLION / len(rows), bound * MILLION / len(rows))
        yield Row(
            group=GROUP, name=f"{projection.name}, {name} of a million events", value=value * MILLION / len(rows),
            unit="units", budget=budget, met=met, note=f"{HISTORY} events an account; the budget is the estimate",
        )  # fmt: skip


def _flat() -> Row:
    """The accounts are as many, so the table in memory is as large."""
    accounts = [str(UUID(int=number)) for number in range(OF_ACCOUNTS)]
    opened, credited = (replace(row, hash=bytes(32)) for row in history(1, 2))

    def peak(events: int) -> int:
        each = events // len(accounts)

        def row(number: int) -> EventRow:
            account, place = divmod(number, each)
            return replace(opened if place == 0 else credited, stream_id=accounts[account], version=place + 1)

        tracemalloc.start()
        _rebuild(PROJECTIONS[0], in_memory(PROJECTIONS[0]), _Walk(row, events))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    small, large = peak(SMALL), peak(LARGE)
    budget, met = at_most(large / small, FLAT)
    return Row(
        group=GROUP, name=f"memory at {LARGE:,} events to that at {SMALL:,}", value=large / small, unit="ratio",
        budget=budget, met=met, note=f"the peak is {large / 2**20:.1f} MB, with {len(accounts):,} accounts in memory",
    )  # fmt: skip


def measure() -> Iterator[Row]:
    """Yield rates, units and the growth of memory."""
    yield from _rebuilds()
    yield _flat()
