"""The DynamoDB client for the event store: short timeouts, one attempt, and only answers that are ones."""

from __future__ import annotations

import os
from typing import Any

from botocore.config import Config
from botocore.session import get_session

from lambdas.eventsourcing.transport import strict


def dynamodb_client() -> Any:
    """A low-level DynamoDB client with short timeouts that never retries by itself: the store does.

    The request shapes are the store's own and tested, so botocore need not validate them on every call.
    """
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
        parameter_validation=False,
    )
    client = get_session().create_client("dynamodb", region_name=os.environ.get("AWS_REGION"), config=config)
    return strict(client, bound=True)
