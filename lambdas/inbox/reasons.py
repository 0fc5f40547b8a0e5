"""The reason of a technical failure, as logs may show it."""

from __future__ import annotations

from botocore.exceptions import ClientError

from lambdas.eventsourcing.errors import EventSourcingError
from lambdas.inbox.parked_objects import ParkedObjectError
from lambdas.inbox.stream_records import MalformedRecordError

_OUR_WORDS = (EventSourcingError, MalformedRecordError, ParkedObjectError)


def reason_of(error: Exception) -> str:
    """The reason for a log. Messages from other libraries are left out: they may quote a request body."""
    name = type(error).__name__
    if isinstance(error, _OUR_WORDS):
        return f"{name}: {error}"
    if isinstance(error, ClientError):
        return f"{name}: {error.response.get('Error', {}).get('Code', 'no code')}"
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return name if place is None else f"{name} in {place.tb_frame.f_code.co_qualname}, line {place.tb_lineno}"
