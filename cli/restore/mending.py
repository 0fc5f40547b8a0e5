"""`daybook restore mend`: cut what a restore brought back in part, until only whole commits are left.

It writes to restored tables that are not the ledger yet, and to no other. Every request says what it expects to find,
so a repeated or interrupted run does no more than one. Rows go from an account's newest one down: whenever it is
killed, what is left is an account without a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

from cli.errors import ExitStatus, UsageError
from cli.output import Outcome, counted
from cli.progress import Steps
from cli.restore.checking import Finding, partial_findings
from cli.restore.clients import answered, code
from cli.restore.contents import Command, Contents, read_contents
from cli.restore.names import Tables, deployed_tables, restored_tables
from cli.restore.partial import Cut, End, Partial, find_partial
from cli.restore.steps import Request
from lambdas.eventsourcing.dynamodb_schema import (
    EVENT_TABLE_HASH_KEY,
    EVENT_TABLE_RANGE_KEY,
    RECEIPT_TABLE_HASH_KEY,
    RECEIPT_TABLE_RANGE_KEY,
)
from lambdas.eventsourcing.rows import Receipt
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.inbox import table

CHANGED: Final = "ConditionalCheckFailedException"
REFUSED: Final = "AccessDeniedException"


class Mended(msgspec.Struct, frozen=True, tag_field="step", tag="mend", kw_only=True):
    """What is cut, removed and set back. `done` says whether it was done, or would be with --yes."""

    environment: str
    generation: int
    done: bool
    rows: int
    receipts: int
    commands: int
    findings: list[Finding]


def mend(request: Request) -> Outcome:
    """Print each change; make them if the request says so. Raises UsageError, UnavailableError."""
    deployed = deployed_tables(request.place)
    tables = restored_tables(deployed)
    if used := {*tables.by_id().values()} & {*deployed.by_id().values()}:
        raise UsageError(f"{min(used)} is the ledger itself: nothing is ever cut from it.")
    client = request.connections.restoring(request.place).dynamodb
    with Steps("Reading the restored tables; rows read") as steps:
        contents = read_contents(client, tables, steps.advance)
    partial = find_partial(contents, utc_now())
    findings = partial_findings(partial)
    for each in findings:
        request.output.line(each.what)
    if request.act:
        with answered(), Steps("Mending the restored tables; changes", _changes(partial)) as steps:
            _mend(_Mender(client, tables), contents, partial, steps.advance)
    found = Mended(
        environment=request.place.environment,
        generation=tables.generation,
        done=request.act,
        rows=sum(each.last - each.first + 1 for each in partial.cuts),
        receipts=len(partial.receipts),
        commands=len(partial.reopened) + len(partial.ended),
        findings=findings,
    )
    return _ended(found, partial, request)


def _ended(found: Mended, partial: Partial, request: Request) -> Outcome:
    sentence = (
        f"{counted(found.rows, 'event')} cut off, {counted(found.receipts, 'receipt')} removed, "
        f"{counted(found.commands, 'stored command')} set back or ended"
    )
    if not partial.found:
        request.output.line("There is nothing to mend.")
        return Outcome(found)
    if not found.done:
        request.output.line(f"Nothing was changed. With --yes: {sentence}.")
        return Outcome(found, ExitStatus.FINDING, "There is something to mend; --yes does it.")
    request.output.line(f"{sentence}. Check again.")
    if partial.contradictions:
        return Outcome(found, ExitStatus.FINDING, "Not everything can be mended: look at what is left.")
    return Outcome(found)


def _changes(partial: Partial) -> int:
    rows = sum(each.last - each.first + 1 for each in partial.cuts)
    return rows + len(partial.receipts) + len(partial.reopened) + len(partial.ended)


def _mend(mender: _Mender, contents: Contents, partial: Partial, done: Callable[[], None]) -> None:
    for cut in partial.cuts:
        for version in mender.rows(cut, contents):
            mender.cut(cut.account_id, version, contents.accounts[cut.account_id].facts[version].hash)
            done()
    for receipt in partial.receipts:
        mender.remove(receipt)
        done()
    for command in partial.reopened:
        mender.reopen(command)
        done()
    for end in partial.ended:
        mender.end(end)
        done()


class _Mender:
    """The single changes, each on the condition that what it changes is still as it was read."""

    def __init__(self, client: Any, tables: Tables) -> None:
        self._client = client
        self._tables = tables

    def rows(self, cut: Cut, contents: Contents) -> Iterator[int]:
        """The versions to remove, the newest first."""
        facts = contents.accounts[cut.account_id].facts
        yield from (version for version in range(cut.last, cut.first - 1, -1) if version in facts)

    def cut(self, account_id: str, version: int, row_hash: bytes) -> None:
        """Remove a row of the event table."""
        self._unless_changed(
            self._client.delete_item,
            TableName=self._tables.events,
            Key={EVENT_TABLE_HASH_KEY: {"S": account_id}, EVENT_TABLE_RANGE_KEY: {"N": str(version)}},
            ConditionExpression="#hash = :hash",
            ExpressionAttributeNames={"#hash": "hash"},
            ExpressionAttributeValues={":hash": {"B": row_hash}},
        )

    def remove(self, receipt: Receipt) -> None:
        """Remove a receipt."""
        self._unless_changed(
            self._client.delete_item,
            TableName=self._tables.receipts,
            Key={RECEIPT_TABLE_HASH_KEY: {"S": receipt.scope}, RECEIPT_TABLE_RANGE_KEY: {"S": receipt.key}},
            ConditionExpression="commit_id = :commit",
            ExpressionAttributeValues={":commit": {"S": receipt.commit_id}},
        )

    def reopen(self, command: Command) -> None:
        """Set an ended command to PENDING: `daybook redrive` carries it out again."""
        names = {
            "#status": table.STATUS, "#commit": table.COMMIT_ID, "#version": table.VERSION, "#balance": table.BALANCE,
            "#completed": table.COMPLETED_AT,
        }  # fmt: skip
        self._unless_changed(
            self._client.update_item,
            TableName=self._tables.commands,
            Key=_key(command),
            UpdateExpression="SET #status = :pending REMOVE #commit, #version, #balance, #completed",
            ConditionExpression="#status = :ended AND #commit = :commit",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={
                ":pending": {"S": table.PENDING}, ":ended": {"S": command.status}, ":commit": {"S": command.commit_id}
            },
        )  # fmt: skip

    def end(self, end: End) -> None:
        """End a command as its event says."""
        ended = {
            table.STATUS: {"S": table.SUCCEEDED},
            table.COMMIT_ID: {"S": end.commit_id},
            table.VERSION: {"N": str(end.version)},
            table.BALANCE: {"N": str(end.balance)},
            table.COMPLETED_AT: {"S": end.completed_at},
        }
        names = {f"#s{number}": name for number, name in enumerate(ended)}
        values = {f":s{number}": value for number, value in enumerate(ended.values())}
        gone = {"#r0": table.PROBLEM, "#r1": table.FAILED_ON}
        assignments = ", ".join(f"#s{number} = :s{number}" for number in range(len(ended)))
        self._unless_changed(
            self._client.update_item,
            TableName=self._tables.commands,
            Key=_key(end.command),
            UpdateExpression=f"SET {assignments} REMOVE {', '.join(gone)}",
            ConditionExpression="#s0 = :was",
            ExpressionAttributeNames=names | gone,
            ExpressionAttributeValues={**values, ":was": {"S": end.command.status}},
        )

    def _unless_changed(self, call: Callable[..., Any], **request: Any) -> None:
        """Nothing is done to what has changed since it was read: another run of this was quicker."""
        try:
            call(**request)
        except ClientError as error:
            if code(error) == REFUSED:
                raise UsageError(
                    f"{request['TableName']} refuses it: is its append-only policy there already? `finish` comes later."
                ) from error
            if code(error) != CHANGED:
                raise


def _key(command: Command) -> dict[str, dict[str, str]]:
    return {table.HASH_KEY: {"S": command.account_id}, table.RANGE_KEY: {"S": command.command_id}}
