"""The port between the repository and a store of streams, such as DynamoDB."""

from __future__ import annotations

from typing import Protocol

import msgspec

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, EventRow


class Page(msgspec.Struct, frozen=True):
    """Rows of one stream in the requested order; `more` says that the requested range has further rows."""

    rows: list[EventRow]
    more: bool


class EventStore(Protocol):
    """Append-only streams of event rows, receipts, and the ends of stored commands."""

    def read(
        self,
        stream_id: str,
        *,
        after: int = 0,
        up_to: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        deadline: Deadline,
    ) -> Page:
        """Read the rows with after < version ≤ up_to, strongly consistent, in one round trip.

        A page may be shorter than `limit`. It is not isolated from a commit of several rows: the caller checks
        that versions are contiguous. Raises ReadUnavailableError, CorruptRowError.
        """
        ...

    def commit(self, commit: Commit, *, now: int, deadline: Deadline) -> None:
        """Add all rows, the receipt and the completion, or nothing.

        Each row's version must be free, and the completed command pending and as the completion expects it. `now`
        (seconds since the epoch) decides whether an existing receipt is still live. Idempotent: sending a commit again
        after it took effect succeeds.
        Raises VersionConflictError, ReceiptExistsError, StoredCommandCompletedError, StoredCommandDiffersError,
        StoredCommandMissingError, NotAppliedError, OutcomeUnknownError, CommitTooLargeError.
        """
        ...
