"""Every error the event store raises.

EventSourcingError
├── PreconditionFailedError        the caller's expected version is not the stream's version
├── IdempotencyKeyReusedError      a live receipt holds another request under this key
├── ContentionError                lost the race for the next version too often
├── StoredCommandError             a stored command was not carried out; nothing was written for it
│   ├── StoredCommandCompletedError   it has ended before
│   ├── StoredCommandDiffersError     what is stored is not what was to be carried out
│   └── StoredCommandMissingError     no such command is stored
├── FaultyCommandError             a run of stored commands failed, and one of them is the cause
├── VersionNotFoundError           time travel beyond the newest version, or below 1
├── CommitTooLargeError            more than one transaction can hold
├── CommitInvalidError             the store refuses the commit, and would do so again
├── StoreUnavailableError
│   ├── ReadUnavailableError       a read failed after bounded retries
│   ├── NotAppliedError            certain: nothing was written
│   └── OutcomeUnknownError        an attempt may have taken effect
├── InconsistentReadError          a row that must be there stayed missing over several reads
├── CorruptRowError                a stored row is not in the documented form
├── UnknownSchemaError             an event type or schema version this code does not know
├── SchemaNotWrittenError          an event that this release can read and does not write yet
├── ChainBrokenError               the verifier's finding: the first bad version
├── VersionConflictError           port only: the rows that won the race
├── StoredCommandsRefusedError     port only: the commands of the commit that have ended, differ or are missing
└── ReceiptExistsError             port only: the live receipt
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lambdas.eventsourcing.rows import EventRow, Receipt


class EventSourcingError(Exception):
    """Base of every error the event store raises."""


class PreconditionFailedError(EventSourcingError):
    """A strongly consistent read found the stream at a version the caller did not expect."""

    def __init__(self, stream_id: str, version: int) -> None:
        super().__init__(f"stream {stream_id} is at version {version}")
        self.stream_id = stream_id
        self.version = version


class IdempotencyKeyReusedError(EventSourcingError):
    """The idempotency key belongs to a different request."""

    def __init__(self, key: str) -> None:
        super().__init__(f"idempotency key {key} was used for another request")
        self.key = key


class ContentionError(EventSourcingError):
    """The commit lost the race for the next version too often (optimistic lock); nothing was written."""

    def __init__(self, stream_ids: Sequence[str], conflicts: int) -> None:
        super().__init__(f"lost the race on {', '.join(stream_ids)} {conflicts} times")
        self.stream_ids = tuple(stream_ids)
        self.conflicts = conflicts


class StoredCommandError(EventSourcingError):
    """Base of the reasons why a stored command was not carried out; nothing was written for it."""

    def __init__(self, scope: str, key: str, why: str) -> None:
        super().__init__(f"command {key} of {scope} {why}")
        self.scope = scope
        self.key = key


class StoredCommandCompletedError(StoredCommandError):
    """Another commit has ended the stored command with `status`."""

    def __init__(self, scope: str, key: str, status: str) -> None:
        super().__init__(scope, key, f"has ended before: {status}")
        self.status = status


class StoredCommandDiffersError(StoredCommandError):
    """The stored command says something else than the one that was to be carried out."""

    def __init__(self, scope: str, key: str) -> None:
        super().__init__(scope, key, "is stored with another content")


class StoredCommandMissingError(StoredCommandError):
    """No such command is stored."""

    def __init__(self, scope: str, key: str) -> None:
        super().__init__(scope, key, "is not stored")


class FaultyCommandError(EventSourcingError):
    """A run of stored commands failed by one of them; nothing was written. `reason` says why, but not which one it is.

    A part of the run without that command would succeed.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__(f"one command of the run fails: {type(reason).__name__}")
        self.reason = reason


class VersionNotFoundError(EventSourcingError):
    """The stream has no such version. `newest` is 0 when the stream does not exist."""

    def __init__(self, stream_id: str, version: int, newest: int) -> None:
        super().__init__(f"stream {stream_id} has no version {version}; its newest is {newest}")
        self.stream_id = stream_id
        self.version = version
        self.newest = newest


class CommitTooLargeError(EventSourcingError):
    """The commit breaks a limit of the store: row bytes, actions or bytes per transaction."""


class CommitInvalidError(EventSourcingError):
    """The store refuses the commit for what stands in it, and would refuse it again; nothing was written."""


class StoreUnavailableError(EventSourcingError):
    """The store did not answer within the bounded retries."""


class ReadUnavailableError(StoreUnavailableError):
    """A read failed after bounded retries."""


class NotAppliedError(StoreUnavailableError):
    """The write failed after bounded retries, and it is certain that nothing was written."""


class OutcomeUnknownError(StoreUnavailableError):
    """The write failed after bounded retries, and an attempt may have taken effect."""


class InconsistentReadError(EventSourcingError):
    """The row at `version` was missing in several reads, although later rows or the range show that it exists."""

    def __init__(self, stream_id: str, version: int) -> None:
        super().__init__(f"stream {stream_id} has no row at version {version}, in several reads in a row")
        self.stream_id = stream_id
        self.version = version


class CorruptRowError(EventSourcingError):
    """A stored row is not in the documented form."""

    def __init__(self, stream_id: str, version: int, reason: str) -> None:
        super().__init__(f"stream {stream_id} version {version}: {reason}")
        self.stream_id = stream_id
        self.version = version
        self.reason = reason


class UnknownSchemaError(EventSourcingError):
    """The codec knows no such event type or schema version."""


class SchemaNotWrittenError(EventSourcingError):
    """The event's type is not written yet, or only in an older schema that cannot hold it; nothing was written."""


class ChainBrokenError(EventSourcingError):
    """The history of a stream does not verify from `version` on."""

    def __init__(self, stream_id: str, version: int, reason: str) -> None:
        super().__init__(f"stream {stream_id} is broken at version {version}: {reason}")
        self.stream_id = stream_id
        self.version = version
        self.reason = reason


class VersionConflictError(EventSourcingError):
    """Lost race: another commit's rows have these versions. `rows` holds those the store returned, maybe none."""

    def __init__(self, rows: Sequence[EventRow]) -> None:
        super().__init__("another commit holds " + ", ".join(f"{r.stream_id}/{r.version}" for r in rows))
        self.rows = tuple(rows)


class StoredCommandsRefusedError(EventSourcingError):
    """Stored commands of the commit cannot be ended by it. `rows` are those that won the race besides, maybe none."""

    def __init__(self, commands: Sequence[StoredCommandError], rows: Sequence[EventRow] = ()) -> None:
        super().__init__("; ".join(str(each) for each in commands))
        self.commands = tuple(commands)
        self.rows = tuple(rows)


class ReceiptExistsError(EventSourcingError):
    """A live receipt of another commit exists under this key."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(f"a receipt exists under key {receipt.key}")
        self.receipt = receipt
