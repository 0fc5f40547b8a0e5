"""`daybook restore announce`: tell the views and the consumers what the restore revoked.

What is revoked is decided once, and written as one object of the lake's table of revocations. Only then it is told in
the stream, from that object: a repeated run tells the same again, and revokes nothing of what came since. So the moment
of the announcement is the first run's, by the clock of the service, not of this machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final

import msgspec
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.environments.place import Place
from cli.errors import CommandError, ExitStatus, QueryFailedError, UnavailableError, UsageError
from cli.output import Outcome, counted
from cli.progress import Steps
from cli.restore.clients import RETRIES, answered, code
from cli.restore.copies import require_restored_to
from cli.restore.names import Tables, deployed_tables, restored_name
from cli.restore.published import PublishedEvent, Told, read_published
from cli.restore.revocations import read_revocations, revocations_file, revocations_key
from cli.restore.steps import Request
from cli.restore.writes import require_writes_off
from lambdas.contracts.lake import Revocation
from lambdas.contracts.ledger_events import encode_ledger_event, restored_event
from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.packing import pack_all
from lambdas.publishing.stream_records import Line
from stacks.generations import FIRST

ONE_ATTEMPT: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 1, "mode": "standard"})
"""For the client of Kinesis: the sender retries by itself, in order."""

SECONDS: Final = 300.0
"""How long the sender tries to send all of it."""

AT_ONCE: Final = 10
"""Requests for newest versions at a time: as many as a client keeps connections."""

EXISTS: Final = ("PreconditionFailed", "ConditionalRequestConflict")
MISSING: Final = ("NoSuchKey", "404")


class Announced(msgspec.Struct, frozen=True, tag_field="step", tag="announce", kw_only=True):
    """What was told: a revocation for each account, and the object that holds them."""

    environment: str
    generation: int
    restored_to: str
    announced_at: str | None
    object: str
    accounts: list[Revocation]
    sent: int


class Announcer(msgspec.Struct, frozen=True):
    """Where it is told: the lake's bucket and the stream."""

    s3: Any
    bucket: str
    sender: KinesisSender


def open_announcer(place: Place) -> Announcer:
    """The environment's. Raises PlaceError."""
    stream = place.output("DomainEvents", "DomainEventStreamName")
    sender = KinesisSender(place.client("kinesis", ONE_ATTEMPT), stream=stream)
    return Announcer(place.client("s3", RETRIES), place.output("Lake", "LakeBucketName"), sender)


def announce(request: Request) -> Outcome:
    """Decide once what is revoked, and tell it. Raises UsageError, UnavailableError."""
    tables = deployed_tables(request.place)
    _check_generation(tables)
    with answered():
        require_restored_to(request.connections.restoring(request.place), tables.events, request.at)
    announcer = request.connections.announcer(request.place)
    try:
        with answered(), Steps("Finding out what is revoked"):
            revoked = decided(announcer, request, tables)
        with answered(), Steps("Telling consumers"):
            sent = tell(announcer.sender, revoked)
    except QueryFailedError as error:
        raise UnavailableError(str(error)) from error
    found = Announced(
        environment=request.place.environment,
        generation=tables.generation,
        restored_to=request.time,
        announced_at=revoked[0].recordedtime if revoked else None,
        object=f"s3://{announcer.bucket}/{revocations_key(tables.generation)}",
        accounts=revoked,
        sent=sent,
    )
    for each in revoked:
        request.output.line(f"{each.account_id}  stands up to version {each.last_good_version}")
    request.output.line(f"{counted(sent, 'account')} told, and the views leave out what is revoked: {found.object}")
    if sent < len(revoked):
        return Outcome(found, ExitStatus.UNAVAILABLE, "Not every account could be told; repeating the command is safe.")
    return Outcome(found)


def _check_generation(tables: Tables) -> None:
    """Raises UsageError while the ledger is not the restored one."""
    if tables.generation == FIRST or tables.events != restored_name(tables.events, tables.generation):
        raise UsageError(
            f"The ledger is generation {tables.generation}, and {tables.events} is no restored table: "
            "first import the restored ones and deploy."
        )


def decided(announcer: Announcer, request: Request, tables: Tables) -> list[Revocation]:
    """What is revoked: as an earlier run has decided, or from now on.

    Raises UsageError, StillWritingError, QueryFailedError, ClientError, BotoCoreError.
    """
    key = revocations_key(tables.generation)
    revoked = _read(announcer, key)
    if revoked is None:
        clients = request.connections.restoring(request.place)
        require_writes_off(clients, request.place)
        revoked = _revocations(clients.dynamodb, request.connections.told(request.place), tables, request.at)
        try:
            announcer.s3.put_object(Bucket=announcer.bucket, Key=key, Body=revocations_file(revoked), IfNoneMatch="*")
        except ClientError as error:
            if code(error) not in EXISTS:
                raise
            revoked = _read(announcer, key) or []
    if other := {each.restored_to for each in revoked} - {format_timestamp(request.at)}:
        raise UsageError(f"Generation {tables.generation} was restored to {min(other)}: give that as --at.")
    return revoked


def _read(announcer: Announcer, key: str) -> list[Revocation] | None:
    try:
        content = announcer.s3.get_object(Bucket=announcer.bucket, Key=key)["Body"].read()
    except ClientError as error:
        if code(error) in MISSING:
            return None
        raise
    return read_revocations(content)


def _revocations(dynamodb: Any, told: Told, tables: Tables, at: datetime) -> list[Revocation]:
    """Of every account of which something was published beyond its newest row. Raises CommandError."""
    found: list[tuple[str, int]] = []
    beyond: list[PublishedEvent] = []
    published = read_published(told, at)
    for account_id, head in _heads(dynamodb, tables.events, sorted({*published.heads, *published.since})):
        lost = [each for each in published.since.get(account_id, ()) if each.version > head]
        if lost or published.head(account_id) > head:
            found.append((account_id, head))
            beyond += lost
    moment = _service_time(dynamodb, tables.events)
    _check_moment(beyond, moment)
    return [
        Revocation(
            account_id=account_id,
            last_good_version=head,
            recordedtime=format_timestamp(moment),
            restored_to=format_timestamp(at),
            generation=tables.generation,
        )
        for account_id, head in found
    ]


def _heads(dynamodb: Any, event_table: str, accounts: list[str]) -> Iterable[tuple[str, int]]:
    """Accounts with their newest versions: one request for each account that was ever published."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(zip(accounts, pool.map(partial(_head, dynamodb, event_table), accounts), strict=True))


def _head(dynamodb: Any, event_table: str, account_id: str) -> int:
    """The newest version of an account; 0 if it has none."""
    rows = dynamodb.query(
        TableName=event_table,
        KeyConditionExpression="#stream = :stream",
        ExpressionAttributeNames={"#stream": EVENT_TABLE_HASH_KEY},
        ExpressionAttributeValues={":stream": {"S": account_id}},
        ScanIndexForward=False,
        Limit=1,
        ConsistentRead=True,
        ReturnConsumedCapacity="TOTAL",
    )["Items"]
    return int(rows[0][EVENT_TABLE_RANGE_KEY]["N"]) if rows else 0


def _service_time(dynamodb: Any, event_table: str) -> datetime:
    """What time it is at the service, to the second: the `Date` of an answer."""
    answer = dynamodb.describe_table(TableName=event_table)
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


def _check_moment(beyond: Iterable[PublishedEvent], moment: datetime) -> None:
    """Raises CommandError while what is revoked seems to lie in the future: by its stamp it would not be revoked."""
    newest = max((each.recorded_at for each in beyond), default="")
    if newest and parse_timestamp(newest) >= moment:
        raise CommandError(f"An event that is revoked is booked at {newest}, by a fast clock: announce it after that.")


def tell(sender: KinesisSender, revoked: Iterable[Revocation]) -> int:
    """Send each account its announcement, as the publisher sends events; how many accounts were told."""
    lines = {
        each.account_id: [
            Line(
                0,
                encode_ledger_event(
                    restored_event(
                        each.account_id,
                        last_good_version=each.last_good_version,
                        restored_to=parse_timestamp(each.restored_to),
                        generation=each.generation,
                        announced=parse_timestamp(each.recordedtime),
                    )
                )
                + b"\n",
                {},
            )
        ]
        for each in revoked
    }
    queues, _ = pack_all(lines, sender.limits)
    return sender.send(queues, Deadline(SECONDS)).events
