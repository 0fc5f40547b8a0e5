"""What was published: the lake knows all of it but the newest minutes, and the stream knows these.

What was written to the replaced table and never published stands in that table alone.
"""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from analytics import catalog
from cli.environments.place import Place
from cli.restore.clients import RETRIES, answered
from cli.restore.revocations import read_revocations
from cli.sql.session import Result
from lambdas.contracts.domain_events import AccountDomainEvent, DomainEvent, NotPublishableError
from lambdas.contracts.lake import REVOCATIONS_PREFIX, Revocation
from lambdas.contracts.ledger_events import decode_published
from lambdas.eventsourcing.timestamps import format_timestamp

BEFORE: Final = timedelta(hours=1)
"""The stream is read from so long before the restored second: nothing is published before it is booked."""

Ask: TypeAlias = Callable[[str], Result]


class PublishedHead(msgspec.Struct, frozen=True):
    """An account's newest event in the lake of what was booked up to the restored second, and the balance then."""

    version: int
    hash: bytes
    currency: str
    balance: int | None


class PublishedEvent(msgspec.Struct, frozen=True, order=True):
    """One content of an event that was published lately."""

    version: int
    hash: bytes
    recorded_at: str
    event: str


class Published(msgspec.Struct):
    """Heads by account, by account all that was published since the day before the restored second, and what earlier
    restores revoked of all that."""

    heads: dict[str, PublishedHead]
    since: dict[str, set[PublishedEvent]]
    revoked: list[Revocation]

    def head(self, account_id: str) -> int:
        """The newest version in the lake of what was booked up to the restored second; 0 if there is none."""
        known = self.heads.get(account_id)
        return known.version if known else 0


class Streams:
    """The stream of domain events, from a moment up to now."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def lines(self, since: datetime) -> Iterator[bytes]:
        """Every line that was published since, as far as the stream keeps it. Raises UnavailableError."""
        with answered():
            for shard in self._shards():
                yield from self._shard(shard, since)

    def _shards(self) -> list[str]:
        pages = self._client.get_paginator("list_shards").paginate(StreamName=self._name)
        return [each["ShardId"] for page in pages for each in page["Shards"]]

    def _shard(self, shard: str, since: datetime) -> Iterator[bytes]:
        """Until the shard has no more, or is read to what is there now."""
        where: str | None = self._client.get_shard_iterator(
            StreamName=self._name, ShardId=shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=since
        )["ShardIterator"]
        while where:
            answer = self._client.get_records(ShardIterator=where)
            for record in answer["Records"]:
                yield from record["Data"].splitlines()
            where = answer.get("NextShardIterator") if answer["Records"] or answer["MillisBehindLatest"] else None


class RevocationFiles:
    """What earlier restores revoked: the files of the lake's table."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def read(self) -> list[Revocation]:
        """All revocations. Raises UnavailableError."""
        with answered():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=REVOCATIONS_PREFIX
            )
            keys = [each["Key"] for page in pages for each in page.get("Contents", []) if each["Key"][-1] != "/"]
            contents = [self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read() for key in keys]
        return [revoked for content in contents for revoked in read_revocations(content)]


class Told(msgspec.Struct, frozen=True):
    """Where to find what was published."""

    ask: Ask
    stream: Streams
    revocations: RevocationFiles


def open_told(place: Place, ask: Ask) -> Told:
    """The environment's stream and lake. Raises PlaceError."""
    return Told(
        ask,
        Streams(place.client("kinesis", RETRIES), place.output("DomainEvents", "DomainEventStreamName")),
        RevocationFiles(place.client("s3", RETRIES), place.output("Lake", "LakeBucketName")),
    )


def read_published(told: Told, at: datetime) -> Published:
    """What was published, as far as no restore revoked it yet. Raises QueryFailedError, UnavailableError."""
    asked = catalog.query("published_heads").fill({"at": format_timestamp(at)})
    heads = {
        account_id: PublishedHead(version, b64decode(rowhash), currency, balance)
        for account_id, version, rowhash, currency, balance in told.ask(asked).rows
    }
    revoked = told.revocations.read()
    return Published(heads, _published_since(told, at, revoked), revoked)


def _published_since(told: Told, at: datetime, revocations: list[Revocation]) -> dict[str, set[PublishedEvent]]:
    asked = catalog.query("published_since").fill({"from_dt": (at - timedelta(days=1)).date()})
    found: dict[str, set[PublishedEvent]] = defaultdict(set)
    for account_id, version, rowhash, recorded_at, event in told.ask(asked).rows:
        moment = format_timestamp(recorded_at.replace(tzinfo=UTC))
        found[account_id].add(PublishedEvent(version, b64decode(rowhash), moment, event))
    revoked: dict[str, list[Revocation]] = defaultdict(list)
    for each in revocations:
        revoked[each.account_id].append(each)
    for event in _events(told.stream.lines(at - BEFORE)):
        if not any(revokes(each, event.streamversion, event.recordedtime) for each in revoked[event.subject]):
            found[event.subject].add(
                PublishedEvent(
                    event.streamversion, b64decode(event.rowhash), event.recordedtime, event.type.split(".")[2]
                )
            )
    return dict(found)


def revokes(revocation: Revocation, version: int, recorded_at: str) -> bool:
    """Whether a restore revoked an event of its account."""
    return version > revocation.last_good_version and recorded_at < revocation.recordedtime


def _events(lines: Iterable[bytes]) -> Iterator[AccountDomainEvent]:
    """The accounts' events among them. What is of another source, or unknown, is no event that could be lost."""
    for line in lines:
        try:
            event = decode_published(line)
        except NotPublishableError:
            continue
        if isinstance(event, DomainEvent):
            yield event
