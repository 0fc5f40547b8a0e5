"""Sends the events again that dead-letter (parked) records name: what the publisher refused, and failed batches.

What is sent is read from the event table. A parked object only says which rows: whoever could invoke the publisher
could have it park anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from cli.republish.recorded_events import Recorded
from cli.republish.republisher import Resender, send_events, spans_of
from cli.storage.parked import ParkingBucket
from lambdas.contracts.domain_events import AccountDomainEvent, NotPublishableError, domain_event
from lambdas.inbox.parked_objects import ParkedObjectError, batch_records
from lambdas.publishing.chain_check import StreamRecord
from lambdas.publishing.stream_records import MALFORMED, keys_of, row_of

_RECORDS: Final = "Records"
_PAYLOAD: Final = "payload"


class Replayed(msgspec.Struct, frozen=True):
    """The result of one object: how many events were sent, and why its other records were not."""

    key: str
    events: int
    problems: list[str]
    deleted: bool = False


def replay(
    bucket: ParkingBucket,
    prefix: str,
    recorded: Recorded,
    resender: Resender,
    *,
    delete: bool = False,
    unverified: bool = False,
) -> Iterator[Replayed]:
    """Send the table's events that each object below a prefix names, one object after the other.

    With `delete`, an object is deleted when all its events were sent and it holds nothing else than the table. Raises
    NotSentError, UnavailableError, and what the store raises when the table does not answer.
    """
    for key in bucket.keys(prefix):
        before = resender.sent
        problems = list(_send(bucket.read(key), recorded, resender, unverified))
        deleted = delete and not problems
        if deleted:
            bucket.delete(key)
        yield Replayed(key, resender.sent - before, problems, deleted)


def _send(body: bytes, recorded: Recorded, resender: Resender, unverified: bool) -> Iterator[str]:
    try:
        named, problems = _named(records_of(body))
    except ValueError as error:
        yield str(error)
        return
    spans = spans_of(named)
    events = (event for span in spans for event in recorded.events(span, problems, unverified=unverified))
    yield from send_events(_compared(events, named, problems), problems, resender)


def _named(records: Iterable[StreamRecord]) -> tuple[dict[str, list[StreamRecord]], list[str]]:
    """The INSERTs by the id of the event that they name, and why the others are not sent."""
    named: dict[str, list[StreamRecord]] = {}
    problems: list[str] = []
    for record in records:
        event_id = "/".join(keys_of(record))
        change = record.get("eventName") if isinstance(record, Mapping) else "record that is none"
        if change != "INSERT":
            problems.append(f"{event_id}: a {change} is never published")
            continue
        try:
            spans_of([event_id])
        except ValueError as error:
            problems.append(str(error))
        else:
            named.setdefault(event_id, []).append(record)
    return named, problems


def _compared(
    events: Iterable[AccountDomainEvent], named: Mapping[str, Iterable[StreamRecord]], problems: list[str]
) -> Iterator[AccountDomainEvent]:
    """The events, and a problem for each record that tells of another event than the table does under its id."""
    for event in events:
        if any(_event(record) not in (None, event) for record in named[event.id]):
            problems.append(f"{event.id}, as it is recorded here: the table holds another event, and that was sent")
        yield event


def _event(record: StreamRecord) -> AccountDomainEvent | None:
    """The event of a record; None for one that is none, for which the table's row may have been mended meanwhile."""
    try:
        return domain_event(row_of(record))
    except (NotPublishableError, *MALFORMED):
        return None


def records_of(body: bytes) -> list[StreamRecord]:
    """The stream records in a parked object of either form. Raises ValueError for any other."""
    try:
        event = msgspec.json.decode(body)
        if isinstance(event, dict) and _PAYLOAD in event:
            return batch_records(body)
        records: list[StreamRecord] = msgspec.convert(event[_RECORDS], list[dict[str, Any]])
    except ParkedObjectError as error:
        raise ValueError(f"it holds no stream records: {error}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"it holds no stream records: {error!r}") from error
    return records
