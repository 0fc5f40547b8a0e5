"""Commands that were stored before they are carried out: their end is written with their events, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from lambdas.eventsourcing.decider import Committed, Outcome
from lambdas.eventsourcing.errors import (
    CommitTooLargeError,
    ContentionError,
    StoredCommandCompletedError,
    StoredCommandsRefusedError,
)
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, Completion
from lambdas.inbox import table
from tests.support.backends import Backend, NewId
from tests.support.inbox import Inbox, end_alone, inbox_of, stored, take_stored
from tests.support.keyed import take
from tests.support.recording import whole_history
from tests.support.stores import CountingStore, OvertakenStore, as_is
from tests.support.tally import Added, Tally, TallyError, add, amounts, repository, rows_of

PENDING = {table.STATUS: table.PENDING}


@pytest.fixture
def inbox(backend: Backend, stream_id: str) -> Inbox:
    """With one command, that waits for the test's stream."""
    inbox = inbox_of(backend)
    inbox.submit(stream_id, "command")
    return inbox


@pytest.fixture
def end(inbox: Inbox, stream_id: str) -> Callable[[], dict[str, str | int]]:
    """What is stored of that command now, but for the id of its commit."""

    def find() -> dict[str, str | int]:
        return {k: v for k, v in inbox.find(stream_id, "command").items() if k != table.COMMIT_ID}

    return find


End = Callable[[], dict[str, str | int]]


def _succeeded(version: int, total: int) -> dict[str, str | int]:
    return {table.STATUS: table.SUCCEEDED, table.VERSION: version, table.BALANCE: total}


def _rejected(reason: str) -> dict[str, str | int]:
    return {table.STATUS: table.REJECTED, table.PROBLEM: reason}


def test_success_is_of_the_same_commit_as_its_events(backend: Backend, inbox: Inbox, stream_id: str, end: End) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 100)
    assert end() == PENDING

    take_stored(repo, stream_id, 30)

    assert end() == _succeeded(2, 70)
    newest = whole_history(backend.store, stream_id)[-1]
    assert (newest.version, newest.commit_id) == (2, inbox.find(stream_id, "command")[table.COMMIT_ID])


def test_rejection_is_written_and_then_raised(backend: Backend, inbox: Inbox, stream_id: str, end: End) -> None:
    repo = repository(backend.store)
    (stream,) = add(repo, stream_id, 100).streams

    with pytest.raises(TallyError, match="100 is less than 500"):
        take_stored(repo, stream_id, 500)

    assert end() == _rejected("100 is less than 500")
    assert whole_history(backend.store, stream_id)[-1].version == stream.version
    assert isinstance(inbox.find(stream_id, "command")[table.COMMIT_ID], str)


@pytest.mark.parametrize("amount", [30, 500], ids=["succeeded", "rejected"])
def test_delivered_again_it_changes_nothing(
    backend: Backend, inbox: Inbox, stream_id: str, second: str, amount: int
) -> None:
    """Even when it would now end in another way."""
    repo = repository(backend.store)
    add(repo, stream_id, 100)
    _try(lambda: take_stored(repo, stream_id, amount))
    status = inbox.find(stream_id, "command")
    add(repo, stream_id, 1000 if amount == 500 else -70)
    history = whole_history(backend.store, stream_id)

    for _ in range(3):
        again = repo if second == "warm" else repository(backend.store)
        with pytest.raises(StoredCommandCompletedError) as caught:
            take_stored(again, stream_id, amount)
        assert (caught.value.scope, caught.value.key, caught.value.status) == (stream_id, "command", status["status"])

    assert inbox.find(stream_id, "command") == status
    assert whole_history(backend.store, stream_id) == history


def test_lost_race_and_then_success(backend: Backend, stream_id: str, end: End) -> None:
    add(repository(backend.store), stream_id, 100)
    overtaken = OvertakenStore(backend.store, [lambda: take(repository(backend.store), stream_id, 30)] * 2)

    take_stored(repository(overtaken), stream_id, 10)

    assert end() == _succeeded(4, 30)
    assert [len(commit.completions) for commit in overtaken.commits] == [1] * 3
    assert len({commit.commit_id for commit in overtaken.commits}) == 3


def test_lost_race_and_then_rejection(backend: Backend, stream_id: str, end: End) -> None:
    add(repository(backend.store), stream_id, 100)
    overtaken = OvertakenStore(backend.store, [lambda: take(repository(backend.store), stream_id, 95)])

    with pytest.raises(TallyError):
        take_stored(repository(overtaken), stream_id, 10)

    assert end() == _rejected("5 is less than 10")


@pytest.mark.parametrize("amount", [30, 500], ids=["success", "rejection"])
def test_another_processor_is_quicker(backend: Backend, inbox: Inbox, stream_id: str, amount: int) -> None:
    """In a success, rows and command are both taken: the command decides."""
    add(repository(backend.store), stream_id, 100)

    def twin() -> None:
        _try(lambda: take_stored(repository(backend.store), stream_id, amount))

    with pytest.raises(StoredCommandCompletedError) as caught:
        take_stored(repository(OvertakenStore(backend.store, [twin])), stream_id, amount)

    assert caught.value.status == inbox.find(stream_id, "command")[table.STATUS]
    assert len(whole_history(backend.store, stream_id)) == (2 if amount == 30 else 1)


def test_rejection_overtaken_by_the_success_of_its_twin(backend: Backend, stream_id: str, end: End) -> None:
    add(repository(backend.store), stream_id, 100)

    def twin() -> None:
        add(repository(backend.store), stream_id, 400)
        take_stored(repository(backend.store), stream_id, 500)

    with pytest.raises(StoredCommandCompletedError, match=table.SUCCEEDED):
        take_stored(repository(OvertakenStore(backend.store, [twin])), stream_id, 500)

    assert end() == _succeeded(3, 0)


def test_success_overtaken_by_the_rejection_of_its_twin(backend: Backend, stream_id: str, end: End) -> None:
    """The versions are free; the command is not."""
    add(repository(backend.store), stream_id, 100)

    def twin() -> None:
        with pytest.raises(TallyError):
            take_stored(repository(backend.store), stream_id, 500)

    with pytest.raises(StoredCommandCompletedError, match=table.REJECTED):
        take_stored(repository(OvertakenStore(backend.store, [twin])), stream_id, 30)

    assert end() == _rejected("100 is less than 500")
    assert len(whole_history(backend.store, stream_id)) == 1


def test_two_streams(backend: Backend, inbox: Inbox, new_id: NewId, stream_id: str, end: End, second: str) -> None:
    target = new_id()
    repo = repository(backend.store)
    for each in (stream_id, target):
        add(repo, each, 100)

    def transfer() -> None:
        again = repo if second == "warm" else repository(backend.store)
        end_alone(again, stored(stream_id, lambda sender, receiver: ([Added(-60)], [Added(60)]), target))

    transfer()
    with pytest.raises(StoredCommandCompletedError):
        transfer()

    assert end() == _succeeded(2, 40)
    newest = [whole_history(backend.store, each)[-1] for each in (stream_id, target)]
    assert [row.version for row in newest] == [2, 2]
    assert {row.commit_id for row in newest} == {inbox.find(stream_id, "command")[table.COMMIT_ID]}


def test_command_that_does_nothing_ends(backend: Backend, stream_id: str, end: End) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 100)

    def nothing() -> None:
        end_alone(repo, stored(stream_id, lambda state: ([],)))

    nothing()
    with pytest.raises(StoredCommandCompletedError):
        nothing()

    assert end() == _succeeded(1, 100)


def test_commands_are_apart_by_scope_and_key(backend: Backend, new_id: NewId) -> None:
    inbox, repo, ids = inbox_of(backend), repository(backend.store), [new_id(), new_id()]
    for each in ids:
        add(repo, each, 100)
        for key in "ab":
            inbox.submit(each, key)
            take_stored(repo, each, 10, key=key)

    assert [inbox.find(each, key)[table.BALANCE] for each in ids for key in "ab"] == [90, 80, 90, 80]


def test_calls_to_the_store(backend: Backend, new_id: NewId) -> None:
    """Warm it is one commit, cold a read before it; what is remembered rejects nothing."""
    counting, inbox = CountingStore(backend.store), inbox_of(backend)
    warm = repository(counting)
    for repo, amount, reads in ((warm, 1, 0), (None, 1, 1), (warm, 500, 1), (None, 500, 1)):
        stream_id = new_id()
        inbox.submit(stream_id, "command")
        add(warm, stream_id, 100)
        counting.reads = counting.commits = 0
        _try(partial(take_stored, repo or repository(counting), stream_id, amount))
        assert (counting.reads, counting.commits) == (reads, 1)


def test_no_read_opens_a_stream(backend: Backend, stream_id: str, end: End) -> None:
    counting = CountingStore(backend.store)

    def opened() -> object:
        def decide(state: Tally | None) -> Sequence[Sequence[Added]]:
            if state is not None:
                raise TallyError("it is there")
            return ([Added(5)],)

        return end_alone(repository(counting), stored(stream_id, decide, opens=True))

    assert isinstance(opened(), Committed)
    assert (counting.reads, counting.commits) == (0, 1)
    with pytest.raises(StoredCommandCompletedError):
        opened()
    assert end() == _succeeded(1, 5)


def test_contention_leaves_it_pending(backend: Backend, stream_id: str, end: End) -> None:
    add(repository(backend.store), stream_id, 100)
    overtaken = OvertakenStore(backend.store, [lambda: add(repository(backend.store), stream_id, 1)] * 3)

    with pytest.raises(ContentionError):
        take_stored(repository(overtaken, max_conflicts=3), stream_id, 10)

    assert end() == PENDING
    take_stored(repository(backend.store), stream_id, 10)
    assert end() == _succeeded(5, 93)


def test_ninety_nine_events_and_a_completion(backend: Backend, stream_id: str, end: End) -> None:
    repo = repository(backend.store)

    with pytest.raises(CommitTooLargeError, match="101"):
        end_alone(repo, stored(stream_id, lambda state: (amounts(100),)))
    assert (repo.load(stream_id).version, end()) == (0, PENDING)
    end_alone(repo, stored(stream_id, lambda state: (amounts(99),)))
    assert end()[table.VERSION] == 99


def test_outcome_that_fits_no_row(backend: Backend, stream_id: str, end: End) -> None:
    too_much = Outcome(table.SUCCEEDED, {"note": "x" * 410_000})
    command = stored(stream_id, lambda state: ([Added(1)],), succeed=lambda _: too_much)
    repo = repository(backend.store)

    with pytest.raises(CommitTooLargeError, match="an ended command of"):
        end_alone(repo, command)

    assert (repo.load(stream_id).version, end()) == (0, PENDING)


@pytest.mark.parametrize(("size", "fits"), [(140_000, True), (147_000, False)])
def test_stored_command_counts_as_large_as_it_is_twice(
    backend: Backend, inbox: Inbox, stream_id: str, size: int, fits: bool
) -> None:
    """In its row and in the condition. Ten rows of 390 KB leave some 290 KB of a transaction's 4 MB."""
    events, body = [Added(1, "x" * 390_000) for _ in range(10)], b"x" * size
    command = stored(stream_id, lambda state: (events,), key="large", expected={table.BODY: body})
    inbox.submit(stream_id, "large", body)
    repo = repository(backend.store)

    if fits:
        end_alone(repo, command)
    else:
        with pytest.raises(CommitTooLargeError, match="over the limit of 4194304"):
            end_alone(repo, command)

    assert len(whole_history(backend.store, stream_id)) == (10 if fits else 0)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_same_commit_sent_again(backend: Backend, inbox: Inbox, stream_id: str, size: int) -> None:
    """It succeeds and changes nothing; under another commit id it finds the end."""
    rows = tuple(rows_of(stream_id, amounts(size)))
    commit_id = rows[0].commit_id if rows else "commit"
    completion = Completion(stream_id, "command", commit_id, "DONE", {"answer": 42, "text": "€"}, {})

    for _ in range(3):
        backend.store.commit(as_is(Commit(commit_id, rows, completions=(completion,))), deadline=Deadline())

    assert inbox.find(stream_id, "command") == {"status": "DONE", "commit_id": commit_id, "answer": 42, "text": "€"}
    assert tuple(whole_history(backend.store, stream_id)) == rows
    other = Completion(stream_id, "command", "other", "OTHER", {}, {})
    with pytest.raises(StoredCommandsRefusedError, match="DONE"):
        backend.store.commit(as_is(Commit("other", (), completions=(other,))), deadline=Deadline())
    assert inbox.find(stream_id, "command")["status"] == "DONE"


def _try(call: Callable[[], object]) -> None:
    """What the business says no to has ended, too."""
    try:
        call()
    except TallyError:
        return
