"""Fixes what a verification goes by."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.httpapi.idempotency import TIME_TO_LIVE
from lambdas.verification.results import LogTerms, Terms

RECEIPT_MARGIN: Final = timedelta(days=1)
"""By so much a receipt must live longer to be expected: it may be deleted while the verification goes on."""

AHEAD: Final = timedelta(days=1)
"""Clocks differ by less, and a verification takes less: what was recorded so long after its beginning cannot have been.
Neither the sealer nor a comparison of contents would see it before its time has come."""

SEALED_WITHIN: Final = timedelta(days=2)
"""What was recorded so long ago must be in the log, whether or not anything was sealed since: else a sealer that was
stopped, or was told to look at nothing, would be no finding. Twice `log.EXPECTED_AFTER`: there may be one run a day."""


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
        latest=format_timestamp(now + AHEAD),
        salt=new_salt(),
        log=log and replace(log, expected_before=max(log.expected_before, format_timestamp(now - SEALED_WITHIN))),
    )
