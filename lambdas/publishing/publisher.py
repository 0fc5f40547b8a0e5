"""One batch of the event table's stream, published: nothing is dropped, and no account waits for another's trouble."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lambdas.eventsourcing.retry import Deadline
from lambdas.publishing.kinesis import KinesisSender, Sent
from lambdas.publishing.packing import pack_all
from lambdas.publishing.parking import ParkingError, ParkingPlace
from lambdas.publishing.stream_records import StreamRecord, Tampering, Unpublishable, read_batch


class Parked(msgspec.Struct, frozen=True):
    """A record that was put aside, and the object that holds it; None: it could not be parked either."""

    what: Unpublishable
    key: str | None
    failure: str = ""


class Published(msgspec.Struct, frozen=True):
    """What became of a batch."""

    sent: Sent
    parked: list[Parked]
    tamperings: list[Tampering]

    @property
    def complete(self) -> bool:
        """Whether every record of the batch is published or parked: else the batch must be delivered again."""
        return not self.sent.unsent and all(each.key is not None for each in self.parked)


class Publisher:
    """Publishes batches."""

    def __init__(self, sender: KinesisSender, parking: ParkingPlace) -> None:
        self._sender = sender
        self._parking = parking

    def publish(self, records: Iterable[StreamRecord], sending: Deadline, parking: Deadline) -> Published:
        """Send what can be sent, park what never can, each until its deadline, and say what is left."""
        batch = read_batch(records)
        queues, too_long = pack_all(batch.lines, self._sender.limits)
        sent = self._sender.send(queues, sending)
        parked = [self._park(each, parking) for each in (*batch.unpublishable, *too_long)]
        return Published(sent, parked, batch.tamperings)

    def _park(self, what: Unpublishable, deadline: Deadline) -> Parked:
        if not deadline.allows_attempt():
            return Parked(what, None, "no time is left")
        try:
            return Parked(what, self._parking.park(what))
        except ParkingError as error:
            return Parked(what, None, str(error))
