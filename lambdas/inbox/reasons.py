"""What may be said of a technical failure."""

from __future__ import annotations

from botocore.exceptions import ClientError

from lambdas.eventsourcing.errors import EventSourcingError
from lambdas.inbox.parked_objects import ParkedObjectError
from lambdas.inbox.stream_records import MalformedRecordError

_OUR_WORDS = (EventSourcingError, MalformedRecordError, ParkedObjectError)


def reason_of(error: Exception) -> str:
    """What a log may hold of a failure. Messages that this code did not write may quote a body: they stay out."""
    name = type(error).__name__
    if isinstance(error, _OUR_WORDS):
        return f"{name}: {error}"
    if isinstance(error, ClientError):
        return f"{name}: {error.response.get('Error', {}).get('Code', 'no code')}"
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return name if place is None else f"{name} in {place.tb_frame.f_code.co_qualname}, line {place.tb_lineno}"
