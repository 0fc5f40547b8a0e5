"""Stored commands as rows of a table: those that are not there, not pending, or no commands at all."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.errors import (
    ReceiptExistsError,
    StoredCommandCompletedError,
    StoredCommandMissingError,
    StoredCommandsRefusedError,
)
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, Completion, Receipt
from lambdas.inbox import table
from tests.support.backends import DynamoDBBackend
from tests.support.inbox import BODY, TableInbox, take_stored
from tests.support.keyed import keyed
from tests.support.recording import whole_history
from tests.support.stores import as_is
from tests.support.tally import TallyRepository, add, amounts, repository, rows_of

AMOUNTS = pytest.mark.parametrize("amount", [30, 500], ids=["success", "rejection"])


@pytest.fixture
def inbox(dynamodb: DynamoDBBackend) -> TableInbox:
    return TableInbox(dynamodb.client, dynamodb.tables.commands)


@pytest.fixture
def repo(dynamodb: DynamoDBBackend, stream_id: str) -> TallyRepository:
    """It remembers the stream, which holds 100 at version 1."""
    repo = repository(dynamodb.store)
    add(repo, stream_id, 100)
    return repo


@AMOUNTS
def test_no_row(
    dynamodb: DynamoDBBackend, inbox: TableInbox, repo: TallyRepository, stream_id: str, amount: int
) -> None:
    """None is made."""
    with pytest.raises(StoredCommandMissingError) as caught:
        take_stored(repo, stream_id, amount)

    assert (caught.value.scope, caught.value.key) == (stream_id, "command")
    assert inbox.item(stream_id, "command") is None
    assert len(whole_history(dynamodb.store, stream_id)) == 1


@AMOUNTS
def test_a_row_without_a_status_is_no_command(
    dynamodb: DynamoDBBackend, inbox: TableInbox, repo: TallyRepository, stream_id: str, amount: int
) -> None:
    key = "something else"
    inbox.put(stream_id, key, commit_id={"S": "earlier"}, response={"S": "200"})
    before = inbox.item(stream_id, key)

    with pytest.raises(StoredCommandMissingError):
        take_stored(repo, stream_id, amount, key=key)

    assert inbox.item(stream_id, key) == before
    assert len(whole_history(dynamodb.store, stream_id)) == 1


@AMOUNTS
def test_a_failed_command_is_left_alone(
    dynamodb: DynamoDBBackend, inbox: TableInbox, repo: TallyRepository, stream_id: str, amount: int
) -> None:
    """Whoever marked it as failed made no commit. Pending once more, it ends, and no day of failure is left."""
    failed_on = {table.FAILED_ON: {"S": "2026-02-28"}}
    inbox.put(stream_id, "command", status={"S": table.FAILED}, **failed_on)
    before = inbox.item(stream_id, "command")

    with pytest.raises(StoredCommandCompletedError, match=table.FAILED):
        take_stored(repo, stream_id, amount)
    assert inbox.item(stream_id, "command") == before
    assert len(whole_history(dynamodb.store, stream_id)) == 1

    inbox.put(stream_id, "command", status={"S": table.PENDING}, **failed_on)
    take_stored(repo, stream_id, 30)
    assert inbox.find(stream_id, "command")[table.STATUS] == table.SUCCEEDED
    assert table.FAILED_ON not in inbox.find(stream_id, "command")


def test_what_was_stored_stays_and_types_are_kept(inbox: TableInbox, repo: TallyRepository, stream_id: str) -> None:
    inbox.submit(stream_id, "command")

    committed: Any = take_stored(repo, stream_id, 30)

    assert inbox.item(stream_id, "command") == {
        table.HASH_KEY: {"S": stream_id},
        table.RANGE_KEY: {"S": "command"},
        table.BODY: {"B": BODY},
        table.STATUS: {"S": table.SUCCEEDED},
        table.COMMIT_ID: {"S": committed.commit_id},
        table.VERSION: {"N": "2"},
        table.BALANCE: {"N": "70"},
    }


@pytest.mark.parametrize("size", [0, 1, 2])
def test_completion_beside_a_receipt(dynamodb: DynamoDBBackend, inbox: TableInbox, stream_id: str, size: int) -> None:
    """No command has both; a commit may. Own commit id, then the command's end, then the receipt."""
    rows = tuple(rows_of(stream_id, amounts(size)))
    commit_id = rows[0].commit_id if rows else "commit"
    inbox.submit(stream_id, "command")
    inbox.submit(stream_id, "other")

    def commit(commit_id: str, key: str) -> None:
        receipt = Receipt(stream_id, "key", b"hash", commit_id, size, "response", 1_000)
        completion = Completion(stream_id, key, commit_id, "DONE", {}, {})
        dynamodb.store.commit(as_is(Commit(commit_id, rows, receipt, (completion,)), made_at=10), deadline=Deadline())

    commit(commit_id, "command")
    commit(commit_id, "command")
    with pytest.raises(StoredCommandsRefusedError, match="DONE"):
        commit("another", "command")
    with pytest.raises(ReceiptExistsError):
        commit("another", "other")
    assert inbox.find(stream_id, "other") == {table.STATUS: table.PENDING}


def test_a_store_without_an_inbox(dynamodb: DynamoDBBackend, stream_id: str) -> None:
    store = DynamoDBEventStore(
        dynamodb.client, event_table=dynamodb.tables.events, receipt_table=dynamodb.tables.receipts
    )

    with pytest.raises(ValueError, match="inbox"):
        take_stored(repository(store), stream_id, 0)

    assert whole_history(dynamodb.store, stream_id) == []


def test_a_store_without_a_receipt_table(dynamodb: DynamoDBBackend, stream_id: str) -> None:
    store = DynamoDBEventStore(dynamodb.client, event_table=dynamodb.tables.events)

    with pytest.raises(ValueError, match="receipt table"):
        add(repository(store), stream_id, 1, idempotency=keyed(stream_id))

    assert whole_history(dynamodb.store, stream_id) == []
