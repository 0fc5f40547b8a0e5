"""Settings of the publisher, from its environment variables."""

from __future__ import annotations

from typing import Annotated

import msgspec


class PublisherSettings(msgspec.Struct, frozen=True, rename="upper"):
    """What the publisher must be told. The names of the variables are in upper case."""

    domain_event_stream: Annotated[str, msgspec.Meta(min_length=1)]
    parking_bucket: Annotated[str, msgspec.Meta(min_length=3)]
    environment: Annotated[str, msgspec.Meta(min_length=1)]
