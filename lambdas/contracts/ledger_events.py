"""What the ledger itself tells in the stream of domain events: that it was restored to an earlier moment.

These documents are of another source than the events of accounts, have no `streamversion` and no `rowhash`, and are no
part of any account's history.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

from lambdas.accounts.text import AccountId
from lambdas.contracts.domain_events import (
    CONTENT_TYPE,
    SOURCE,
    SPECVERSION,
    UNREADABLE,
    AccountDomainEvent,
    NotPublishableError,
    Timestamp,
    UnreadableEventError,
    decode_domain_event,
)
from lambdas.eventsourcing.timestamps import format_timestamp

LEDGER_SOURCE: Final = "/daybook/ledger"
LEDGER_TYPE_PREFIX: Final = "daybook.ledger."
LEDGER_DATASCHEMA_PREFIX: Final = "urn:daybook:schema:ledger:"

D = TypeVar("D")


class Restored(Struct, frozen=True, kw_only=True):
    """The ledger was restored: what is beyond the last good version and was recorded before this is revoked."""

    last_good_version: Annotated[
        int, Meta(ge=0, description="The account's newest event that stands; 0: it was never opened.")
    ]
    restored_to: Annotated[Timestamp, Meta(description="The moment to which the ledger's tables were restored.")]
    generation: Annotated[int, Meta(ge=1, description="Which restore this is: each one raises it.")]


LEDGER_EVENTS: Final[tuple[type[Struct], ...]] = (Restored,)
"""The one list of what the ledger tells. Every one is in version 1."""


class LedgerEvent(Struct, Generic[D], frozen=True, kw_only=True):
    """What the ledger tells about one account. Every attribute is always there."""

    specversion: Literal["1.0"]
    id: Annotated[
        str,
        Meta(
            pattern=r"^[^/]+/restored/[1-9][0-9]*(?!\n)$",
            description="`<account id>/restored/<generation>`: unique.",
        ),
    ]
    source: Literal["/daybook/ledger"]
    type: Annotated[
        str,
        Meta(
            pattern=r"^daybook\.ledger\.[A-Z][A-Za-z0-9]*\.v[1-9][0-9]*(?!\n)$",
            description="What happened, with the version of its data's schema.",
        ),
    ]
    subject: Annotated[AccountId, Meta(description="The account's id.")]
    time: Annotated[Timestamp, Meta(description="When it was announced.")]
    dataschema: Annotated[
        str,
        Meta(
            pattern=r"^urn:daybook:schema:ledger:[A-Z][A-Za-z0-9]*:[1-9][0-9]*(?!\n)$",
            description="The JSON Schema of `data`.",
        ),
    ]
    datacontenttype: Literal["application/json"]
    recordedtime: Annotated[
        Timestamp, Meta(description="When it was announced: what is beyond and recorded before this is revoked.")
    ]
    data: D


RestoredEvent: TypeAlias = LedgerEvent[Restored]
PublishedEvent: TypeAlias = AccountDomainEvent | RestoredEvent


class IgnoredDocumentError(NotPublishableError):
    """A document of a source or a type that is no event of an account's history: consumers ignore it."""


class _Sourced(Struct):
    """What tells which kind of document it is."""

    source: str
    type: str


_RESTORED: Final = f"{LEDGER_TYPE_PREFIX}{Restored.__name__}."
"""How the type of every version of it begins."""

_sourced: msgspec.json.Decoder[_Sourced] = msgspec.json.Decoder(_Sourced)
_restored: msgspec.json.Decoder[RestoredEvent] = msgspec.json.Decoder(LedgerEvent[Restored])
_encode = msgspec.json.Encoder().encode


def restored_event(
    account_id: str, *, last_good_version: int, restored_to: datetime, generation: int, announced: datetime
) -> RestoredEvent:
    """The announcement of a restore to the consumers of one account. Raises NotPublishableError."""
    moment = format_timestamp(announced)
    fields: dict[str, Any] = {
        "specversion": SPECVERSION,
        "id": f"{account_id}/restored/{generation}",
        "source": LEDGER_SOURCE,
        "type": ledger_event_type(Restored),
        "subject": account_id,
        "time": moment,
        "dataschema": ledger_data_schema(Restored),
        "datacontenttype": CONTENT_TYPE,
        "recordedtime": moment,
        "data": {
            "last_good_version": last_good_version,
            "restored_to": format_timestamp(restored_to),
            "generation": generation,
        },
    }
    try:
        return msgspec.convert(fields, LedgerEvent[Restored])
    except msgspec.ValidationError as error:
        raise NotPublishableError(f"{fields['id']}: {error}") from error


def ledger_event_type(cls: type[Struct]) -> str:
    """The `type` of what the ledger tells."""
    return f"{LEDGER_TYPE_PREFIX}{cls.__name__}.v1"


def ledger_data_schema(cls: type[Struct]) -> str:
    """The `dataschema` of what the ledger tells, which is its schema's `$id`."""
    return f"{LEDGER_DATASCHEMA_PREFIX}{cls.__name__}:1"


def encode_ledger_event(event: RestoredEvent) -> bytes:
    """The JSON document, without a line end."""
    return _encode(event)


def decode_published(line: str | bytes) -> PublishedEvent:
    """A published line: an account's event, or what the ledger tells. Its source says which.

    Raises NotPublishableError: UnreadableEventError if it only says where it stands in which account's history,
    IgnoredDocumentError if its source, or what the ledger tells, is not known (yet). A `Restored` is never ignored.
    """
    try:
        return decode_domain_event(line)
    except UnreadableEventError:
        raise
    except NotPublishableError as error:
        return _restored_event(line, str(error))


def _restored_event(line: str | bytes, reason: str) -> RestoredEvent:
    """What the ledger tells; `reason` is why the line is no event of an account."""
    try:
        document = _sourced.decode(line)
        if document.source == SOURCE:
            raise NotPublishableError(reason)
        if document.source != LEDGER_SOURCE or not document.type.startswith(_RESTORED):
            raise IgnoredDocumentError(f"{document.source} {document.type} is not known")
        event = _restored.decode(line)
    except UNREADABLE as error:
        raise NotPublishableError(str(error)) from error
    if event.type != ledger_event_type(Restored):
        raise NotPublishableError(f"{event.type} is not known")
    return event
