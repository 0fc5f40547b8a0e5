"""Builds the publisher from its settings."""

from __future__ import annotations

import os
from typing import Any

from botocore.config import Config
from botocore.session import get_session

from lambdas.composition.settings import PublisherSettings
from lambdas.eventsourcing.transport import strict
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.parking import ParkingPlace
from lambdas.publishing.publisher import Publisher


def kinesis_client(session: Any = None) -> Any:
    """A low-level Kinesis client with short timeouts that never retries by itself: the sender does, in order."""
    return _client("kinesis", session)


def s3_client() -> Any:
    """A low-level S3 client that never retries by itself: the deadline for parking allows for one attempt."""
    return _client("s3")


def _client(service: str, session: Any = None) -> Any:
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
    )
    client = (session or get_session()).create_client(service, region_name=os.environ.get("AWS_REGION"), config=config)
    return strict(client, bound=True)


def deployed_publisher(settings: PublisherSettings) -> Publisher:
    """The publisher as it runs in AWS."""
    return Publisher(
        KinesisSender(kinesis_client(), stream=settings.domain_event_stream),
        ParkingPlace(s3_client, bucket=settings.parking_bucket),
    )
