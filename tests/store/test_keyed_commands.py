"""Rejections, lost races and twins under an idempotency key."""

from __future__ import annotations

from collections.abc import Sequence

from lambdas.eventsourcing.decider import Committed, Replayed
from tests.support.backends import Backend
from tests.support.keyed import keyed, take
from tests.support.recording import whole_history
from tests.support.stores import CountingStore, OvertakenStore
from tests.support.tally import METADATA, OCCURRED_AT, Added, Tally, TallyError, TallyRepository, add, repository


def test_rejection_is_remembered(backend: Backend, stream_id: str, second: str) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 5)
    assert take(repo, stream_id, 10, keyed(stream_id)) == "422 5 is less than 10"
    add(repo, stream_id, 100)

    again = repo if second == "warm" else repository(backend.store)

    assert take(again, stream_id, 10, keyed(stream_id)) == "again: 422 5 is less than 10"
    assert take(again, stream_id, 10, keyed(stream_id, key="a new key")) == "200 at 3: [95]"


def test_failed_precondition_is_remembered(backend: Backend, stream_id: str, second: str) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 100)
    add(repo, stream_id, 1)
    assert take(repo, stream_id, 10, keyed(stream_id), frozenset({3})) == "412 at 2"
    add(repo, stream_id, 1)

    again = repo if second == "warm" else repository(backend.store)

    assert take(again, stream_id, 10, keyed(stream_id), frozenset({3})) == "again: 412 at 2"


def test_unknown_stream_is_not_remembered(backend: Backend, stream_id: str, second: str) -> None:
    repo = repository(backend.store)
    assert take(repo, stream_id, 10, keyed(stream_id)) == "404"
    add(repository(backend.store), stream_id, 100)

    again = repo if second == "warm" else repository(backend.store)

    assert take(again, stream_id, 10, keyed(stream_id)) == "200 at 2: [90]"


def test_same_request_twice_at_once(backend: Backend, stream_id: str) -> None:
    """The slower of the two loses the race for the version and for the key, and gets the answer of the quicker."""
    add(repository(backend.store), stream_id, 100)
    overtaken = OvertakenStore(
        backend.store, [lambda: take(repository(backend.store), stream_id, 100, keyed(stream_id))]
    )

    assert take(repository(overtaken), stream_id, 100, keyed(stream_id)) == "again: 200 at 2: [0]"
    assert len(whole_history(backend.store, stream_id)) == 2


def test_rejection_overtaken_by_the_success_of_its_twin(backend: Backend, stream_id: str) -> None:
    """The twin ran after the rejected one had read, and found more: its answer stands under the key."""
    add(repository(backend.store), stream_id, 5)

    def twin() -> None:
        add(repository(backend.store), stream_id, 5)
        take(repository(backend.store), stream_id, 10, keyed(stream_id))

    overtaken = OvertakenStore(backend.store, [twin])

    assert take(repository(overtaken), stream_id, 10, keyed(stream_id)) == "again: 200 at 3: [0]"


def test_lost_race_under_a_key(backend: Backend, stream_id: str) -> None:
    add(repository(backend.store), stream_id, 100)
    overtaken = OvertakenStore(backend.store, [lambda: take(repository(backend.store), stream_id, 30)] * 2)

    assert take(repository(overtaken), stream_id, 10, keyed(stream_id)) == "200 at 4: [30]"
    assert take(repository(overtaken), stream_id, 10, keyed(stream_id)) == "again: 200 at 4: [30]"


def test_command_that_does_nothing_is_remembered(backend: Backend, stream_id: str) -> None:
    add(repository(backend.store), stream_id, 100)

    def nothing() -> Committed[Tally] | Replayed:
        return repository(backend.store).execute(
            (stream_id,),
            lambda state: ([],),
            metadata=METADATA,
            occurred_at=OCCURRED_AT,
            idempotency=keyed(stream_id),
        )

    assert isinstance(nothing(), Committed)
    again = nothing()
    assert isinstance(again, Replayed)
    assert again.receipt.response == "200 at 1: [100]"
    assert len(whole_history(backend.store, stream_id)) == 1


def test_opening_under_a_key(backend: Backend, stream_id: str, second: str) -> None:
    repo = repository(backend.store)

    def opened(repo: TallyRepository) -> Committed[Tally] | Replayed:
        def decide(state: Tally | None) -> Sequence[Sequence[Added]]:
            if state is not None:
                raise TallyError("it is there")
            return ([Added(0)],)

        return repo.execute(
            (stream_id,),
            decide,
            metadata=METADATA,
            occurred_at=OCCURRED_AT,
            idempotency=keyed(stream_id),
            opens=True,
        )

    assert isinstance(opened(repo), Committed)
    again = opened(repo if second == "warm" else repository(backend.store))
    assert isinstance(again, Replayed)
    assert again.receipt.response == "200 at 1: [0]"


def test_calls_to_the_store(backend: Backend, stream_id: str) -> None:
    """A warm keyed command is one commit; a replay that looks like a rejection at first takes a read, too."""
    counting = CountingStore(backend.store)
    repo = repository(counting)
    add(repo, stream_id, 100)

    for answer, reads in (("200 at 2: [0]", 0), ("again: 200 at 2: [0]", 1)):
        counting.reads = counting.commits = 0
        assert take(repo, stream_id, 100, keyed(stream_id)) == answer
        assert (counting.reads, counting.commits) == (reads, 1)
