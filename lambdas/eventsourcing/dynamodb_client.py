"""The DynamoDB client for the event store: short timeouts, one attempt, and only answers that are ones."""

from __future__ import annotations

import os
from typing import Any, Final

import botocore
from botocore.config import Config
from botocore.session import get_session

from lambdas.eventsourcing.transport import strict

TUNED: Final = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"total_max_attempts": 1, "mode": "standard"},
    tcp_keepalive=True,
    parameter_validation=False,
)
"""Short timeouts and no retries: the store retries. Its requests are its own and tested: botocore need not validate."""

NAMED: Final = Config(user_agent=f"daybook Botocore/{botocore.__version__}")
"""Else botocore puts its user agent together anew, twice for every call: a fifth of the CPU time of a put."""


def dynamodb_client(session: Any = None) -> Any:
    """A low-level DynamoDB client with short timeouts that never retries by itself: the store does.

    `session` is botocore's: a second client of one session takes a fraction of the time that the first takes.
    """
    region = os.environ.get("AWS_REGION")
    client = (session or get_session()).create_client("dynamodb", region_name=region, config=TUNED.merge(NAMED))
    return strict(client, bound=True)
