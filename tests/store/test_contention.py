"""Commands that others overtake, once or again and again, on one stream or two."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from lambdas.eventsourcing.decider import Committed
from lambdas.eventsourcing.errors import ContentionError
from lambdas.eventsourcing.store import EventStore
from tests.support.backends import Backend, NewId
from tests.support.recording import whole_history
from tests.support.stores import OvertakenStore
from tests.support.tally import METADATA, OCCURRED_AT, Added, Tally, TallyError, add, added, amounts, fold, repository


@pytest.mark.parametrize("rivals", [1, 2, 3, 9])
@pytest.mark.parametrize("size", [1, 3])
def test_lost_races_are_decided_again(backend: Backend, stream_id: str, rivals: int, size: int) -> None:
    add(repository(backend.store), stream_id, 0)
    seen: list[Tally | None] = []

    def decide(state: Tally | None) -> Sequence[Sequence[Added]]:
        seen.append(state)
        return ([Added(7)] * size,)

    overtaken = OvertakenStore(
        backend.store, [partial(add, repository(backend.store), stream_id, amount) for amount in range(rivals)]
    )
    committed = repository(overtaken).execute((stream_id,), decide, metadata=METADATA, occurred_at=OCCURRED_AT)

    assert isinstance(committed, Committed)
    expected = [Added(0), *map(Added, range(rivals)), *[Added(7)] * size]
    assert repository(backend.store).load(stream_id).state == fold(expected)
    assert committed.streams[0].state == fold(expected)
    assert seen == [fold(expected[:count]) for count in range(1, rivals + 2)]


def test_race_lost_too_often_is_contention(backend: Backend, stream_id: str) -> None:
    add(repository(backend.store), stream_id, 0)
    overtaken = OvertakenStore(backend.store, [lambda: add(repository(backend.store), stream_id, 1)] * 10)

    with pytest.raises(ContentionError) as caught:
        add(repository(overtaken), stream_id, 7)

    assert (caught.value.stream_ids, caught.value.conflicts) == ((stream_id,), 10)
    assert repository(backend.store).load(stream_id).state == fold([Added(0), *[Added(1)] * 10])


def test_several_rows_won_at_once(backend: Backend, stream_id: str) -> None:
    """The loser's one row, or its several, meet the first rows of a longer commit."""
    add(repository(backend.store), stream_id, 0)
    overtaken = OvertakenStore(
        backend.store,
        [
            lambda: add(repository(backend.store), stream_id, *amounts(4)),
            lambda: add(repository(backend.store), stream_id, *amounts(12)),
        ],
    )

    appended = added(add(repository(overtaken), stream_id, 1, 2))

    assert appended.state == fold([Added(0), *amounts(4), *amounts(12), Added(1), Added(2)])


def test_transfers_both_ways_at_once(backend: Backend, new_id: NewId) -> None:
    """Each of two transfers loses a race to one that goes the other way."""
    one, two = new_id(), new_id()
    for stream_id in (one, two):
        add(repository(backend.store), stream_id, 100)
    overtaken = OvertakenStore(
        backend.store,
        [
            lambda: _transfer(backend.store, two, one, 30),
            lambda: None,
            lambda: _transfer(backend.store, one, two, 10),
        ],
    )

    _transfer(overtaken, one, two, 90)
    _transfer(overtaken, two, one, 160)
    with pytest.raises(TallyError):
        _transfer(overtaken, two, one, 11)

    totals = [state.total for stream in (one, two) if (state := repository(backend.store).load(stream).state)]
    assert totals == [100 + 30 - 90 - 10 + 160, 100 - 30 + 90 + 10 - 160]
    for stream_id in (one, two):
        assert [row.version for row in whole_history(backend.store, stream_id)] == [1, 2, 3, 4, 5]


def _transfer(store: EventStore, source: str, target: str, amount: int) -> None:
    def decide(sender: Tally | None, receiver: Tally | None) -> Sequence[Sequence[Added]]:
        if sender is None or sender.total < amount:
            raise TallyError
        return [Added(-amount)], [Added(amount)]

    repository(store).execute((source, target), decide, metadata=METADATA, occurred_at=OCCURRED_AT)
