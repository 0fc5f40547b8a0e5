"""Fixes what a verification goes by."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.httpapi.idempotency import TIME_TO_LIVE
from lambdas.verification.results import LogTerms, Terms

RECEIPT_MARGIN: Final = timedelta(days=1)
"""By so much a receipt must live longer to be expected: it may be deleted while the verification goes on."""


def terms(
    now: datetime,
    *,
    settle: timedelta,
    pending: timedelta,
    log: LogTerms | None,
    new_salt: Callable[[], str] = lambda: secrets.token_hex(16),
) -> Terms:
    """The terms of a verification that begins now.

    What was recorded in the last `settle` may still be on its way to the lake; a command may be PENDING for `pending`.
    The salt must not be known to whoever could have changed anything.
    """
    return Terms(
        begun_at=format_timestamp(now),
        settled=format_timestamp(now - settle),
        pending_before=format_timestamp(now - pending),
        keyed_since=format_timestamp(now - TIME_TO_LIVE + RECEIPT_MARGIN),
        salt=new_salt(),
        log=log,
    )
