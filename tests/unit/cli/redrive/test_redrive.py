"""`daybook redrive`: what it does, in which order, what it prints, how it exits, and that it can be repeated."""

from __future__ import annotations

import io
import itertools
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from moto import mock_aws

from cli.app import main
from cli.environments.place import Place
from cli.errors import PlaceError
from cli.redrive import finding
from cli.redrive.inbox import Clients, Inbox, inbox_of, open_clients
from cli.redrive.redriver import Redriver
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.inbox.marking import FailureMarker, Mark
from lambdas.inbox.stream_records import CommandKey, key_of
from tests.support.clocks import START
from tests.support.command_world import BUCKET, World, open_bank
from tests.support.commands import MALFORMED, Record, command_item, command_record
from tests.support.dynamodb_tables import REGION
from tests.support.envelopes import check
from tests.support.event_rows import account_id
from tests.support.event_source_mapping import invocation_record, object_key
from tests.support.fake_dynamodb import client_error
from tests.support.paging import dynamodb_paginator

A, B, C = (account_id(number) for number in range(1, 4))
OPEN = {"type": "OpenAccount", "currency": "EUR"}
TODAY = "2026-03-01"
OF = ("shard", 1, START)
"""What else an invocation record is of."""
INVALID = "CommitInvalidError: the store refuses the commit as invalid: ValidationException"
ENDED = {table.STATUS: {"S": table.SUCCEEDED}}


class CrashError(BaseException):
    """The operator's program ends here."""


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """Two open accounts."""
    return open_bank(monkeypatch, tmp_path, A, B)


def credit(amount: int) -> dict[str, Any]:
    return {"type": "CreditAccount", "amount": amount}


def transfer(sender: str, receiver: str, amount: int) -> dict[str, Any]:
    return {"type": "Transfer", "from_account_id": sender, "to_account_id": receiver, "amount": amount}


def fail(bank: World, *records: Record) -> list[Record]:
    """These commands fail until they are parked; then the cause is gone."""
    bank.poison |= {key_of(record).command_id for record in records}
    bank.mapping.deliver(records)
    bank.poison.clear()
    assert {bank.status(record) for record in records} == {table.FAILED}
    return list(records)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was printed for the operator."""
    return [line for line in capsys.readouterr().out.splitlines() if not line.startswith("{")]


def test_a_line_for_each_command_in_the_order_submitted(bank: World, capsys: pytest.CaptureFixture[str]) -> None:
    rejected = transfer(B, C, 1)
    fail(bank, bank.submit(B, credit(5), "z"), bank.submit(A, credit(7), "m"), bank.submit(B, rejected, "a"))
    capsys.readouterr()
    assert bank.redrive("--failed-on", TODAY) == 0
    assert lines(capsys) == [
        f"{B}  z  SUCCEEDED  version 2, balance 5",
        f"{A}  m  SUCCEEDED  version 2, balance 7",
        f"{B}  a  REJECTED  urn:daybook:problem:account-not-found the receiving account was never opened",
    ]
    assert bank.redrive("--failed-on", TODAY) == 0
    assert lines(capsys) == ["there is nothing to redrive"]


def test_json(bank: World, capsys: pytest.CaptureFixture[str]) -> None:
    fail(bank, bank.submit(A, credit(7), "m"))
    bank.s3.objects["aws/lambda/else"] = b"{}"
    capsys.readouterr()
    assert bank.redrive("--parked", "--delete", "--json") == 1
    document = json.loads("{" + capsys.readouterr().out.rpartition("\n{\n")[2])  # behind what the functions log
    check("redrive", document)
    assert document["problem"] == {
        "exit_status": 1,
        "detail": "0 commands of 1 did not end. 1 object could not be read.",
    }
    assert document["data"] == {
        "commands": [{"account_id": A, "command_id": "m", "status": "SUCCEEDED", "note": "version 2, balance 7"}],
        "deleted_objects": [bank.parked[0]],
        "unreadable_objects": ["aws/lambda/else"],
    }


def test_json_of_a_redrive_that_stops_half_way(
    bank: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(bank, bank.submit(A, credit(7), "done"), bank.submit(B, credit(1), "not"))
    calls, read = itertools.count(), bank.dynamodb.get_item

    def refused(**request: Any) -> Any:
        if next(calls) > 2:  # both rows are read, the first command is retried and read once more
            raise client_error("AccessDeniedException", "GetItem")
        return read(**request)

    monkeypatch.setattr(bank.dynamodb, "get_item", refused)
    capsys.readouterr()
    assert bank.redrive("--failed-on", TODAY, "--json") == 3
    document = json.loads("{" + capsys.readouterr().out.rpartition("\n{\n")[2])
    check("redrive", document)
    assert [each["command_id"] for each in document["data"]["commands"]] == ["done"]
    assert document["problem"]["detail"].endswith("repeating the command is safe")


def test_what_has_ended_is_told_and_left_alone(bank: World, capsys: pytest.CaptureFixture[str]) -> None:
    done, refused = bank.submit(A, credit(1), "done"), bank.submit(A, b"{", "refused")
    bank.mapping.deliver([done, refused])
    before = bank.row(done), bank.row(refused)
    capsys.readouterr()
    assert bank.redrive("--command", A, "done") == 0
    assert bank.redrive("--command", A, "refused") == 0
    assert lines(capsys) == [
        f"{A}  done  SUCCEEDED  had ended before; nothing was changed",
        f"{A}  refused  REJECTED  had ended before; nothing was changed",
    ]
    assert (bank.row(done), bank.row(refused)) == before


def test_a_pending_command_is_left_to_the_stream_while_that_may_bring_it(
    bank: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier one of its account may be on its way, and would take effect after it."""
    earlier, record = bank.submit(A, credit(1)), bank.submit(A, credit(3), "waits")
    capsys.readouterr()
    bank.time.sleep(24 * 3600.0 - 2.0)
    assert bank.redrive("--command", A, "waits") == 1
    assert lines(capsys) == [
        f"{A}  waits  PENDING  was not tried: the stream may still deliver it after earlier ones; or --force"
    ]
    assert bank.account(A) == (1, 0)
    assert bank.redrive("--command", A, "waits", "--force") == 0, "whoever knows better may"
    assert (bank.status(earlier), bank.status(record), bank.account(A)) == (table.PENDING, table.SUCCEEDED, (2, 3))
    bank.time.sleep(1.0)
    assert bank.redrive("--command", A, key_of(earlier).command_id) == 0, "the stream has forgotten it"
    assert bank.account(A) == (3, 4)


@pytest.mark.parametrize("options", [["--force"], []])
def test_a_pending_command_that_fails_here_is_not_failed_for_the_stream_may_bring_it(
    bank: World, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    record = bank.submit(A, credit(3), "waits")
    if not options:
        bank.time.sleep(24 * 3600.0)
    before = bank.row(record)
    bank.poison.add("waits")
    capsys.readouterr()
    assert bank.redrive("--command", A, "waits", *options) == 1
    assert lines(capsys) == [f"{A}  waits  PENDING  the processor failed: 1 commands have not ended: {INVALID}"]
    assert bank.row(record) == before
    bank.poison.clear()
    bank.mapping.max_age_seconds = 48 * 3600.0
    bank.mapping.deliver([record])
    assert bank.status(record) == table.SUCCEEDED


def test_a_pending_command_that_failed_before_says_failed_again(bank: World) -> None:
    """A redrive that stopped half-way had set it pending: nobody else brings it."""
    fail(bank, record := bank.submit(A, credit(1), "c"))

    class Stopping:
        def invoke(self, **_: Any) -> Any:
            raise CrashError

    with pytest.raises(CrashError):
        bank.redrive("--failed-on", TODAY, around=lambda c: Stopping() if hasattr(c, "invoke") else c)
    assert bank.status(record) == table.PENDING
    bank.poison.add("c")
    assert bank.redrive("--command", A, "c") == 1
    assert bank.status(record) == table.FAILED


def test_what_was_never_brought_is_found_by_its_age(bank: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Of several accounts, on several pages; neither what has ended, nor what is younger, nor a row of another kind."""
    lost = [bank.submit(account, credit(n)) for n in (1, 2, 3) for account in (A, B)]
    bank.mapping.deliver([bank.submit(A, credit(100))])
    other = {table.HASH_KEY: {"S": A}, table.RANGE_KEY: {"S": "AROAONE/k"}, "response": {"S": "{}"}}
    bank.dynamodb.put_item(TableName="commands", Item=other)
    bank.time.sleep(3600.0)
    younger = bank.submit(A, credit(1000))
    bank.time.sleep(24 * 3600.0)
    capsys.readouterr()
    assert bank.redrive("--pending-before", "2026-03-01T14:00:00+01:00") == 0
    assert [line.split()[:3] for line in lines(capsys)] == [
        [key_of(each).account_id, key_of(each).command_id, table.SUCCEEDED] for each in lost
    ]
    assert (bank.account(A), bank.account(B)) == ((5, 106), (4, 6))
    assert bank.status(younger) == table.PENDING
    assert bank.redrive("--pending-before", "2026-03-01T13:00:00") == 0
    assert lines(capsys) == ["there is nothing to redrive"]


def test_a_time_for_which_the_stream_still_has_records_is_refused(
    bank: World, capsys: pytest.CaptureFixture[str]
) -> None:
    record = bank.submit(A, credit(1))
    bank.time.sleep(24 * 3600.0 - 5.0)
    assert bank.redrive("--pending-before", "2026-03-01T12:00:00Z") == 2
    assert "at least a day ago" in capsys.readouterr().err
    assert bank.status(record) == table.PENDING
    bank.time.sleep(5.0)
    assert bank.redrive("--pending-before", "2026-03-01T12:00:00Z") == 0


def test_a_restored_table_is_older_than_its_stream_which_never_delivers_its_rows(
    bank: World, capsys: pytest.CaptureFixture[str]
) -> None:
    record = bank.submit(A, credit(1))
    bank.time.sleep(3600.0)
    bank.dynamodb.stream_began = bank.time.wall()
    younger = bank.submit(A, credit(10))
    after = format_timestamp(bank.dynamodb.stream_began + timedelta(milliseconds=1))
    assert bank.redrive("--pending-before", after) == 2
    assert "before the table was restored" in capsys.readouterr().err
    assert bank.redrive("--pending-before", format_timestamp(bank.dynamodb.stream_began)) == 0
    assert (bank.status(record), bank.status(younger)) == (table.SUCCEEDED, table.PENDING)


def test_parked_objects_go_once_every_command_in_them_has_ended(
    bank: World, capsys: pytest.CaptureFixture[str]
) -> None:
    bank.mapping.batch_size, bank.mapping.max_age_seconds = 2, 1.0
    records = [bank.submit(account, credit(1), name) for name in ("first", "second") for account in (A, B)]
    bank.time.sleep(10.0)
    bank.mapping.deliver(records)
    assert [len(batch) for batch in bank.parked_records()] == [2, 2], "each object holds commands of both accounts"
    first, second = bank.parked
    others = {
        "aws/lambda/else": b"{}",
        "aws/lambda/none": invocation_record([records[0] | {"eventName": "REMOVE"}], *OF),
    }
    bank.s3.objects |= others
    bank.poison.add("second")
    capsys.readouterr()
    assert bank.redrive("--parked", "--prefix", first.rpartition("/")[0], "--delete") == 1
    assert [line for line in lines(capsys) if "object" in line] == [f"{first}: object deleted"]
    assert bank.s3.objects.keys() == {second, *others}
    bank.poison.clear()
    assert bank.redrive("--parked", "--prefix", second) == 0
    assert bank.s3.objects.keys() == {second, *others}, "nobody asked for it"
    capsys.readouterr()
    assert bank.redrive("--parked", "--delete") == 1
    assert bank.s3.objects == others, "what cannot be read, or holds no command, is for a person to look at"


@pytest.mark.parametrize("command", ["AROAONE/nothing", "AROAONE/k"])
def test_what_is_no_command_is_not_found(bank: World, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    other = {table.HASH_KEY: {"S": A}, table.RANGE_KEY: {"S": "AROAONE/k"}, "response": {"S": "{}"}}
    bank.dynamodb.put_item(TableName="commands", Item=other)
    assert bank.redrive("--command", A, command) == 1
    assert lines(capsys) == [f"{A}  {command}  NOT-FOUND  no such command is stored"]


def test_two_callers_commands_under_one_key(bank: World, capsys: pytest.CaptureFixture[str]) -> None:
    """An operator is told which, and gives it back in the same form; a key alone is explained."""
    records = [bank.submit(A, credit(n), f"{caller}/pay") for n, caller in ((1, "AROAONE"), (2, "AROATWO"))]
    fail(bank, *records)
    capsys.readouterr()
    assert bank.redrive("--command", A, "AROATWO/pay") == 0
    assert lines(capsys) == [f"{A}  AROATWO/pay  SUCCEEDED  version 2, balance 2"]
    assert [bank.status(each) for each in records] == [table.FAILED, table.SUCCEEDED]
    assert bank.redrive("--command", A, "pay") == 1
    assert lines(capsys) == [f"{A}  pay  NOT-FOUND  no such command is stored; an id has the form CALLER/KEY"]
    assert bank.redrive("--failed-on", TODAY) == 0
    assert lines(capsys) == [f"{A}  AROAONE/pay  SUCCEEDED  version 3, balance 3"]


def test_a_transfer_that_fails_again_stops_both_of_its_accounts(
    bank: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without it the account it pays into is empty: a withdrawal that was tried would be refused for good."""
    bank.mapping.deliver([bank.submit(A, credit(100)), bank.submit(C, OPEN)])
    records = fail(
        bank,
        bank.submit(A, transfer(A, B, 60), "first"),
        bank.submit(B, transfer(B, C, 50), "behind"),
        bank.submit(C, {"type": "WithdrawFromAccount", "amount": 40}, "last"),
    )
    bank.poison.add("first")
    capsys.readouterr()
    assert bank.redrive("--failed-on", TODAY) == 1
    assert [line.partition("  FAILED  ")[2][:13] for line in lines(capsys)] == ["the processor", *["was not tried"] * 2]
    assert {bank.status(each) for each in records} == {table.FAILED}
    bank.poison.clear()
    assert bank.redrive("--failed-on", TODAY) == 0
    assert {bank.status(each) for each in records} == {table.SUCCEEDED}
    assert [bank.account(each)[1] for each in (A, B, C)] == [40, 10, 10]


def test_a_command_that_has_ended_waits_for_none_and_stops_none(
    bank: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A transfer that has taken effect says nothing of its other account."""
    bank.mapping.deliver([bank.submit(A, credit(100))])
    first = fail(bank, bank.submit(A, credit(1), "first"))
    done = bank.submit(A, transfer(A, B, 60), "done")
    bank.mapping.deliver([done])
    third = fail(bank, bank.submit(B, credit(3), "third"))
    name = object_key("shard", START)
    bank.s3.objects = {name: invocation_record([*first, done, *third], "shard", 3, START)}
    bank.poison.add("first")
    capsys.readouterr()
    assert bank.redrive("--parked") == 1
    assert [line.split()[2:4] for line in lines(capsys)] == [
        [table.FAILED, "the"],
        [table.SUCCEEDED, "had"],
        [table.SUCCEEDED, "version"],
    ]


def test_what_fails_again_says_so_and_stops_its_account(bank: World, capsys: pytest.CaptureFixture[str]) -> None:
    sick, behind, other = fail(
        bank, bank.submit(A, credit(1), "sick"), bank.submit(A, credit(2), "behind"), bank.submit(B, credit(3), "other")
    )
    bank.poison.add("sick")
    bank.time.sleep(24 * 3600.0)
    capsys.readouterr()
    assert bank.redrive("--parked") == 1
    assert lines(capsys) == [
        f"{A}  sick  FAILED  the processor failed: 1 commands have not ended: {INVALID}",
        f"{A}  behind  FAILED  was not tried: an earlier command on the same account has not ended",
        f"{B}  other  SUCCEEDED  version 2, balance 3",
    ]
    row = bank.row(sick)
    assert row[table.FAILED_ON] == {"S": TODAY}, "the next redrive of the day must find it"
    assert row[table.COMPLETED_AT]["S"] > "2026-03-02"
    assert table.PROBLEM in row
    assert bank.redrive("--command", A, "behind") == 0, "by name it can be had out of order"
    assert [bank.status(each) for each in (sick, behind, other)] == [table.FAILED, table.SUCCEEDED, table.SUCCEEDED]


@pytest.mark.parametrize(
    "error",
    [client_error("TooManyRequestsException", "Invoke", status=429), ConnectTimeoutError(endpoint_url="https://x")],
)
def test_a_processor_that_cannot_be_asked(bank: World, error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    fail(bank, record := bank.submit(A, credit(1), "c"))
    capsys.readouterr()

    class Away:
        def invoke(self, **_: Any) -> Any:
            raise error

    assert bank.redrive("--failed-on", TODAY, around=lambda c: Away() if hasattr(c, "invoke") else c) == 1
    assert lines(capsys)[0].startswith(f"{A}  c  FAILED  the processor could not be invoked: ")
    assert bank.status(record) == table.FAILED


def test_an_answer_that_was_lost_is_no_failure(bank: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The processor did its work, and nobody heard of it: the row knows."""
    fail(bank, record := bank.submit(A, credit(1), "c"))

    def deaf(client: Any) -> Any:
        if not hasattr(client, "invoke"):
            return client
        invoke = client.invoke

        def lost(**request: Any) -> Any:
            invoke(**request)
            raise ConnectTimeoutError(endpoint_url="https://x")

        client.invoke = lost
        return client

    capsys.readouterr()
    assert bank.redrive("--failed-on", TODAY, around=deaf) == 0
    assert lines(capsys) == [f"{A}  c  SUCCEEDED  version 2, balance 1"]
    assert bank.status(record) == table.SUCCEEDED
    assert bank.account(A) == (2, 1)


def test_a_command_that_ends_while_it_is_looked_at_stays_as_it_ended(bank: World) -> None:
    """Another operator was quicker, between this one's reading and writing."""
    fail(bank, record := bank.submit(A, credit(1), "c"))

    class Overtaken:
        def __init__(self, client: Any) -> None:
            self.get_item, self.get_paginator = client.get_item, client.get_paginator
            self._update = client.update_item

        def update_item(self, **request: Any) -> Any:
            assert bank.redrive("--command", A, "c") == 0
            return self._update(**request)

    assert bank.redrive("--failed-on", TODAY, around=lambda c: Overtaken(c) if hasattr(c, "update_item") else c) == 0
    assert (bank.status(record), bank.account(A)) == (table.SUCCEEDED, (2, 1))


@pytest.mark.parametrize("times", [1, 3])
def test_a_transaction_on_the_row_delays_a_redrive_and_does_not_end_it(
    bank: World, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The row is in somebody's transaction just now: that of a client who sends the command again, say."""
    records = fail(bank, bank.submit(A, credit(1), "c"), bank.submit(B, credit(2), "d"))
    capsys.readouterr()
    assert bank.redrive("--failed-on", TODAY, around=lambda client: InTransaction(client, times)) == 0
    assert [line.split()[2] for line in lines(capsys)] == [table.SUCCEEDED] * 2
    assert {bank.status(each) for each in records} == {table.SUCCEEDED}


def test_a_row_that_stays_in_transactions_is_told_and_the_next_command_is_retried(
    bank: World, capsys: pytest.CaptureFixture[str]
) -> None:
    sick, other = fail(bank, bank.submit(A, credit(1), "c"), bank.submit(B, credit(2), "d"))
    capsys.readouterr()
    assert bank.redrive("--failed-on", TODAY, around=lambda client: InTransaction(client, 10**6, A)) == 1
    assert lines(capsys) == [
        f"{A}  c  FAILED  was not tried: its row is in a transaction all the time; try again",
        f"{B}  d  SUCCEEDED  version 2, balance 2",
    ]
    assert (bank.status(sick), bank.status(other)) == (table.FAILED, table.SUCCEEDED)


class InTransaction:
    """A client on which the first updates of each row, or of one account's, meet a transaction."""

    def __init__(self, client: Any, times: int, account: str = "") -> None:
        self._client, self._times, self._account = client, times, account
        self._met: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        """See DynamoDB."""
        account = request["Key"][table.HASH_KEY]["S"]
        self._met[account] += 1
        if self._met[account] <= self._times and self._account in {"", account}:
            raise client_error("TransactionConflictException", "UpdateItem")
        return self._client.update_item(**request)


def test_the_reason_of_a_failure_is_told(bank: World, capsys: pytest.CaptureFixture[str]) -> None:
    """As the processor's log has it, without control characters, and cut."""
    fail(bank, bank.submit(A, credit(1), "c"))

    class Failing:
        def invoke(self, **_: Any) -> Any:
            message = {"errorType": "Runtime.ExitError", "errorMessage": "\x1b[2Jended " + "x" * 1000}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(message).encode())}

    capsys.readouterr()
    assert bank.redrive("--failed-on", TODAY, around=lambda c: Failing() if hasattr(c, "invoke") else c) == 1
    (line,) = lines(capsys)
    assert line.startswith(f"{A}  c  FAILED  the processor failed: Runtime.ExitError: ?[2Jended xxx")
    assert len(line) < 400


class Crashing:
    """A client whose process ends before or after the call with a number, counted over all of its siblings."""

    def __init__(self, client: Any, count: Callable[[], int], at: int) -> None:
        self._client, self._count, self._at = client, count, at

    def get_paginator(self, operation: str) -> Any:
        if hasattr(self._client, operation):
            return dynamodb_paginator(self, operation)
        return self.__getattr__("get_paginator")(operation)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def crashing(*args: Any, **request: Any) -> Any:
            if self._count() == self._at:
                raise CrashError
            answer = call(*args, **request)
            if self._count() == self._at:
                raise CrashError
            return answer

        return crashing


@pytest.mark.parametrize("way", ["--failed-on", "--parked", "--delete"])
def test_a_crash_between_any_two_steps_is_healed_by_repeating(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, way: str
) -> None:
    which = {"--failed-on": ["--failed-on", TODAY], "--parked": ["--parked"], "--delete": ["--parked", "--delete"]}[way]
    for at in itertools.count():
        bank = open_bank(monkeypatch, tmp_path, A, B)
        records = fail(bank, *[bank.submit(account, credit(n)) for n in (1, 2) for account in (A, B)])
        numbers = itertools.count()
        try:
            bank.redrive(*which, around=lambda c, n=numbers, k=at: Crashing(c, n.__next__, k))  # type: ignore[misc]
        except CrashError:
            crashed = True
        else:
            crashed = False
        assert {bank.status(each) for each in records} <= {table.PENDING, table.FAILED, table.SUCCEEDED}
        assert bank.redrive(*which) == 0, f"after a crash at step {at}"
        assert {bank.status(each) for each in records} == {table.SUCCEEDED}
        assert (bank.account(A), bank.account(B)) == ((3, 3), (3, 3))
        if not crashed:
            assert at > 2 * 4 * 4, "it takes four calls a command"
            return


def test_when_aws_cannot_be_asked(
    bank: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(**_: Any) -> Any:
        raise client_error("AccessDeniedException", "GetItem")

    monkeypatch.setattr(bank.dynamodb, "get_item", refused)
    assert bank.redrive("--command", A, "c") == 3
    assert capsys.readouterr().err.endswith("repeating the command is safe\n")


def test_parked_objects_below_a_prefix_and_one_that_cannot_be_read(
    bank: World, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = bank.submit(A, credit(1), "first"), bank.submit(B, credit(2), "second")
    fail(bank, first)
    bank.time.sleep(24 * 3600.0)
    fail(bank, second)
    capsys.readouterr()
    day = bank.parked[1].rpartition("/")[0]
    assert bank.redrive("--parked", "--prefix", day + "/") == 0
    assert [bank.status(first), bank.status(second)] == [table.FAILED, table.SUCCEEDED]
    bank.s3.objects["aws/lambda/else"] = b"{}"
    bank.s3.objects["other/else"] = b"{}"
    assert bank.redrive("--parked") == 1
    assert bank.status(first) == table.SUCCEEDED
    assert capsys.readouterr().err == "daybook redrive: aws/lambda/else holds no commands that can be read\n"


@pytest.mark.parametrize("malformed", MALFORMED, ids=json.dumps)
def test_a_malformed_record_is_named_and_the_commands_beside_it_are_retried(
    bank: World, malformed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = bank.submit(A, credit(1), "first"), bank.submit(B, credit(2), "second")
    name = object_key("shard", START)
    bank.s3.objects[name] = json.dumps({"payload": {"Records": [first, malformed, second]}}).encode()
    capsys.readouterr()
    assert bank.redrive("--parked", "--delete") == 1
    assert capsys.readouterr().err.startswith(f"daybook redrive: {name} holds what cannot be read: record 2: ")
    assert [bank.status(first), bank.status(second)] == [table.SUCCEEDED] * 2
    assert name in bank.s3.objects, "what it holds besides is evidence"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--command", A],
        ["--failed-on", "yesterday"],
        ["--failed-on", TODAY, "--parked"],
        ["--parked", "a", "b"],
        ["--pending-before", "noon"],
        ["--pending-before", "0001-01-01T00:00:00+14:00"],
        ["--pending-before", TODAY, "--parked"],
    ],
)
def test_wrong_usage(arguments: list[str]) -> None:
    assert main(["redrive", *arguments]) == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--failed-on", TODAY, "--force"], "--force goes with --command"),
        (["--failed-on", TODAY, "--delete"], "--delete goes with --parked"),
    ],
)
def test_options_that_do_not_go_together(
    bank: World, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bank.redrive(*arguments) == 2
    assert capsys.readouterr().err == f"daybook redrive: {reason}.\n"


def test_where_the_commands_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "environment.json"
    assert main(["redrive", "--parked", "--environment-file", str(file)]) == 2
    assert "is the system running?" in capsys.readouterr().err
    file.write_text(json.dumps({"commands_table": "commands", "aws_endpoint_url": "http://127.0.0.1:1"}))
    with pytest.raises(PlaceError, match="command_parking_bucket"):
        inbox_of(Place("local", file))
    assert main(["redrive", "--parked", "--region", REGION, "--environment-file", str(file)]) == 2
    assert "--region goes with --env" in capsys.readouterr().err


def test_an_environment_in_aws_is_found_by_the_outputs_of_its_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {
        "Daybook-prod-Ledger": {"CommandsTableName": "t", "CommandParkingBucketName": "b", "EventTableName": "e"},
        "Daybook-prod-Commands": {"CommandProcessorName": "f"},
    }

    class CloudFormation:
        def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803
            if StackName not in outputs:
                raise client_error("ValidationError", "DescribeStacks")
            pairs = outputs[StackName].items()
            return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in pairs]}]}

    monkeypatch.setattr("cli.environments.clients.boto3.client", lambda service, **_: CloudFormation())
    assert inbox_of(Place("prod", Path(), "eu-west-1")) == Inbox(
        commands_table="t", command_parking_bucket="b", command_processor="f", region="eu-west-1"
    )
    del outputs["Daybook-prod-Commands"]["CommandProcessorName"]
    with pytest.raises(PlaceError, match="no output CommandProcessorName"):
        inbox_of(Place("prod", Path()))
    with pytest.raises(PlaceError, match="Daybook-dev-Ledger cannot be read"):
        inbox_of(Place("dev", Path()))
    assert main(["redrive", "--parked", "--env", "dev"]) == 2


def test_clients_of_the_emulator_need_no_credentials_and_the_processor_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    clients = open_clients(
        Inbox(
            commands_table="t", command_parking_bucket="b", command_processor="f", region=REGION,
            aws_endpoint_url="http://127.0.0.1:1",
        )
    )  # fmt: skip
    config = clients.functions.meta.config
    assert (config.retries["total_max_attempts"], config.read_timeout) == (1, 120)


def test_dynamodb_and_s3_take_the_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps on moto, which reads expressions, indexes and pages by itself."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        clients = Clients(*(boto3.client(service, region_name=REGION) for service in ("dynamodb", "lambda", "s3")))
        inbox = Inbox(commands_table="commands", command_parking_bucket=BUCKET, command_processor="f", region=REGION)
        _create(clients)
        key = CommandKey(A, "c1")
        clients.dynamodb.put_item(TableName="commands", Item=command_item(A, "c1", credit(1)))
        marker = FailureMarker(clients.dynamodb, "commands", clock=lambda: START)
        forged = command_record(command_item(A, "c1", credit(2)), 1)
        assert marker.mark(forged) is Mark.DIFFERS
        assert marker.mark(bank_record(key)) is Mark.FAILED
        assert marker.mark(bank_record(key)) is Mark.FAILED, "it says so already"
        assert marker.mark(forged) is Mark.DIFFERS
        assert finding.failed_on(clients, inbox, TODAY) == [key]
        assert finding.failed_on(clients, inbox, "2026-03-02") == []
        redriver = Redriver(clients, inbox)
        (redriven,) = redriver.redrive([key])
        assert redriven.status == table.FAILED
        assert redriven.note.startswith("the processor could not be invoked: ")
        redriver._make_pending(key)
        row = clients.dynamodb.get_item(TableName="commands", Key={k: {"S": v} for k, v in _keys(key)})["Item"]
        assert row == command_item(A, "c1", credit(1)) | {table.FAILED_ON: {"S": TODAY}}
        name = object_key("shard", START)
        record = bank_record(key)
        clients.s3.put_object(Bucket=BUCKET, Key=name, Body=invocation_record([record, record], "shard", 1, START))
        (parked,) = finding.parked(clients, inbox)
        assert parked == finding.ParkedObject(name, [key, key], problems=[])
        finding.delete(clients, inbox, parked)
        assert finding.parked(clients, inbox) == []
        clients.dynamodb.put_item(TableName="commands", Item=command_item(B, "c2", credit(1)) | ENDED)
        assert finding.pending_before(clients, inbox, START + timedelta(milliseconds=1)) == [key]
        assert finding.pending_before(clients, inbox, START) == []


def bank_record(key: CommandKey) -> Record:
    return command_record(command_item(key.account_id, key.command_id, credit(1)), 1)


def _keys(key: CommandKey) -> list[tuple[str, str]]:
    return [(table.HASH_KEY, key.account_id), (table.RANGE_KEY, key.command_id)]


def _create(clients: Clients) -> None:
    names = (table.HASH_KEY, table.RANGE_KEY, table.FAILED_ON)
    clients.dynamodb.create_table(
        TableName="commands",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema(table.HASH_KEY, table.RANGE_KEY),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        GlobalSecondaryIndexes=[
            {
                "IndexName": table.FAILED_INDEX,
                "KeySchema": _schema(table.FAILED_ON, table.RANGE_KEY),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})


def _schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [{"AttributeName": hash_key, "KeyType": "HASH"}, {"AttributeName": range_key, "KeyType": "RANGE"}]
