"""Compares what is stored of commands with the history: each took effect once or not at all, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from lambdas.eventsourcing.rows import EventRow
from lambdas.inbox import table
from tests.support.bank import OCCURRED_AT, Accepted, Answer, Order, Outcome, Rejected

Find = Callable[[str, str], Mapping[str, str | int]]
"""What is stored of a command, by its account and label."""


def ends(answers: Sequence[Answer], histories: Mapping[str, Sequence[EventRow]], find: Find) -> list[str]:
    """All contradictions found, as sentences. Every stored command that was sent should have ended."""
    rows = [row for history in histories.values() for row in history]
    orders = {answer.order.label: answer.order for answer in answers if answer.order.stored}
    return [
        f"{label}: {text}"
        for label, order in orders.items()
        for text in _of_order(
            order,
            [row for row in rows if msgspec.json.decode(row.metadata)["command_id"] == label],
            find(order.account_ids[0], label),
            {answer.outcome for answer in answers if answer.order.label == label},
        )
    ]


def _of_order(
    order: Order, rows: Sequence[EventRow], end: Mapping[str, str | int], outcomes: set[Outcome]
) -> Iterator[str]:
    if end[table.STATUS] == table.SUCCEEDED:
        first = [row.version for row in rows if row.stream_id == order.account_ids[0]]
        if first != [end[table.VERSION]] or len(rows) != len(order.account_ids):
            yield f"ended as {end}, in history at {first}"
        if {row.commit_id for row in rows} != {end[table.COMMIT_ID]}:
            yield "its end and its rows are of different commits"
        if any(row.occurred_at != OCCURRED_AT for row in rows):
            yield "its business time is not that of its submission"
    elif end[table.STATUS] != table.REJECTED or rows:
        yield f"ended as {end}, with {len(rows)} rows in history"
    rejections = {outcome.code for outcome in outcomes if isinstance(outcome, Rejected)}
    accepted = any(isinstance(outcome, Accepted) for outcome in outcomes)
    if rejections - {end.get(table.PROBLEM)} or (accepted and end[table.STATUS] != table.SUCCEEDED):
        yield f"ended as {end}, answered {outcomes}"
