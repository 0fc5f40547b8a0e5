"""Whether this process's clock is right: compared with the Date header of the newest answer of a client.

A commit is stamped with this clock, and nothing else would show that it is wrong. Date is written by the service when
it answers, in whole seconds. Source: RFC 9110, section 6.6.1; the events are those of botocore's client.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

DATE_SECONDS = 1.0
"""How exact a Date is taken to be."""

_SENT = "daybook_sent_at"

Answered = tuple[float, float, str]
"""When a request was sent and answered, by this clock in seconds since the epoch, and the answer's Date."""


class ClockCheck:
    """Keeps the newest answer of the clients it watches. Thread-safe; an answer costs it two readings of the clock."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._newest: Answered | None = None

    def watch(self, client: Any) -> None:
        """Look at every answer of a low-level client, errors included."""
        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-call.{service}", self._sent)
        client.meta.events.register(f"after-call.{service}", self._answered)

    def error(self) -> float:
        """By how many seconds this clock is ahead (behind: below 0), judged by an answer since the last call.

        0 when it is right within `DATE_SECONDS`, or when there is no new answer with a Date.
        """
        newest, self._newest = self._newest, None
        return 0.0 if newest is None else _error(*newest)

    def _sent(self, context: dict[str, Any], **_: Any) -> None:
        context[_SENT] = self._now()

    def _answered(self, http_response: Any, context: Mapping[str, Any], **_: Any) -> None:
        date = http_response.headers.get("date")
        if date is not None:
            self._newest = (context[_SENT], self._now(), date)


def _error(sent: float, answered: float, date: str) -> float:
    """The service wrote `date` after `sent` and before `answered`, if this clock is right."""
    try:
        written = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):  # a middlebox wrote it
        return 0.0
    ahead, behind = sent - (written + DATE_SECONDS), (written - DATE_SECONDS) - answered
    return ahead if ahead > 0 else -behind if behind > 0 else 0.0
