"""Idempotency keys: what is remembered, for how long, and what a second request gets."""

from __future__ import annotations

import pytest

from lambdas.eventsourcing.decider import Committed, Replayed
from lambdas.eventsourcing.errors import CommitTooLargeError, IdempotencyKeyReusedError, ReceiptExistsError
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, Receipt
from tests.support.backends import Backend, NewId
from tests.support.keyed import TTL, keyed, take
from tests.support.recording import whole_history
from tests.support.set_clock import SetClock
from tests.support.stores import as_is
from tests.support.tally import METADATA, OCCURRED_AT, Added, Tally, TallyRepository, add, amounts, repository, rows_of


def test_whole_balance_taken_twice_under_one_key(backend: Backend, stream_id: str, second: str) -> None:
    """The second request gets the answer of the first, although nothing is left to take."""
    repo = repository(backend.store)
    add(repo, stream_id, 100)

    first_answer = take(repo, stream_id, 100, keyed(stream_id))
    second_answer = take(repo if second == "warm" else repository(backend.store), stream_id, 100, keyed(stream_id))

    assert first_answer == "200 at 2: [0]"
    assert second_answer == "again: 200 at 2: [0]"
    assert [row.version for row in whole_history(backend.store, stream_id)] == [1, 2]


def test_replay_of_what_could_be_done_again(backend: Backend, stream_id: str, second: str) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 100)
    take(repo, stream_id, 10, keyed(stream_id))
    take(repo, stream_id, 1)

    for _ in range(3):
        again = repo if second == "warm" else repository(backend.store)
        assert take(again, stream_id, 10, keyed(stream_id)) == "again: 200 at 2: [90]"
    assert len(whole_history(backend.store, stream_id)) == 3


def test_key_of_another_request(backend: Backend, stream_id: str, second: str) -> None:
    """The key is refused whatever the other request would have led to: a success, a rejection or a 412."""
    repo = repository(backend.store)
    add(repo, stream_id, 100)
    take(repo, stream_id, 10, keyed(stream_id))
    other = keyed(stream_id, request="another request")

    for amount, expected in ((10, None), (1000, None), (10, frozenset({1}))):
        again = repo if second == "warm" else repository(backend.store)
        with pytest.raises(IdempotencyKeyReusedError) as caught:
            take(again, stream_id, amount, other, expected)
        assert caught.value.key == "key"
    assert len(whole_history(backend.store, stream_id)) == 2


def test_scopes_and_keys_are_apart(backend: Backend, new_id: NewId) -> None:
    first, second = new_id(), new_id()
    repo = repository(backend.store)
    for stream_id in (first, second):
        add(repo, stream_id, 100)

    assert take(repo, first, 10, keyed(first)) == "200 at 2: [90]"
    assert take(repo, second, 10, keyed(second)) == "200 at 2: [90]"
    assert take(repo, first, 10, keyed(first, key="another key")) == "200 at 3: [80]"
    assert take(repo, first, 10, keyed(first)) == "again: 200 at 2: [90]"


@pytest.mark.parametrize(("seconds", "lives"), [(0, True), (TTL - 1, True), (TTL, False), (TTL + 1, False)])
def test_receipt_expires(backend: Backend, stream_id: str, second: str, seconds: int, lives: bool) -> None:
    clock = SetClock()
    repo = repository(backend.store, clock=clock)
    add(repo, stream_id, 100)
    take(repo, stream_id, 10, keyed(stream_id))

    clock.set(seconds)
    again = repo if second == "warm" else repository(backend.store, clock=clock)
    answer = take(again, stream_id, 10, keyed(stream_id))

    assert answer == ("again: 200 at 2: [90]" if lives else "200 at 3: [80]")
    if not lives:
        clock.set(seconds + TTL - 1)
        assert take(again, stream_id, 10, keyed(stream_id)) == "again: 200 at 3: [80]", "the new receipt replaced it"


@pytest.mark.parametrize("seconds", [TTL, 10 * TTL])
def test_key_is_free_again_once_expired(backend: Backend, stream_id: str, seconds: int) -> None:
    """For another request, and for a rejection, too."""
    clock = SetClock()
    repo = repository(backend.store, clock=clock)
    add(repo, stream_id, 100)
    take(repo, stream_id, 10, keyed(stream_id))

    clock.set(seconds)

    other = keyed(stream_id, request="another request")
    assert take(repo, stream_id, 1000, other) == "422 90 is less than 1000"
    assert take(repo, stream_id, 1000, other) == "again: 422 90 is less than 1000"


def test_commit_to_two_streams_under_a_key(backend: Backend, new_id: NewId, second: str) -> None:
    source, target = new_id(), new_id()
    repo = repository(backend.store)
    for stream_id in (source, target):
        add(repo, stream_id, 100)

    def transfer(repo: TallyRepository) -> Committed[Tally] | Replayed:
        return repo.execute(
            (source, target),
            lambda sender, receiver: ([Added(-60)], [Added(60)]),
            metadata=METADATA,
            occurred_at=OCCURRED_AT,
            idempotency=keyed(source),
        )

    assert isinstance(transfer(repo), Committed)
    again = transfer(repo if second == "warm" else repository(backend.store))
    assert isinstance(again, Replayed)
    assert (again.receipt.response, again.receipt.version) == ("200 at 2: [40, 160]", 2)


def test_ninety_nine_events_and_a_receipt(backend: Backend, stream_id: str) -> None:
    repo = repository(backend.store)

    with pytest.raises(CommitTooLargeError, match="101"):
        add(repo, stream_id, *amounts(100), idempotency=keyed(stream_id))
    assert repo.load(stream_id).version == 0
    add(repo, stream_id, *amounts(99), idempotency=keyed(stream_id))
    assert repo.load(stream_id).version == 99


@pytest.mark.parametrize("size", [0, 1, 2])
def test_same_commit_with_a_receipt_sent_again(backend: Backend, stream_id: str, size: int) -> None:
    """It succeeds and changes nothing; under another commit id, it finds the receipt."""
    rows = tuple(rows_of(stream_id, amounts(size)))
    commit_id = rows[0].commit_id if rows else "commit"
    receipt = Receipt(stream_id, "key", b"\x00\xff", commit_id, size, "response", 1_000)

    for _ in range(3):
        backend.store.commit(as_is(Commit(commit_id, rows, receipt), made_at=10), deadline=Deadline())

    assert tuple(whole_history(backend.store, stream_id)) == rows
    other = Receipt(stream_id, "key", b"other", "other", size, "other", 2_000)
    with pytest.raises(ReceiptExistsError) as caught:
        backend.store.commit(as_is(Commit("other", (), other), made_at=999), deadline=Deadline())
    assert caught.value.receipt == receipt
