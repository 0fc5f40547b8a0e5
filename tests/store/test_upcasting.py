"""Events of older schemas, written by older code, among those of today's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from lambdas.eventsourcing.codec import Codec
from lambdas.eventsourcing.errors import UnknownSchemaError
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.schemas import EventType, StateType
from tests.support.backends import Backend
from tests.support.tally import TALLY, Added, Tally, add, added, amounts, as_it_is, decider, fold, repository, rows_of


def _name_the_number(event: dict[str, Any]) -> dict[str, Any]:
    return {"number": event["n"]}


def _add_a_note(event: dict[str, Any]) -> dict[str, Any]:
    return {"amount": event["number"], "note": "upcast"}


TODAY = decider(event=EventType(Added, 3, {1: _name_the_number, 2: _add_a_note}))
"""Schema 1 was {n}, 2 was {number}, 3 is {amount, note}."""


def _of_schema(row: EventRow, schema: int) -> EventRow:
    """Without a snapshot, so that the event counts."""
    amount = msgspec.json.decode(row.data, type=Added).amount
    data = {1: {"n": amount}, 2: {"number": amount}, 3: {"amount": amount, "note": "today"}}[schema]
    data_text = msgspec.json.encode(data).decode()
    return msgspec.structs.replace(row, schema=schema, data=data_text, state=None, state_schema=None)


def _history(stream_id: str, length: int) -> tuple[list[EventRow], list[Added]]:
    """Rows of schemas 1, 2, 3, 1, 2 …, and their events as today's code sees them."""
    schemas = [number % 3 + 1 for number in range(length)]
    rows = [_of_schema(row, schema) for row, schema in zip(rows_of(stream_id, amounts(length)), schemas, strict=True)]
    notes = [{3: "today"}.get(schema, "upcast") for schema in schemas]
    return rows, [Added(event.amount, note) for event, note in zip(amounts(length), notes, strict=True)]


@pytest.mark.parametrize("length", [1, 2, 3, 13, 31])
def test_older_events_are_seen_as_of_today(backend: Backend, stream_id: str, length: int) -> None:
    rows, events = _history(stream_id, length)
    backend.seed(rows)

    repo = repository(backend.store, domain=TODAY)

    assert repo.load(stream_id).state == fold(events)
    for version in range(1, length + 1):
        assert repo.load_version(stream_id, version).state == fold(events[:version])
    assert [each.event for each in repo.history(stream_id, limit=100).events] == events[::-1]
    assert added(add(repo, stream_id, 1)).state == fold([*events, Added(1)])


def test_winners_row_of_an_older_schema(backend: Backend, stream_id: str) -> None:
    """While old and new code run side by side."""
    rows, events = _history(stream_id, 5)
    backend.seed(rows[:3])
    repo = repository(backend.store, domain=TODAY)
    repo.load(stream_id)
    backend.seed(rows[3:4])

    assert added(add(repo, stream_id, 1)).state == fold([*events[:4], Added(1)])


def test_what_this_code_does_not_know(backend: Backend, stream_id: str) -> None:
    """An event of a later schema is never guessed at, and neither is a type nobody registered."""
    rows = rows_of(stream_id, amounts(2), domain=TODAY)
    backend.seed(rows)
    for read in (repository(backend.store).load, lambda s: repository(backend.store).history(s, limit=2)):
        with pytest.raises(UnknownSchemaError, match="Added of schema 3"):
            read(stream_id)

    with pytest.raises(UnknownSchemaError, match="int is not a registered event"):
        TALLY.codec.encode(1)  # type: ignore[arg-type]
    with pytest.raises(UnknownSchemaError, match="Unheard"):
        TALLY.codec.decode("Unheard", 1, "{}")
    with pytest.raises(UnknownSchemaError, match="schema 0"):
        TALLY.codec.decode("Added", 0, "{}")


INCOMPLETE: list[dict[int, Any]] = [{}, {1: as_it_is}, {2: as_it_is}, {0: dict, 1: dict, 2: dict}]


@pytest.mark.parametrize("known", INCOMPLETE)
def test_event_type_needs_every_upcaster(known: dict[int, Any]) -> None:
    with pytest.raises(ValueError, match="Added needs an upcaster from every schema below 3"):
        Codec([EventType(Added, 3, known)], StateType(Tally))


@pytest.mark.parametrize("known", INCOMPLETE)
def test_state_type_needs_every_upcaster(known: dict[int, Any]) -> None:
    """Without one, every snapshot there is would be of no use, and a long stream could not be read in a request."""
    with pytest.raises(ValueError, match="Tally needs an upcaster from every schema below 3"):
        Codec([EventType(Added)], StateType(Tally, 3, known))
