"""Order, technical failures and time: what is left comes again, and nobody waits for another account's trouble."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from lambdas.eventsourcing.errors import (
    CommitInvalidError,
    CommitTooLargeError,
    CorruptRowError,
    InconsistentReadError,
    NotAppliedError,
    OutcomeUnknownError,
    ReadUnavailableError,
    StoredCommandMissingError,
    StoredCommandsRefusedError,
    UnknownSchemaError,
)
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit
from lambdas.inbox import table
from lambdas.inbox.processor import CommandProcessor
from lambdas.inbox.reasons import reason_of
from tests.support.commands import Desk, Record, always, command_item, command_record, new_processor
from tests.support.event_rows import account_id
from tests.support.fake_dynamodb import client_error
from tests.support.stores import OvertakenStore

A, B, C = (account_id(number) for number in range(1, 4))
OPEN = {"type": "OpenAccount", "currency": "EUR"}
SECRET = "the-secret-of-a-body"

OF_ALL: list[Exception] = [
    NotAppliedError("refused"),
    OutcomeUnknownError("no answer"),
    client_error("AccessDeniedException", "TransactWriteItems"),
    client_error("ResourceNotFoundException", "TransactWriteItems"),
    ReadTimeoutError(endpoint_url="https://dynamodb.invalid"),
    ValueError(SECRET),
    RecursionError(SECRET),
]
"""What says nothing of any one command."""

OF_ONE: list[tuple[Exception, str]] = [
    (CommitTooLargeError("an event of 1 byte"), "CommitTooLargeError: an event of 1 byte"),
    (CommitInvalidError("invalid"), "CommitInvalidError: invalid"),
    (StoredCommandsRefusedError([StoredCommandMissingError(A, "c")]), f"StoredCommandMissingError: command c of {A}"),
]
"""What one command is the cause of, and how it is told."""

UNREADABLE: list[Exception] = [
    InconsistentReadError(A, 3),
    CorruptRowError(A, 3, "a reason"),
    UnknownSchemaError("no event X"),
    ValueError(SECRET),
]
"""Why a history cannot be read."""


def credit(amount: int) -> dict[str, Any]:
    return {"type": "CreditAccount", "amount": amount}


def transfer(sender: str, receiver: str) -> dict[str, Any]:
    return {"type": "Transfer", "from_account_id": sender, "to_account_id": receiver, "amount": 1}


def id_of(record: Record) -> str:
    return str(record["dynamodb"]["Keys"][table.RANGE_KEY]["S"])


class TroubledDesk(Desk):
    """A desk whose store fails for the commands for which `trouble` gives an error."""

    def __init__(self) -> None:
        super().__init__()
        for account in (A, B, C):
            self.run(account, OPEN)
        self.trouble: Callable[[Commit], Exception | None]
        self.heal()
        store = OvertakenStore(self.store)
        commit = store.commit

        def troubled(build: Callable[[], Commit], **options: Any) -> Commit:
            error = self.trouble(build())
            if error is not None:
                raise error
            return commit(build, **options)

        store.commit = troubled  # type: ignore[assignment, method-assign]
        self.processor = new_processor(store)

    def fail(self, account: str, amount: int, error: Exception) -> list[Commit]:
        """A credit of this amount to this account fails; the commits that did."""
        text, failed = f'"amount":{amount},', list[Commit]()

        def trouble(commit: Commit) -> Exception | None:
            if not any(row.stream_id == account and text in row.data for row in commit.rows):
                return None
            failed.append(commit)
            return error

        self.trouble = trouble
        return failed

    def heal(self) -> None:
        """Nothing fails any more."""
        self.trouble = lambda commit: None


@pytest.fixture
def desk() -> TroubledDesk:
    """Three open accounts."""
    return TroubledDesk()


def amounts_of(desk: Desk, account: str) -> list[int]:
    """The versions of credits in order, told by their amounts."""
    rows = desk.store.read(account, after=1, deadline=Deadline()).rows
    return [int(row.data.split('"amount":')[1].split(",")[0]) for row in rows]


@pytest.mark.parametrize("error", OF_ALL, ids=lambda error: type(error).__name__)
def test_a_failure_that_points_at_no_command_stops_the_run_and_no_other_account(
    desk: TroubledDesk, error: Exception
) -> None:
    """Halving it would only cost more tries: each of its commands is told, and all come again."""
    records = [desk.record(account, credit(n)) for n in (1, 2, 3) for account in (A, B)]
    tried = desk.fail(A, 2, error)
    processed = desk.process(*records)
    assert (processed.succeeded, processed.rejected, processed.left, len(tried)) == (3, 0, 3, 1)
    assert [each.account_id for each in processed.failures] == [A] * 3
    assert [each.command_id for each in processed.failures] == [id_of(record) for record in records[::2]]
    assert {each.reason for each in processed.failures} == {reason_of(error)}
    assert SECRET not in str(processed)
    assert (amounts_of(desk, A), amounts_of(desk, B)) == ([], [1, 2, 3])


@pytest.mark.parametrize(("error", "reason"), OF_ONE, ids=[type(error).__name__ for error, _ in OF_ONE])
@pytest.mark.parametrize("sick", [1, 2, 5, 20, 49, 50, 51])
def test_a_failure_that_points_at_one_command_stops_its_account_there(
    desk: TroubledDesk, error: Exception, reason: str, sick: int
) -> None:
    """Those before it end, those behind it wait, and halving a run of 49 finds it in six steps."""
    records = [desk.record(account, credit(n)) for n in range(1, 52) for account in (A, B)]
    tried = desk.fail(A, sick, error)
    processed = desk.process(*records)
    assert (processed.succeeded, processed.left) == (51 + sick - 1, 52 - sick)
    (failure,) = processed.failures
    assert (failure.account_id, failure.command_id) == (A, id_of(records[2 * (sick - 1)]))
    assert failure.reason.startswith(reason)
    assert amounts_of(desk, A) == list(range(1, sick))
    assert amounts_of(desk, B) == list(range(1, 52))
    assert len(tried) <= 7


@pytest.mark.parametrize("error", UNREADABLE, ids=lambda error: type(error).__name__)
def test_a_history_that_cannot_be_read_stops_only_what_needs_it(
    desk: TroubledDesk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A, B and C are one queue, by transfers that come last."""
    read = desk.store.read

    def unreadable(stream_id: str, **options: Any) -> Any:
        if stream_id == A:
            raise error
        return read(stream_id, **options)

    monkeypatch.setattr(desk.store, "read", unreadable)
    desk.processor = new_processor(desk.store)
    records = [
        desk.record(B, credit(5)),
        desk.record(A, credit(1)),
        desk.record(C, credit(7)),
        desk.record(B, transfer(B, C)),
        desk.record(A, transfer(A, C)),
        desk.record(C, credit(9)),
    ]
    processed = desk.process(*records)
    assert [desk.completion(record) is not None for record in records] == [True, False, True, True, False, False]
    assert [each.command_id for each in processed.failures] == [id_of(records[1])]
    assert (processed.succeeded, processed.left) == (3, 3)
    assert SECRET not in str(processed)


def test_a_store_that_cannot_be_read_is_not_asked_for_each_command(desk: TroubledDesk) -> None:
    """An outage points at no command, and every further try would take its time."""
    asked = []

    def away(stream_id: str, **options: Any) -> Any:
        asked.append(stream_id)
        raise ReadUnavailableError("away")

    desk.processor = new_processor(OvertakenStore(desk.store))
    desk.processor._service._repository._reader._store.read = away  # type: ignore[method-assign]
    processed = desk.process(*[desk.record(A, credit(n)) for n in range(1, 50)])
    assert (processed.left, asked) == (49, [A])


def test_what_was_left_is_carried_out_when_it_comes_again(desk: TroubledDesk) -> None:
    records = [desk.record(A, credit(n)) for n in (1, 2, 3)]
    desk.fail(A, 2, CommitInvalidError("invalid"))
    assert desk.process(*records).left == 2
    desk.heal()
    again = desk.process(*records)
    assert (again.repeated, again.succeeded, again.left) == (1, 2, 0)
    assert amounts_of(desk, A) == [1, 2, 3]


def test_commands_of_an_account_run_in_the_order_of_their_sequence_numbers(desk: TroubledDesk) -> None:
    """They are numbers: as text, 10 would come before 9."""
    numbers = [9, 10, 100, 11]
    records = [command_record(command_item(A, f"c{n}", credit(n)), n) for n in numbers]
    desk.process(*records)
    assert amounts_of(desk, A) == [9, 10, 11, 100]


def test_what_is_no_new_command_is_left_alone(desk: TroubledDesk) -> None:
    ended = command_item(A, "c1", credit(1)) | {table.STATUS: {"S": table.SUCCEEDED}}
    other = {table.HASH_KEY: {"S": A}, table.RANGE_KEY: {"S": "AROAONE/k"}, "response": {"S": "{}"}}
    processed = desk.process(
        command_record(ended, 1, "MODIFY"),
        command_record(command_item(A, "c2", credit(2)), 2, "MODIFY"),
        command_record(command_item(A, "c3", credit(3)), 3, "REMOVE"),
        command_record(ended, 4),
        command_record(other, 5),
        {"eventName": "REMOVE", "dynamodb": {"Keys": {"account_id": {"S": A}, "command_id": {"S": "c9"}}}},
    )
    assert processed == type(processed)()
    assert amounts_of(desk, A) == []


def without(record: Record, *path: str) -> Record:
    """The record with something missing."""
    place = record
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return record


@pytest.mark.parametrize("name", [table.BODY, table.SUBMITTED_AT, table.ACTOR])
def test_a_row_that_is_not_as_documented_is_a_technical_failure(desk: TroubledDesk, name: str) -> None:
    bad = without(desk.record(A, credit(1), "bad"), "dynamodb", "NewImage", name)
    processed = desk.process(bad, desk.record(A, credit(2)), desk.record(B, credit(3)))
    assert (processed.succeeded, processed.left) == (1, 2)
    assert processed.failures[0].command_id == "bad"
    assert name in processed.failures[0].reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (table.BODY, {"S": SECRET}),
        (table.BODY, {"B": SECRET + "!"}),
        (table.SUBMITTED_AT, {"S": "yesterday"}),
        (table.SUBMITTED_AT, {"S": "2026-03-01T12:00:00.000000"}),
        (table.SUBMITTED_AT, {"N": "1"}),
    ],
)
def test_an_attribute_of_another_form_is_a_technical_failure(
    desk: TroubledDesk, name: str, value: dict[str, str]
) -> None:
    bad = desk.record(A, credit(1))
    bad["dynamodb"]["NewImage"][name] = value
    processed = desk.process(bad)
    assert (processed.left, processed.rejected) == (1, 0)
    assert SECRET not in processed.failures[0].reason


@pytest.mark.parametrize("path", [("Keys",), ("Keys", table.HASH_KEY), ("Keys", table.RANGE_KEY), ("SequenceNumber",)])
def test_a_record_that_belongs_nowhere_is_left_and_stops_nobody(desk: TroubledDesk, path: tuple[str, ...]) -> None:
    bad = without(desk.record(A, credit(1)), "dynamodb", *path)
    processed = desk.process(bad, desk.record(A, credit(2)))
    assert (processed.succeeded, processed.left, len(processed.failures)) == (1, 1, 1)


def test_no_run_begins_when_time_is_up(desk: TroubledDesk) -> None:
    records = [desk.record(account, credit(n)) for account in (A, B) for n in range(1, 60)]
    answers = iter([True, False, True, False])
    processed = desk.processor.process(records, lambda: next(answers))
    assert (processed.succeeded, processed.left, processed.failures) == (98, 20, [])
    assert amounts_of(desk, A) == amounts_of(desk, B) == list(range(1, 50))


def test_accounts_run_beside_each_other() -> None:
    """Each waits until the other is at work, too."""
    desk = Desk()
    meeting = threading.Barrier(2, timeout=10)
    store = OvertakenStore(desk.store, before_commits=[meeting.wait, meeting.wait])
    processor: CommandProcessor = new_processor(store, workers=2)
    processed = processor.process([desk.record(A, OPEN), desk.record(B, OPEN)], always)
    assert (processed.succeeded, processed.left) == (2, 0)


def test_many_accounts_on_few_workers() -> None:
    desk = Desk()
    accounts = [account_id(number) for number in range(30)]
    bodies = [OPEN, credit(1), credit(2)]
    records = [desk.record(account, body) for body in bodies for account in accounts]
    processed = new_processor(desk.store, workers=4).process(records, always)
    assert (processed.succeeded, processed.left) == (90, 0)
    assert {desk.balance(account) for account in accounts} == {3}


def test_a_reason_names_the_place_of_what_nobody_expected() -> None:
    with pytest.raises(ValueError, match=SECRET) as caught:
        int(SECRET)
    assert reason_of(caught.value).startswith("ValueError in test_a_reason_names_the_place")
    assert reason_of(KeyError(SECRET)) == "KeyError"


@pytest.mark.parametrize("garbage", [None, "text", {"S": None}, {"N": "5"}, []], ids=repr)
def test_a_record_that_is_garbage_stops_its_account_and_no_other(desk: TroubledDesk, garbage: Any) -> None:
    """Its failure is told with the record's correlation id, if it has one that can be read."""
    good, bad = desk.record(B, credit(1)), desk.record(A, credit(1))
    image = bad["dynamodb"]["NewImage"] | {table.CORRELATION_ID: garbage, table.BODY: {"S": "x"}}
    bad = bad | {"dynamodb": bad["dynamodb"] | {"NewImage": image}}
    processed = desk.process(bad, good)
    assert (processed.succeeded, processed.left) == (1, 1)
    (failure,) = processed.failures
    assert (failure.account_id, failure.correlation_id) == (A, "")
