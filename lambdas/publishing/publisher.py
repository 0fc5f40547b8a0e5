"""Publishes one batch of the event table's stream: no record is dropped, and a failed account delays no other."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lambdas.eventsourcing.retry import Deadline
from lambdas.publishing.chain_check import ChainCheck, StreamRecord
from lambdas.publishing.kinesis import KinesisSender, Sent
from lambdas.publishing.packing import pack_all
from lambdas.publishing.parking import ParkingError, ParkingPlace
from lambdas.publishing.stream_records import Tampering, Unpublishable, read_batch


class Parked(msgspec.Struct, frozen=True):
    """A record that cannot be published, and the key of its dead letter; None if parking failed (`failure`)."""

    what: Unpublishable
    key: str | None
    failure: str = ""


class Published(msgspec.Struct, frozen=True):
    """The result of a batch: what was sent, what was parked, and which rows were changed or removed."""

    sent: Sent
    parked: list[Parked]
    tamperings: list[Tampering]

    @property
    def tampered(self) -> int:
        """How many records tell of tampering: rows changed or removed, and rows that do not fit their chain."""
        return len(self.tamperings) + sum(each.what.tampered for each in self.parked)

    @property
    def complete(self) -> bool:
        """Whether every record of the batch is published or parked. If not, the batch must be redelivered."""
        return not self.sent.unsent and all(each.key is not None for each in self.parked)


class Publisher:
    """Publishes batches, and remembers the hashes of the rows in them."""

    def __init__(self, sender: KinesisSender, parking: ParkingPlace, chain: ChainCheck | None = None) -> None:
        self._sender = sender
        self._parking = parking
        self._chain = chain or ChainCheck()

    def publish(self, records: Iterable[StreamRecord], sending: Deadline, parking: Deadline) -> Published:
        """Send the events until the deadline `sending`; park what can never be sent until the deadline `parking`."""
        batch = read_batch(records, self._chain)
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
