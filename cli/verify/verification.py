"""Verifies the histories of accounts and prints a line about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import ExitStatus
from cli.output import Outcome, Output
from cli.progress import Steps
from lambdas.eventsourcing.errors import ChainBrokenError, ReadUnavailableError
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.verification.results import Report

VERIFIED: Final = "verified"
BROKEN: Final = "broken"
NO_HISTORY: Final = "no-history"
NOT_CHECKED: Final = "not-checked"


class Verification(msgspec.Struct, frozen=True, omit_defaults=True):
    """One account. `version` is the newest one when verified, the first bad one when broken; `hash` is hexadecimal."""

    account_id: str
    status: Literal["verified", "broken", "no-history", "not-checked"]
    version: int = 0
    snapshots: int = 0
    hash: str = ""
    reason: str = ""


class Verified(msgspec.Struct, frozen=True, omit_defaults=True):
    """All accounts that were verified; or, with --all, what was found in everything."""

    accounts: list[Verification]
    everything: Report | None = None


def verify(store: EventStore, account_id: str) -> Verification:
    """Check the whole history of an account."""
    try:
        verified = ChainVerifier(store, ACCOUNT_DECIDER).verify(account_id)
    except ChainBrokenError as error:
        return Verification(account_id, BROKEN, version=error.version, reason=error.reason)
    except (ReadUnavailableError, ClientError, BotoCoreError) as error:
        return Verification(account_id, NOT_CHECKED, reason=str(error))
    if verified.version == 0:
        return Verification(account_id, NO_HISTORY)
    return Verification(
        account_id, VERIFIED, version=verified.version, snapshots=verified.snapshots, hash=verified.hash.hex()
    )


def as_text(result: Verification) -> str:
    """One line about an account."""
    match result.status:
        case "verified":
            found = f"{result.version} events and {result.snapshots} snapshots verify; newest hash {result.hash}"
        case "broken":
            found = f"BROKEN at version {result.version}: {result.reason}"
        case "no-history":
            found = "there are no events"
        case "not-checked":
            found = f"could not be read: {result.reason}"
    return f"{result.account_id}  {found}"


def verify_all(store: EventStore, account_ids: Sequence[str], output: Output) -> list[Verification]:
    """Check accounts one after the other, and print a line about each at once."""
    found: list[Verification] = []
    with Steps("Verifying accounts", len(account_ids)) as steps:
        for each in account_ids:
            found.append(verify(store, each))
            output.line(as_text(found[-1]))
            steps.advance()
    if len(found) > 1:
        output.line(_summary(found))
    return found


def outcome(found: Sequence[Verification]) -> Outcome:
    """The exit status: 0 all verify, 1 broken or without a history, 3 could not be read."""
    statuses = {each.status for each in found}
    status = ExitStatus.UNAVAILABLE if NOT_CHECKED in statuses else ExitStatus.OK
    if statuses & {BROKEN, NO_HISTORY}:
        status = ExitStatus.FINDING
    return Outcome(Verified(list(found)), status, f"{_summary(found)}.")


def _summary(found: Sequence[Verification]) -> str:
    return f"{sum(each.status == VERIFIED for each in found)} of {len(found)} accounts verify"
