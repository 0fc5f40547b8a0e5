"""Runs of stored commands: each is decided on what those before it left, and all end in one commit or none."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from lambdas.eventsourcing.decider import Committed, StoredCommand
from lambdas.eventsourcing.errors import (
    CommitInvalidError,
    CommitTooLargeError,
    ContentionError,
    FaultyCommandError,
    StoredCommandCompletedError,
    StoredCommandDiffersError,
    StoredCommandMissingError,
)
from lambdas.eventsourcing.rows import Metadata
from lambdas.eventsourcing.stored_executor import Ended
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.inbox import table
from tests.support.backends import NO_WAITING, Backend, DynamoDBBackend, NewId
from tests.support.dynamodb_tables import store_on
from tests.support.fake_dynamodb import client_error
from tests.support.inbox import Inbox, TableInbox, inbox_of, stored, taking
from tests.support.recording import whole_history
from tests.support.stores import CountingStore, OvertakenStore
from tests.support.tally import TALLY, Added, Tally, TallyError, TallyRepository, add, amounts, repository

Command = StoredCommand[Tally, Added]


@pytest.fixture
def inbox(backend: Backend) -> Inbox:
    return inbox_of(backend)


@pytest.fixture
def takings(inbox: Inbox, stream_id: str) -> Callable[..., list[Command]]:
    """Stored commands that take amounts from the test's stream."""
    numbers = itertools.count()

    def submit(*amounts: int, stream: str = stream_id, **fields: Any) -> list[Command]:
        commands = [taking(stream, amount, f"c{next(numbers)}", **fields) for amount in amounts]
        for each in commands:
            inbox.submit(each.scope, each.key)
        return commands

    return submit


Takings = Callable[..., list[Command]]


def told(ends: list[Ended[Tally]]) -> list[str]:
    """Each end: the total after it, or the name of what it is."""
    return [
        str(each.streams[0].state.total if each.streams[0].state else None)
        if isinstance(each, Committed)
        else type(each).__name__
        for each in ends
    ]


def test_each_is_decided_on_what_those_before_it_left(
    backend: Backend, inbox: Inbox, takings: Takings, stream_id: str
) -> None:
    counting = CountingStore(backend.store)
    repo = repository(counting)
    add(repo, stream_id, 100)
    counting.commits = counting.reads = 0
    commands = takings(30, 80, 70, 1)

    ends = repo.execute_stored(commands)

    assert told(ends) == ["70", "TallyError", "0", "TallyError"]
    assert (counting.commits, counting.reads) == (1, 0), "the appended rows prove what was decided beside them"
    found = [inbox.find(stream_id, each.key) for each in commands]
    assert [each[table.STATUS] for each in found] == [table.SUCCEEDED, table.REJECTED] * 2
    assert [each.get(table.VERSION) for each in found] == [2, None, 3, None]
    assert found[1][table.PROBLEM] == "70 is less than 80"
    rows = whole_history(backend.store, stream_id)
    assert {row.commit_id for row in rows[1:]} == {each[table.COMMIT_ID] for each in found}, "one commit id"
    assert repo.load(stream_id) == repository(backend.store).load(stream_id), "what is remembered is what is there"


def test_rows_keep_their_commands_metadata_and_time_and_snapshots_come_as_ever(
    backend: Backend, takings: Takings, stream_id: str
) -> None:
    repo = repository(backend.store, interval=10)
    add(repo, stream_id, *amounts(3), Added(100_000))
    commands = [
        StoredCommand(
            each.scope, each.key, each.stream_ids, each.decide, Metadata(each.key, f"of {each.key}", "actor"),
            f"2026-02-28T10:00:{number:02}.000Z", each.succeed, each.reject, each.expected,
        )
        for number, each in enumerate(takings(*[1] * 45))
    ]  # fmt: skip

    repo.execute_stored(commands)

    rows = whole_history(backend.store, stream_id)
    assert [json.loads(row.metadata)["command_id"] for row in rows[4:]] == [each.key for each in commands]
    assert [json.loads(row.metadata)["correlation_id"] for row in rows[4:]] == [f"of {each.key}" for each in commands]
    assert [row.occurred_at for row in rows[4:]] == [each.occurred_at for each in commands]
    assert len({row.recorded_at for row in rows[4:]}) == 1
    assert [row.version for row in rows if row.state is not None] == [1, 11, 21, 31, 41]
    ChainVerifier(backend.store, TALLY).verify(stream_id)


@pytest.mark.parametrize("warm", [True, False])
def test_rejections_alone_are_confirmed_by_one_read(
    backend: Backend, takings: Takings, stream_id: str, warm: bool
) -> None:
    """Others have changed what is remembered: rejected on that, the first would be wrong."""
    repo = repository(backend.store)
    add(repo, stream_id, 10)
    add(repository(backend.store), stream_id, 50)
    counting = CountingStore(backend.store)
    if warm:
        repo._stored._store = repo._stored._reader._store = counting
    else:
        repo = repository(counting)

    ends = repo.execute_stored(takings(100, 70, 80))

    assert told(ends) == ["TallyError"] * 3
    assert [str(each) for each in ends] == ["60 is less than 100", "60 is less than 70", "60 is less than 80"]
    assert (counting.reads, counting.commits) == (1, 1)


def test_a_stale_state_rejects_nothing_and_is_no_reason_for_a_read(
    backend: Backend, takings: Takings, stream_id: str
) -> None:
    """The row that is appended beside a rejection finds the version taken: the winner's row tells the rest."""
    repo = repository(backend.store)
    add(repo, stream_id, 10)
    add(repository(backend.store), stream_id, 50)
    counting = CountingStore(backend.store)
    repo._stored._store = repo._stored._reader._store = counting

    ends = repo.execute_stored(takings(40, 10))

    assert told(ends) == ["20", "10"]
    assert (counting.reads, counting.commits) == (0, 2)


def test_a_rejection_needs_proof_of_every_stream_that_it_was_decided_on(
    backend: Backend, inbox: Inbox, takings: Takings, new_id: NewId, stream_id: str
) -> None:
    """A row of one stream says nothing of another."""
    other = new_id()
    repo = repository(backend.store)
    for each in (stream_id, other):
        add(repo, each, 10)
    add(repository(backend.store), other, -10)
    counting = CountingStore(backend.store)
    repo._stored._store = repo._stored._reader._store = counting

    def needs_nothing_there(first: Tally | None, second: Tally | None) -> Any:
        if second is not None and second.total:
            raise TallyError("there is something")
        return ([Added(1)], [Added(1)])

    inbox.submit(stream_id, "transfer")
    transfer = stored(stream_id, needs_nothing_there, other, key="transfer")

    ends = repo.execute_stored([*takings(1), transfer])

    assert told(ends) == ["9", "10"]
    assert (counting.reads, counting.commits) == (1, 1)
    assert [repo.load(each).version for each in (stream_id, other)] == [3, 3]


def test_those_that_had_ended_are_dropped_and_the_rest_is_sent_as_one(
    backend: Backend, inbox: Inbox, takings: Takings, stream_id: str
) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 100)
    commands = takings(1, 2, 4, 8, 16)
    repo.execute_stored(commands[1:3])
    counting = CountingStore(backend.store)

    ends = repository(counting).execute_stored(commands)

    assert told(ends) == ["93", "StoredCommandCompletedError", "StoredCommandCompletedError", "85", "69"]
    assert (counting.reads, counting.commits) == (1, 2)
    assert inbox.find(stream_id, commands[0].key)[table.VERSION] == 4
    assert told(repository(backend.store).execute_stored(commands)) == ["StoredCommandCompletedError"] * 5


def test_a_twin_that_was_quicker_with_some_of_them(backend: Backend, takings: Takings, stream_id: str) -> None:
    """Both rows and commands are taken: what the store answers is enough for the next commit."""
    add(repository(backend.store), stream_id, 100)
    commands = takings(1, 2, 4)
    repo = repository(backend.store)
    repo.load(stream_id)
    counting = CountingStore(OvertakenStore(
        backend.store, [lambda: repository(backend.store).execute_stored(commands[:2])]
    ))  # fmt: skip
    repo._stored._store = repo._stored._reader._store = counting

    ends = repo.execute_stored(commands)

    assert told(ends) == ["StoredCommandCompletedError", "StoredCommandCompletedError", "93"]
    assert (counting.reads, counting.commits) == (0, 2)


@pytest.mark.parametrize("kept_back", [{0}, {1}, {2}, {0, 2}, {1, 2}, {0, 1, 2}])
@pytest.mark.parametrize("told_as", ["conflict", "no item"])
def test_winners_rows_are_not_folded_over_a_hole(
    dynamodb: DynamoDBBackend, stream_id: str, kept_back: set[int], told_as: str
) -> None:
    """DynamoDB may tell a transaction under way in place of a failed condition, or leave an item out."""
    inbox = TableInbox(dynamodb.client, dynamodb.tables.commands)
    add(repository(dynamodb.store), stream_id, 100)
    ours, theirs = ([taking(stream_id, 30, f"{who}{number}") for number in range(3)] for who in "ot")
    for each in [*ours, *theirs]:
        inbox.submit(stream_id, each.key)
    hiding = HidingClient(
        dynamodb.client, lambda: repository(dynamodb.store).execute_stored(theirs), kept_back, told_as
    )
    repo = repository(store_on(hiding, dynamodb.tables, backoff=NO_WAITING))
    repo.load(stream_id)

    ends = repo.execute_stored(ours)

    assert told(ends) == ["TallyError"] * 3, "ten are left"
    assert repo.load(stream_id) == repository(dynamodb.store).load(stream_id)
    ChainVerifier(dynamodb.store, TALLY).verify(stream_id)


def test_what_was_read_before_a_command_ended_elsewhere_rejects_nothing(
    backend: Backend, takings: Takings, stream_id: str
) -> None:
    """Money came in, and another container ended the first command. The second was rejected on what stood before."""
    add(repository(backend.store), stream_id, 1)
    commands = takings(50, 30)

    def meanwhile() -> None:
        add(repository(backend.store), stream_id, 99)
        repository(backend.store).execute_stored(commands[:1])

    ends = repository(OvertakenStore(backend.store, [meanwhile])).execute_stored(commands)

    assert told(ends) == ["StoredCommandCompletedError", "20"]


class HidingClient:
    """A client that is overtaken before its first transaction, and whose answer about that keeps something back."""

    def __init__(self, client: Any, overtake: Callable[[], object], places: set[int], told_as: str) -> None:
        self._client, self._overtake, self._places, self._told_as = client, overtake, places, told_as

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        overtake, self._overtake = self._overtake, lambda: None
        overtake()
        try:
            return self._client.transact_write_items(**request)
        except ClientError as error:
            answer: Any = error.response
            for place in self._places:
                answer["CancellationReasons"][place].pop("Item", None)
                if self._told_as == "conflict":
                    answer["CancellationReasons"][place]["Code"] = "TransactionConflict"
            self._places = set()
            raise


def test_what_is_stored_with_another_content_is_dropped_too(dynamodb: DynamoDBBackend, stream_id: str) -> None:
    inbox = TableInbox(dynamodb.client, dynamodb.tables.commands)
    repo = repository(dynamodb.store)
    add(repo, stream_id, 100)
    commands = [taking(stream_id, 1, f"c{number}") for number in range(4)]
    for each in commands:
        inbox.submit(stream_id, each.key)
    inbox.submit(stream_id, "c1", b"something else")
    inbox.put(stream_id, "c2", status={"S": table.PENDING}, actor={"S": "somebody"})
    absent = {table.BODY: commands[0].expected[table.BODY], table.ACTOR: None}
    commands[2] = taking(stream_id, 1, "c2", expected=absent)
    before = [inbox.item(stream_id, each.key) for each in commands[1:3]]

    ends = repo.execute_stored(commands)

    assert told(ends) == ["99", "StoredCommandDiffersError", "StoredCommandDiffersError", "98"]
    assert isinstance(ends[1], StoredCommandDiffersError)
    assert [inbox.item(stream_id, each.key) for each in commands[1:3]] == before
    assert len({row.commit_id for row in whole_history(dynamodb.store, stream_id)}) == 2


def test_one_that_is_missing_points_at_one_command(dynamodb: DynamoDBBackend, stream_id: str) -> None:
    inbox = TableInbox(dynamodb.client, dynamodb.tables.commands)
    repo = repository(dynamodb.store)
    add(repo, stream_id, 100)
    commands = [taking(stream_id, 1, f"c{number}") for number in range(3)]
    for each in commands[:2]:
        inbox.submit(stream_id, each.key)

    with pytest.raises(FaultyCommandError) as caught:
        repo.execute_stored(commands)

    assert isinstance(caught.value.reason, StoredCommandMissingError)
    assert len(whole_history(dynamodb.store, stream_id)) == 1
    assert told(repo.execute_stored(commands[:2])) == ["99", "98"]


def broken(*_: Any) -> Any:
    raise KeyError("a secret")


@pytest.mark.parametrize("where", ["decide", "succeed", "reject", "size"])
def test_what_one_command_is_the_cause_of_is_told_and_nothing_is_written(
    backend: Backend, inbox: Inbox, takings: Takings, stream_id: str, where: str
) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 100)
    (sick,) = takings(1000 if where == "reject" else 1)
    if where == "size":
        sick = stored(stream_id, lambda _: ([Added(1, "x" * 410_000)],), key=sick.key)
    else:
        sick = msgspec.structs.replace(sick, **{where: broken})
    commands = [*takings(1), sick, *takings(1)]

    with pytest.raises(FaultyCommandError) as caught:
        repo.execute_stored(commands)

    assert isinstance(caught.value.reason, CommitTooLargeError if where == "size" else KeyError)
    assert "secret" not in str(caught.value)
    assert len(whole_history(backend.store, stream_id)) == 1
    assert {inbox.find(stream_id, each.key)[table.STATUS] for each in commands} == {table.PENDING}


@pytest.mark.parametrize(
    "error",
    [
        client_error("ValidationException", "TransactWriteItems"),
        client_error(
            "TransactionCanceledException", "TransactWriteItems",
            CancellationReasons=[{"Code": "None"}, {"Code": "ValidationError"}],
        ),
    ],
)  # fmt: skip
def test_what_the_store_finds_invalid_points_at_one_command(
    dynamodb: DynamoDBBackend, stream_id: str, error: Exception
) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb.client, name)

        def transact_write_items(self, **_: Any) -> Any:
            raise error

    repo: TallyRepository = repository(dynamodb.on(Refusing()))
    with pytest.raises(FaultyCommandError) as caught:
        repo.execute_stored([taking(stream_id, 0, key) for key in "ab"])
    assert isinstance(caught.value.reason, CommitInvalidError)


def test_races_are_bounded(backend: Backend, takings: Takings, inbox: Inbox, stream_id: str) -> None:
    add(repository(backend.store), stream_id, 100)
    overtaken = OvertakenStore(backend.store, [lambda: add(repository(backend.store), stream_id, 1)] * 3)
    commands = takings(1, 2)

    with pytest.raises(ContentionError):
        repository(overtaken, max_conflicts=3).execute_stored(commands)

    assert {inbox.find(stream_id, each.key)[table.STATUS] for each in commands} == {table.PENDING}
    overtaken = OvertakenStore(backend.store, [lambda: add(repository(backend.store), stream_id, 1)] * 2)
    assert told(repository(overtaken).execute_stored(commands)) == ["104", "102"]


def test_a_command_without_streams_reads_nothing(backend: Backend, inbox: Inbox, stream_id: str) -> None:
    """It is refused whatever stands anywhere."""
    counting = CountingStore(backend.store)

    def refuse() -> Any:
        raise TallyError("no")

    commands = []
    for key in "ab":
        inbox.submit(stream_id, key)
        commands.append(stored(stream_id, refuse, key=key, stream_ids=()))

    assert told(repository(counting).execute_stored(commands)) == ["TallyError"] * 2
    assert (counting.reads, counting.commits) == (0, 1)


def test_opening_first_reads_nothing(backend: Backend, inbox: Inbox, takings: Takings, stream_id: str) -> None:
    counting = CountingStore(backend.store)

    def opening(state: Tally | None) -> Any:
        if state is not None:
            raise TallyError("it is there")
        return ([Added(5)],)

    for key in ("first", "second"):
        inbox.submit(stream_id, key)
    first, second = (stored(stream_id, opening, key=key, opens=True) for key in ("first", "second"))

    ends = repository(counting).execute_stored([first, *takings(2), second])

    assert told(ends) == ["5", "3", "TallyError"]
    assert (counting.reads, counting.commits) == (0, 1)


def test_no_commands(backend: Backend) -> None:
    assert repository(backend.store).execute_stored([]) == []


def test_completed_error_says_how_it_ended(backend: Backend, takings: Takings, stream_id: str) -> None:
    repo = repository(backend.store)
    add(repo, stream_id, 1)
    commands = takings(1, 5)
    repo.execute_stored(commands)
    first, second = repo.execute_stored(commands)
    assert isinstance(first, StoredCommandCompletedError)
    assert isinstance(second, StoredCommandCompletedError)
    assert (first.status, second.status) == (table.SUCCEEDED, table.REJECTED)
