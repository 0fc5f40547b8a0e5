"""The event table, the stream and the parking bucket of an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from botocore.config import Config

from cli.environments.ledger import open_store
from cli.environments.place import Place
from cli.republish.recorded_events import Recorded
from cli.storage.parked import ParkingBucket
from cli.storage.table_scan import RETRIES
from lambdas.publishing.kinesis import KinesisSender

ONE_ATTEMPT: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 1, "mode": "standard"})
"""For the client of Kinesis: the sender retries by itself, in order."""


class Parts(msgspec.Struct, frozen=True):
    """What the command needs. `parking` is called only for --parked."""

    recorded: Recorded
    sender: KinesisSender
    parking: Callable[[], ParkingBucket]


def open_parts(place: Place) -> Parts:
    """The environment's table, stream and bucket. Raises PlaceError."""
    return Parts(
        Recorded(open_store(place.ledger())),
        KinesisSender(
            place.client("kinesis", ONE_ATTEMPT), stream=place.output("DomainEvents", "DomainEventStreamName")
        ),
        lambda: ParkingBucket(place.client("s3", RETRIES), place.output("DomainEvents", "ParkingBucketName")),
    )
