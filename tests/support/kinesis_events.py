"""The stream of domain events as Lambda delivers it: records of lines.

Source of the format: AWS Lambda Developer Guide, "Process Amazon Kinesis Data Streams records with Lambda".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.contracts.ledger_events import encode_ledger_event, restored_event
from lambdas.eventsourcing.rows import EventRow
from tests.support.clocks import START
from tests.support.event_rows import ACCOUNT

SHARD = "shardId-000000000000"


def line(row: EventRow, **changed: Any) -> bytes:
    """A row's published line, without its end. `changed` are attributes of the document; None leaves one out."""
    text = encode_domain_event(domain_event(row))
    if not changed:
        return text
    document = json.loads(text) | changed
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


def unreadable(row: EventRow) -> bytes:
    """The line of a row whose type this release does not know."""
    return line(row, type="daybook.account.BalanceGuessed.v1", dataschema="urn:daybook:schema:account:BalanceGuessed:1")


def restored(account_id: str = ACCOUNT, *, last_good_version: int = 1, generation: int = 2) -> bytes:
    """What the ledger tells after a restore."""
    moment = datetime(2026, 3, 1, 11, 15, tzinfo=UTC)
    event = restored_event(
        account_id, last_good_version=last_good_version, restored_to=moment, generation=generation, announced=moment
    )
    return encode_ledger_event(event)


def kinesis_record(
    lines: Iterable[bytes],
    number: int = 1,
    *,
    shard: str = SHARD,
    account_id: str = ACCOUNT,
    arrived: datetime = START,
) -> dict[str, Any]:
    """A record with lines, as the publisher packs them. `number` is its sequence number."""
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": account_id,
            "sequenceNumber": str(number),
            "data": base64.b64encode(b"".join(each + b"\n" for each in lines)).decode(),
            "approximateArrivalTimestamp": arrived.timestamp(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/projector",
        "awsRegion": "eu-central-1",
        "eventSourceARN": "arn:aws:kinesis:eu-central-1:000000000000:stream/domain-events",
    }
