"""This machine's clock against AWS's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from botocore.exceptions import ClientError

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, not_known, ok, problem, warning

REFUSED_SECONDS: Final = 300
"""AWS refuses signatures that are older or newer. Source: IAM User Guide, "Troubleshoot Signature Version 4"."""

WRONG_SECONDS: Final = 5
"""The service's own bound for its functions' clocks."""

HEADER_SECONDS: Final = 1
"""A Date header has whole seconds."""

SET_IT: Final = "set the clock by NTP, such as: sudo timedatectl set-ntp true"


def _look(account: Account) -> Iterator[Seen]:
    before = account.now()
    try:
        answer = account.ask("sts", "get_caller_identity")["ResponseMetadata"]
    except ClientError as error:  # also a signature that is refused for its time says what time it is
        answer = error.response.get("ResponseMetadata", {})
    after = account.now()
    date = answer.get("HTTPHeaders", {}).get("date")
    if date is None:
        yield not_known("AWS's answer has no date")
        return
    yield _judged(_seconds_off(parsedate_to_datetime(date).astimezone(UTC), before, after))


def _seconds_off(theirs: datetime, before: datetime, after: datetime) -> float:
    """How far this clock is ahead, at least; below 0 if it is behind. The answer was dated between the two moments."""
    ahead = (before - theirs).total_seconds() - HEADER_SECONDS
    behind = (theirs - after).total_seconds()
    return max(ahead, 0.0) if behind <= 0 else -behind


def _judged(off: float) -> Seen:
    direction = "ahead of" if off > 0 else "behind"
    found = f"this clock is {abs(off):.0f} s {direction} AWS's"
    if abs(off) > REFUSED_SECONDS:
        return problem(found, SET_IT)
    if abs(off) > WRONG_SECONDS:
        return warning(found, SET_IT)
    return ok(f"this clock is within {WRONG_SECONDS} s of AWS's")


CLOCK = Check(
    "clock",
    "AWS refuses requests whose signature is 5 minutes off, and times that this machine gives are wrong by as much.",
    _look,
)
