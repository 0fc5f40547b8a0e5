"""Releases side by side: the new one reads what it brings and writes what the one before can read."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.eventsourcing.codec import Codec
from lambdas.eventsourcing.errors import SchemaNotWrittenError
from lambdas.eventsourcing.schemas import EventType, StateType
from lambdas.eventsourcing.verifier import ChainVerifier
from tests.support.backends import Backend
from tests.support.recording import whole_history
from tests.support.tally import TALLY, Added, Tally, add, amounts, as_it_is, decider, fold, repository


def _add_note(fields: dict[str, Any]) -> dict[str, Any]:
    return {"amount": fields["amount"], "note": ""}


def _drop_note(fields: dict[str, Any]) -> dict[str, Any]:
    return {"amount": fields["amount"]}


def _rename(old: str, new: str) -> Any:
    return lambda fields: {new if name == old else name: value for name, value in fields.items()}


EVENT = EventType(Added, 2, {1: _add_note}, {2: _drop_note})
"""Schema 1 has no note."""
STATE = StateType(Tally, 2, {1: _rename("sum", "total")}, {2: _rename("total", "sum")})
"""In schema 1 the total is called sum."""
READS = decider(event=EVENT, state=STATE, writes={"Added": 1, "Tally": 1})
WRITES = decider(event=EVENT, state=STATE)


def _written(backend: Backend, stream_id: str) -> set[tuple[int, int | None]]:
    return {(row.schema, row.state_schema) for row in whole_history(backend.store, stream_id)}


def test_a_release_writes_what_the_one_before_reads(backend: Backend, stream_id: str) -> None:
    for amount in amounts(12):
        add(repository(backend.store, domain=READS), stream_id, amount)

    rows = whole_history(backend.store, stream_id)
    assert _written(backend, stream_id) == {(1, None), (1, 1)}
    assert rows[0].data == f'{{"amount":{amounts(1)[0].amount}}}'
    assert '"sum"' in str(rows[0].state)
    for release in (READS, WRITES):
        assert repository(backend.store, domain=release).load(stream_id).state == fold(amounts(12))
        assert ChainVerifier(backend.store, release).verify(stream_id).snapshots == 2


def test_both_write_one_stream_and_read_it(backend: Backend, stream_id: str) -> None:
    events = amounts(24)
    for number, event in enumerate(events):
        add(repository(backend.store, domain=(READS, WRITES)[number // 5 % 2]), stream_id, event)

    assert {schema for schema, _ in _written(backend, stream_id)} == {1, 2}
    for release in (READS, WRITES):
        assert repository(backend.store, domain=release).load(stream_id).state == fold(events)
        assert ChainVerifier(backend.store, release).verify(stream_id).version == 24


def test_what_the_older_schema_cannot_hold_is_not_written(backend: Backend, stream_id: str) -> None:
    """Never less than was decided."""
    with pytest.raises(SchemaNotWrittenError, match="Added is written in schema 1"):
        add(repository(backend.store, domain=READS), stream_id, Added(1, "a note"))

    assert whole_history(backend.store, stream_id) == []
    add(repository(backend.store, domain=WRITES), stream_id, Added(1, "a note"))


def test_a_state_that_the_older_schema_cannot_hold_is_no_snapshot(backend: Backend, stream_id: str) -> None:
    """The events are enough; the next release writes one at once."""
    forgetful = StateType(Tally, 2, {1: lambda fields: fields | {"note": ""}}, {2: as_it_is})
    lossy = decider(event=EVENT, state=forgetful, writes={"Tally": 1})
    for _ in range(11):
        add(repository(backend.store, domain=lossy), stream_id, Added(1, "a note"))
    assert _written(backend, stream_id) == {(2, None)}

    after = decider(event=EVENT, state=forgetful)
    add(repository(backend.store, domain=after), stream_id, Added(1, "a note"))

    assert whole_history(backend.store, stream_id)[-1].state_schema == 2
    assert repository(backend.store, domain=after).load(stream_id).state == fold([Added(1, "a note")] * 12)


def test_a_new_event_is_read_and_not_written_yet(backend: Backend, stream_id: str) -> None:
    add(repository(backend.store), stream_id, 5)
    reads = decider(writes={"Added": 0})

    with pytest.raises(SchemaNotWrittenError, match="schema 0"):
        add(repository(backend.store, domain=reads), stream_id, 1)

    assert repository(backend.store, domain=reads).load(stream_id).state == fold([Added(5)])
    assert len(whole_history(backend.store, stream_id)) == 1


@pytest.mark.parametrize(
    ("event", "writes", "message"),
    [
        (EventType(Added, 2, {1: as_it_is}), {"Added": 1}, "needs a downcaster"),
        (EventType(Added, 3, {1: as_it_is, 2: as_it_is}, {3: as_it_is}), {"Added": 1}, "needs a downcaster"),
        (EVENT, {"Added": 3}, "Added has no schema 3"),
        (EVENT, {"Added": -1}, "Added has no schema -1"),
        (EVENT, {"Tally": 0}, "Tally has no schema 0"),
        (EVENT, {"Addde": 1}, "unknown types: Addde"),
    ],
)
def test_what_cannot_be_written_is_refused_at_import(event: EventType, writes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Codec([event], StateType(Tally), writes=writes)


def test_the_published_schema_is_the_newest() -> None:
    assert READS.codec.name_of(Added(1)) == ("Added", 2)
    assert TALLY.codec.name_of(Added(1)) == ("Added", 1)
