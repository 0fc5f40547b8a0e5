"""What is done to stored rows behind the service's back: the verifier names the first version that is bad.

Unless everything to the end was recomputed: then only hashes that were published before tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from lambdas.contracts.domain_events import domain_event
from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.genuine_history import NEWEST, ROWS, A, B, first_bad, flips
from tests.support.messagepack import Element, encode
from tests.support.runs import runs


def test_the_history_is_what_the_tests_below_take_it_for() -> None:
    assert [row.version for row in ROWS if row.state is not None] == [1, 4, 7]
    assert len(ROWS) == NEWEST


def _third_party_hash(previous: bytes, row: EventRow) -> bytes:
    """From the documentation alone: SHA-256 over a MessagePack array of twelve elements."""
    elements: list[Element] = [
        previous,
        row.stream_id,
        row.version,
        row.commit_id,
        row.type,
        row.schema,
        row.data,
        row.metadata,
        row.occurred_at,
        row.recorded_at,
        row.state,
        row.state_schema,
    ]
    return hashlib.sha256(encode(elements)).digest()


def test_a_third_party_can_check_the_chain() -> None:
    previous = bytes(32)
    for row in ROWS:
        assert row.hash == _third_party_hash(previous, row)
        previous = row.hash


texts = st.text(st.characters(codec="utf-8"), max_size=400)
numbers = st.integers(-(2**63), 2**63 - 1)


long_texts = st.integers(65_000, 66_000).map("x".__mul__)
any_row = st.builds(
    EventRow,
    stream_id=texts,
    version=numbers,
    commit_id=texts,
    type=texts,
    schema=numbers,
    data=texts | long_texts,
    metadata=texts,
    occurred_at=texts,
    recorded_at=texts,
    hash=st.just(b""),
    state=st.none() | texts | long_texts,
    state_schema=st.none() | numbers,
)


@given(row=any_row, previous=st.binary(min_size=32, max_size=32))
@settings(max_examples=runs(check=50, test=200, soak=5_000))
def test_the_documented_format_holds_for_any_row(row: EventRow, previous: bytes) -> None:
    assert row_hash(previous, row) == _third_party_hash(previous, row)


def _in_memory(rows: Sequence[EventRow]) -> EventStore:
    store = InMemoryEventStore()
    store._streams[A] = list(rows)
    return store


def _rehash(rows: Sequence[EventRow], start: int) -> list[EventRow]:
    """The rows with all hashes from version `start` on made anew, as somebody who knows the format could."""
    result = list(rows[: start - 1])
    for row in rows[start - 1 :]:
        previous = result[-1].hash if result else GENESIS
        result.append(replace(row, hash=row_hash(previous, row)))
    return result


def _with(row: EventRow, rows: Sequence[EventRow] = ROWS) -> list[EventRow]:
    """The history with one row replaced."""
    return [row if each.version == row.version else each for each in rows]


def test_untouched_rows_verify() -> None:
    verified = ChainVerifier(_in_memory(ROWS), ACCOUNT_DECIDER).verify(A)

    assert (verified.version, verified.hash, verified.snapshots) == (NEWEST, ROWS[-1].hash, 3)


def test_a_stream_that_does_not_exist_verifies_as_empty() -> None:
    assert ChainVerifier(_in_memory([]), ACCOUNT_DECIDER).verify(B).version == 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"version {row.version}")
def test_any_bit_of_any_text_or_hash(row: EventRow) -> None:
    for name, value in asdict(row).items():
        if isinstance(value, str | bytes):
            for changed in flips(value):
                assert first_bad(_in_memory(_with(replace(row, **{name: changed})))) == row.version, (name, changed)


@given(
    row=st.sampled_from(ROWS),
    name=st.sampled_from([*EventRow.__struct_fields__[2:]]),
    text=texts,
    number=st.integers(-(2**63), 2**63 - 1),
    raw=st.binary(max_size=40),
)
def test_any_other_value(row: EventRow, name: str, text: str, number: int, raw: bytes) -> None:
    value: Any = {"schema": number, "state_schema": number, "hash": raw}.get(name, text)
    if value != getattr(row, name):
        assert first_bad(_in_memory(_with(replace(row, **{name: value})))) == row.version


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_a_row_removed(version: int) -> None:
    assert first_bad(_in_memory([row for row in ROWS if row.version != version])) == version


@pytest.mark.parametrize("version", range(1, NEWEST))
def test_a_row_removed_and_the_gap_closed(version: int) -> None:
    rest = [row for row in ROWS if row.version != version]
    shifted = [replace(row, version=place) for place, row in enumerate(rest, 1)]

    assert first_bad(_in_memory(shifted)) == version


@pytest.mark.parametrize(("first", "second"), [(a, b) for a in range(1, NEWEST) for b in range(a + 1, NEWEST + 1)])
def test_two_rows_swapped(first: int, second: int) -> None:
    rows = list(ROWS)
    rows[first - 1] = replace(ROWS[second - 1], version=first)
    rows[second - 1] = replace(ROWS[first - 1], version=second)

    assert first_bad(_in_memory(rows)) == first


@pytest.mark.parametrize("version", range(1, NEWEST + 2))
@pytest.mark.parametrize("copied", [1, 3, NEWEST])
def test_a_row_inserted(version: int, copied: int) -> None:
    """A forged one, hash and all, takes a version; the rows that stood there move up."""
    before = list(ROWS[: version - 1])
    recorded_at = before[-1].recorded_at if before else ROWS[0].recorded_at
    forged = replace(ROWS[copied - 1], version=version, recorded_at=recorded_at, state=None, state_schema=None)
    forged = _rehash([*before, forged], version)[-1]
    moved = [replace(row, version=row.version + 1) for row in ROWS[version - 1 :]]

    named = first_bad(_in_memory([*before, forged, *moved]))

    # Its own hash is right; the next row, if there is one, does not follow from it.
    assert named == (version + 1 if version <= NEWEST else None)


def test_a_snapshot_changed() -> None:
    row = ROWS[3]
    richer = replace(row, state=(row.state or "").replace("65", "95"))
    assert richer != row

    assert first_bad(_in_memory(_with(richer))) == 4
    assert first_bad(_in_memory(_with(_rehash(_with(richer), 4)[3]))) == 4, "even with its hash made anew"
    assert first_bad(_in_memory(_rehash(_with(richer), 4))) == 4, "even with all hashes made anew"


def test_an_event_changed_and_its_own_hash_made_anew() -> None:
    """The next row holds the old hash."""
    row = replace(ROWS[1], data=ROWS[1].data.replace("100", "900"))
    row = replace(row, hash=row_hash(ROWS[0].hash, row))

    assert first_bad(_in_memory(_with(row))) == 3


def test_an_event_changed_and_all_hashes_made_anew_but_no_snapshot() -> None:
    """The next snapshot holds the old balance."""
    row = replace(ROWS[1], data=ROWS[1].data.replace("100", "900"))

    assert first_bad(_in_memory(_rehash(_with(row), 2))) == 4


def _recomputed(rows: Sequence[EventRow]) -> list[EventRow]:
    """The rows with all snapshots and all hashes made anew, as somebody who knows this code could."""
    codec, state, result = ACCOUNT_DECIDER.codec, None, []
    for row in rows:
        state = ACCOUNT_DECIDER.evolve(state, codec.decode(row.type, row.schema, row.data))
        result.append(row if row.state is None else replace(row, state=codec.encode_state(state)))
    return _rehash(result, 1)


def _rowhashes(rows: Sequence[EventRow]) -> dict[str, str]:
    """What consumers and the lake hold of rows: the published id and hash."""
    return {event.id: event.rowhash for event in map(domain_event, rows)}


FORGERIES: dict[str, tuple[list[EventRow], int]] = {
    "an event changed": (_with(replace(ROWS[1], data=ROWS[1].data.replace("100", "900"))), 2),
    "only who did it": (_with(replace(ROWS[4], metadata='{"command_id":"o5","correlation_id":"o5","actor":"x"}')), 5),
    "an event removed": ([replace(row, version=n) for n, row in enumerate([*ROWS[:4], *ROWS[5:]], 1)], 5),
    "an event inserted": ([replace(row, version=n) for n, row in enumerate([*ROWS[:2], ROWS[1], *ROWS[2:]], 1)], 3),
}
"""Rows, and the first version that is not genuine."""


@pytest.mark.parametrize(("rows", "first"), FORGERIES.values(), ids=FORGERIES)
def test_a_history_recomputed_to_its_end_verifies_and_the_published_hashes_tell(
    rows: list[EventRow], first: int
) -> None:
    forged = _recomputed(rows)

    assert _recomputed(ROWS) == ROWS, "recomputing is what the service does"
    assert first_bad(_in_memory(forged)) is None, "no chain of hashes without a secret can show it by itself"
    published, told = _rowhashes(ROWS), _rowhashes(forged)
    assert [version for version in range(1, NEWEST) if published[f"{A}/{version}"] != told[f"{A}/{version}"]] == list(
        range(first, NEWEST)
    )


def test_rows_removed_at_the_end_leave_a_chain_that_verifies_and_the_published_ids_tell() -> None:
    shorter = ROWS[:-2]

    assert first_bad(_in_memory(shorter)) is None
    assert _rowhashes(ROWS).keys() - _rowhashes(shorter).keys() == {f"{A}/{NEWEST - 1}", f"{A}/{NEWEST}"}


def test_time_running_backwards() -> None:
    early = replace(ROWS[2], recorded_at=ROWS[0].recorded_at)

    assert first_bad(_in_memory(_rehash(_with(early), 3))) == 3


def test_the_row_of_another_stream() -> None:
    assert first_bad(_in_memory(_with(replace(ROWS[2], stream_id=B)))) == 3
