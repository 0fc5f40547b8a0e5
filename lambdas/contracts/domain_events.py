"""The published form of an event: a CloudEvents 1.0 JSON document, one per line.

Consumers rely on this module's shape, and not on the event table. Snapshots, the actor and names of stored attributes
are not published. The row's hash is: with it a consumer tells a duplicate from another event at the same place.

Source: CloudEvents 1.0.2, core specification and JSON format (a Binary attribute is Base64 text, RFC 4648 section 4);
`streamversion`, `recordedtime`, `rowhash`, `correlationid` and `causationid` are extension attributes.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from lambdas.accounts.events import AccountEvent
from lambdas.accounts.text import AccountId
from lambdas.eventsourcing.errors import EventSourcingError, UnknownSchemaError
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.eventsourcing.timestamps import parse_timestamp
from lambdas.service.decider import ACCOUNT_DECIDER

SPECVERSION: Final = "1.0"
SOURCE: Final = "/daybook/accounts"
CONTENT_TYPE: Final = "application/json"
TYPE_PREFIX: Final = "daybook.account."
DATASCHEMA_PREFIX: Final = "urn:daybook:schema:account:"

D = TypeVar("D")


class NotPublishableError(EventSourcingError):
    """A row cannot become a domain event, or a document is not one. `str()` says why."""


class UnreadableEventError(NotPublishableError):
    """A document that says whose event it is and where it stands, and else cannot be read: `place` is what it says."""

    def __init__(self, place: EventPlace, reason: str) -> None:
        super().__init__(reason)
        self.place = place


EventId = Annotated[str, Meta(pattern=r"^[^/]+/[1-9][0-9]*(?!\n)$", description="`<account id>/<version>`: unique.")]
EventType = Annotated[
    str,
    Meta(
        pattern=r"^daybook\.account\.[A-Z][A-Za-z0-9]*\.v[1-9][0-9]*(?!\n)$",
        description="What happened, with the version of its data's schema.",
    ),
]
DataSchema = Annotated[
    str,
    Meta(
        pattern=r"^urn:daybook:schema:account:[A-Z][A-Za-z0-9]*:[1-9][0-9]*(?!\n)$",
        description="The JSON Schema of `data`.",
    ),
]
Timestamp = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z(?!\n)$",
        extra_json_schema={"format": "date-time"},
    ),
]
RowHash = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9+/]{43}=(?!\n)$",
        description="SHA-256 over its row and the hash of the row before it, in Base64. The same id with another one "
        "is no duplicate: the history was restored or rewritten.",
        extra_json_schema={"contentEncoding": "base64"},
    ),
]
Trace = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+(?!\n)$")]


class DomainEvent(msgspec.Struct, Generic[D], frozen=True, kw_only=True):
    """One event of one account, as published. Every attribute is always there."""

    specversion: Literal["1.0"]
    id: EventId
    source: Literal["/daybook/accounts"]
    type: EventType
    subject: Annotated[AccountId, Meta(description="The account's id.")]
    time: Annotated[Timestamp, Meta(description="When it took effect: the value date.")]
    dataschema: DataSchema
    datacontenttype: Literal["application/json"]
    streamversion: Annotated[
        int, Meta(ge=1, description="Place among the account's events: the first is 1, the next one more, no gaps.")
    ]
    recordedtime: Annotated[Timestamp, Meta(description="When it was recorded: the booking date.")]
    rowhash: RowHash
    correlationid: Annotated[Trace, Meta(description="The request that led to it, as its caller named it.")]
    causationid: Annotated[Trace, Meta(description="What directly caused it: a command, unless said otherwise.")]
    data: D


AccountDomainEvent: TypeAlias = DomainEvent[AccountEvent]


class EventPlace(msgspec.Struct, frozen=True):
    """Of an account's event, what its consumers keep: whose it is, where it stands, and in which history."""

    source: Literal["/daybook/accounts"]
    subject: AccountId
    streamversion: Annotated[int, Meta(ge=1)]
    recordedtime: Timestamp
    rowhash: RowHash


UNREADABLE: Final = (UnknownSchemaError, msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding raises: msgspec lets bad UTF-8 (a ValueError) and deep nesting through as they are."""

_codec = ACCOUNT_DECIDER.codec
_metadata: msgspec.json.Decoder[Metadata] = msgspec.json.Decoder(Metadata)
_received: msgspec.json.Decoder[DomainEvent[msgspec.Raw]] = msgspec.json.Decoder(DomainEvent[msgspec.Raw])
_place: msgspec.json.Decoder[EventPlace] = msgspec.json.Decoder(EventPlace)
_encode = msgspec.json.Encoder().encode


def domain_event(row: EventRow) -> AccountDomainEvent:
    """The event of a row, upcast to the current schema. Raises NotPublishableError, which names the row."""
    try:
        event: AccountEvent = _codec.decode(row.type, row.schema, row.data)
        name, schema = _codec.name_of(event)
        metadata = _metadata.decode(row.metadata)
        parse_timestamp(row.occurred_at)
        parse_timestamp(row.recorded_at)
        fields: dict[str, Any] = {
            "specversion": SPECVERSION,
            "id": f"{row.stream_id}/{row.version}",
            "source": SOURCE,
            "type": f"{TYPE_PREFIX}{name}.v{schema}",
            "subject": row.stream_id,
            "time": row.occurred_at,
            "dataschema": f"{DATASCHEMA_PREFIX}{name}:{schema}",
            "datacontenttype": CONTENT_TYPE,
            "streamversion": row.version,
            "recordedtime": row.recorded_at,
            "rowhash": b64encode(row.hash).decode(),
            "correlationid": metadata.correlation_id,
            "causationid": metadata.causation_id or metadata.command_id,
            "data": event,
        }
        return msgspec.convert(fields, DomainEvent[Any])
    except UNREADABLE as error:
        raise NotPublishableError(f"{row.stream_id}/{row.version}: {error}") from error


def encode_domain_event(event: DomainEvent[Any]) -> bytes:
    """The JSON document, without a line end. JSON escapes line breaks in texts, so it is one line."""
    return _encode(event)


def decode_domain_event(line: str | bytes) -> AccountDomainEvent:
    """The event of a published line; data of an older schema is upcast. Unknown attributes are ignored.

    `type` and `dataschema` stay as they were published. Raises NotPublishableError, which is an UnreadableEventError
    for an event of an account that only tells its place: of a type or schema that is not known, say.
    """
    try:
        received = _received.decode(line)
        name, _, schema = received.dataschema.removeprefix(DATASCHEMA_PREFIX).partition(":")
        event: AccountEvent = _codec.decode(name, int(schema), bytes(received.data).decode())
    except UNREADABLE as error:
        raise _refused(line, str(error)) from error
    decoded: AccountDomainEvent = msgspec.structs.replace(received, data=event)  # type: ignore[arg-type]
    return decoded


def _refused(line: str | bytes, reason: str) -> NotPublishableError:
    try:
        return UnreadableEventError(_place.decode(line), reason)
    except UNREADABLE:
        return NotPublishableError(reason)
