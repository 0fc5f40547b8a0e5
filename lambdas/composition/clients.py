"""Clients of AWS services for functions that are not in a hurry."""

from __future__ import annotations

from typing import Any, Final

from botocore.config import Config
from botocore.session import get_session

from lambdas.eventsourcing.transport import strict

RETRIES: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 5, "mode": "standard"})
"""Nobody waits, and each request may be sent twice, so botocore's own retries are enough."""


def client(service: str) -> Any:
    """A low-level client of an AWS service, configured by the function's environment."""
    return strict(get_session().create_client(service, config=RETRIES))
