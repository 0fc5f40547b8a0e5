"""The DynamoDB client for the event store: short timeouts, one attempt."""

from __future__ import annotations

import os
from typing import Any

from botocore.config import Config
from botocore.session import get_session


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
    return get_session().create_client("dynamodb", region_name=os.environ.get("AWS_REGION"), config=config)
