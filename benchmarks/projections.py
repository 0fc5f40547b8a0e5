"""Read models in this process: what folding takes beside decoding, and requests and units of a batch.

Rates are for one thread's worth of work: events per CPU second over a table in memory, without a network. The yardstick
is decoding the same events, which whoever reads the stream has to do; both take turns, and those of one round are
compared. Requests and capacity units are counted on a fake DynamoDB, by the sizes of items (AWS's published rules).
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from benchmarks.publisher import history
from benchmarks.report import Row, at_most
from lambdas.contracts.domain_events import AccountDomainEvent, domain_event, encode_domain_event
from lambdas.contracts.ledger_events import decode_published
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.projections.control import Control, ControlRow
from lambdas.projections.projection import AnyProjection
from lambdas.projections.registry import PROJECTIONS
from lambdas.projections.stream.projector import Projector
from tests.support.metering import Usage
from tests.support.read_model_metering import ReadModelMeter
from tests.support.read_models import Ports, fake_ports, places

GROUP = "read models, in process"
BATCH, EVENTS = 1_000, 10
ROUNDS = 9
FOLD_TO_DECODING = 3
"""The budget: gate, fold and save of an event take at most three times what decoding it takes."""
SHARE = {"account_summaries": (1, 1, 2), "daily_totals": (1, 4, 4)}
"""The budget of a batch's share for one account, warm: requests; write units; and those of its first write, which also
enters an index. Totals: 2 + 2 × rows."""

Batch: TypeAlias = Mapping[str, Sequence[AccountDomainEvent]]


class NoGaps:
    """An event table that nobody has to ask."""

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        raise RuntimeError(f"a gap of {account_id} after {after}, up to {up_to}")


def in_memory(projection: AnyProjection) -> Ports:
    with places("memory") as new:
        return new(projection)


def _live(ports: Ports) -> ControlRow:
    ports.control.change(Control(), Control(live=1, newest=1))
    return ports.control


def _batch(rows: Sequence[EventRow]) -> Batch:
    batch: dict[str, list[AccountDomainEvent]] = {}
    for row in rows:
        batch.setdefault(row.stream_id, []).append(domain_event(row))
    return batch


def _take(projector: Projector[Any], batch: Batch) -> None:
    taking = projector.take(batch, Deadline(60))
    if taking.folded != sum(map(len, batch.values())):
        raise RuntimeError(f"not everything was folded: {taking}")


def cpu_seconds(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def _decoded(lines: Sequence[bytes]) -> float:
    """CPU seconds of decoding."""
    return cpu_seconds(lambda: [decode_published(line) for line in lines])


def _folded(projection: AnyProjection, batch: Batch) -> float:
    """CPU seconds of one batch, into an empty table."""
    ports = in_memory(projection)
    projector = Projector(projection, ports.rows, _live(ports), NoGaps(), workers=1)
    return cpu_seconds(lambda: _take(projector, batch))


def _rates() -> Iterator[Row]:
    for shape, rows in (("1,000 accounts in a batch", history(BATCH, 1)), ("one hot account", history(1, BATCH))):
        batch, lines = _batch(rows), [encode_domain_event(domain_event(row)) for row in rows]
        for projection in PROJECTIONS:
            rounds = [(_decoded(lines), _folded(projection, batch)) for _ in range(ROUNDS)]
            rate = len(rows) / statistics.median(folded for _, folded in rounds)
            yield Row(group=GROUP, name=f"{projection.name}, {shape}", value=rate, unit="events/CPU s")
            ratio = statistics.median(folded / decoded for decoded, folded in rounds)
            budget, met = at_most(ratio, FOLD_TO_DECODING)
            yield Row(
                group=GROUP,
                name=f"{projection.name}, {shape}, to decoding",
                value=ratio,
                unit="ratio",
                budget=budget,
                met=met,
            )


def _shares() -> Iterator[Row]:
    """What a batch with events of one account takes, cold and warm, beside the one read of the control row."""
    rows = history(1, 3 * EVENTS)
    for projection in PROJECTIONS:
        ports = fake_ports(projection)
        meter = ReadModelMeter(ports.client)
        metered = ports.on(meter)
        control, first = _live(metered), True
        projector = Projector(projection, metered.rows, control, NoGaps())
        requests, warm, opening = SHARE[projection.name]
        for start, what in ((0, "first batch"), (EVENTS, "warm"), (2 * EVENTS, "cold")):
            if what == "cold":
                projector = Projector(projection, metered.rows, control, NoGaps())
            with meter.measure() as usage:
                _take(projector, _batch(rows[start : start + EVENTS]))
            bounds = requests + (what != "warm"), opening if first else warm
            first = False
            yield _share(f"{projection.name}, {EVENTS} events of an account, {what}", usage, *bounds)


def _share(name: str, usage: Usage, requests: int, units: int) -> Row:
    taken = usage.round_trips - 1
    return Row(
        group=GROUP, name=name, value=taken, unit="requests", budget=f"≤ {requests}, {units} WCU",
        met=taken <= requests and usage.write_units <= units,
        note=f"{usage.write_units} WCU; and 1 for the batch, which reads the control row",
    )  # fmt: skip


def measure() -> Iterator[Row]:
    """Yield rates, and a batch's shares."""
    yield from _rates()
    yield from _shares()
