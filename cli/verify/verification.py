"""The finding about one account's history, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.eventsourcing.errors import ChainBrokenError, ReadUnavailableError
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.decider import ACCOUNT_DECIDER

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
    """One line for a person."""
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


def as_json(results: Sequence[Verification]) -> str:
    """All in one JSON document; fields without a meaning for a status are left out."""
    return msgspec.json.format(msgspec.json.encode({"accounts": results})).decode()


def exit_status(results: Sequence[Verification]) -> int:
    """0 all verify, 1 broken or without a history, 3 could not be read."""
    statuses = {result.status for result in results}
    if statuses & {BROKEN, NO_HISTORY}:
        return 1
    return 3 if NOT_CHECKED in statuses else 0
