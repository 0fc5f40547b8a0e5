"""The port between the repository and a store of streams, such as DynamoDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, EventRow

C = TypeVar("C", bound=Commit)


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

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        """Add all rows, the receipt and the completions of a commit, or nothing. Gives the commit that took effect.

        Each row's version must be free, and each completed command pending and as its completion expects it. `build`
        gives the commit with the time of the call in it. It is called again after an attempt that was refused for
        certain, since a commit is booked when it is written and not when its first attempt was sent; it keeps id,
        streams and versions. Once an attempt is in doubt, only the same commit is sent again. Idempotent: a commit that
        has taken effect before succeeds.

        Raises VersionConflictError, ReceiptExistsError, StoredCommandsRefusedError, NotAppliedError,
        OutcomeUnknownError, CommitTooLargeError, CommitInvalidError.
        """
        ...
