"""The port between projections and the table of a read model: one row an account, behind its gate, and shared rows.

The gate of an account is the place of the last event that counts in its row. It is written in the same request as the
change, on the condition that it is what it was when the row was read: so every event counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol

from msgspec import Struct

from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.projection import Additions, K


class Revoked(Struct, frozen=True):
    """What a restore has revoked: events beyond `last_good_version` that were recorded before the moment `before`.

    `earlier` is a restore before it that has revoked still others.
    """

    last_good_version: int
    before: str
    earlier: Revoked | None = None

    def revokes(self, version: int, recordedtime: str) -> bool:
        """Whether this restore alone has revoked an event."""
        return version > self.last_good_version and recordedtime < self.before


class Gate(Struct, frozen=True):
    """The last event that counts: its `streamversion`, `rowhash` and `recordedtime`; version 0 before the first.

    `stopped` says why the account goes on no further, in a sentence; empty: it goes on. `added`: some of its events
    have added to shared rows.
    """

    version: int = 0
    rowhash: str = ""
    recordedtime: str = ""
    stopped: str = ""
    revoked: Revoked | None = None
    added: bool = False


class AccountRow(Struct, Generic[K], frozen=True):
    """An account in one generation: its gate, and what the projection keeps of it (None before the first event)."""

    account_id: str
    gate: Gate = Gate()
    kept: K | None = None


class Units(Struct, frozen=True):
    """Capacity units that requests have consumed, as DynamoDB's answers say."""

    read: float = 0.0
    write: float = 0.0


class ReadModel(Protocol[K]):
    """The rows of one projection, of all its generations. Every method raises ReadModelUnavailableError.

    Safe to use from several threads.
    """

    @property
    def units(self) -> Units:
        """What all requests have consumed so far."""
        ...

    def load(self, generation: int, account_id: str, deadline: Deadline) -> AccountRow[K]:
        """The account's row, strongly consistent, in one request; an empty one if there is none."""
        ...

    def save(
        self, generation: int, before: AccountRow[K], after: AccountRow[K], additions: Additions, deadline: Deadline
    ) -> None:
        """Write the account's row and add to shared rows, in one request, if the gate is still that of `before`.

        At most MOST_SHARED_ROWS shared rows. Idempotent: an attempt in doubt is sent again, and a row that has the
        gate of `after` means that it took effect. Raises RowChangedError, which carries the row as it is.
        """
        ...

    def defer(self, generation: int, account_id: str, rebuild: str, deadline: Deadline) -> bool:
        """Note that the account's newest events are left to the rebuild. False, and nothing is noted, if the control
        row does not say that this rebuild is walking the event table (in one transaction with the note)."""
        ...

    def deferred(self, generation: int) -> Iterator[str]:
        """The accounts whose events were left to the rebuild, strongly consistent."""
        ...

    def undefer(self, generation: int, account_id: str) -> None:
        """Remove the note: the account is up to date."""
        ...

    def note_restore(self, event: RestoredEvent, deadline: Deadline) -> None:
        """Note that a restore has revoked events of an account: for generations that are not begun yet. Idempotent."""
        ...

    def restores(self) -> Iterator[RestoredEvent]:
        """All restores that were noted, strongly consistent, those of an account together."""
        ...

    def stopped(self, generation: int) -> Iterator[AccountRow[K]]:
        """The accounts that are stopped in a generation, by the sparse index; each row is read consistently."""
        ...

    def shared_rows(self, generation: int, first: str, last: str) -> dict[str, dict[str, int]]:
        """Shared rows with first ≤ key ≤ last, added up over all shards: measures by key, in order."""
        ...

    def rows(self, generation: int, account_ids: Iterable[str]) -> dict[str, AccountRow[K]]:
        """The rows of these accounts that exist, strongly consistent."""
        ...


MOST_SHARED_ROWS = 90
"""Of one transaction, which has at most 100 actions. Source: DynamoDB API Reference, TransactWriteItems."""
