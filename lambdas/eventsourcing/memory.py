"""Streams in the memory of one process: for tests, benchmarks and trying things out."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from lambdas.eventsourcing.errors import (
    ReceiptExistsError,
    StoredCommandCompletedError,
    StoredCommandsRefusedError,
    VersionConflictError,
)
from lambdas.eventsourcing.limits import check_limits
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, Completion, EventRow, Receipt
from lambdas.eventsourcing.store import C, Page


class InMemoryEventStore:
    """An EventStore with the guarantees and limits of the DynamoDB one, thread-safe, and always available.

    It does not know which commands are stored: each counts as pending, and as it is expected, until it is completed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: defaultdict[str, list[EventRow]] = defaultdict(list)
        self._receipts: dict[tuple[str, str], Receipt] = {}
        self._completions: dict[tuple[str, str], Completion] = {}

    def read(
        self,
        stream_id: str,
        *,
        after: int = 0,
        up_to: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        deadline: Deadline,  # noqa: ARG002 - part of the port
    ) -> Page:
        """See EventStore.read; never fails."""
        with self._lock:
            rows = self._streams.get(stream_id, [])
            end = len(rows) if up_to is None else max(after, min(up_to, len(rows)))
            count = end - after if limit is None else min(limit, end - after)
            if newest_first:
                return Page(rows[end - count : end][::-1], more=end - count > after)
            return Page(rows[after : after + count], more=after + count < end)

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:  # noqa: ARG002 - part of the port
        """See EventStore.commit. Raises ValueError for rows that would leave a gap."""
        commit = build()
        check_limits(commit)
        with self._lock:
            winners = self._winners(commit)
            if winners and winners[0].commit_id == commit.commit_id:
                return commit
            if self._completed(commit, winners):
                return commit
            if commit.receipt is not None:
                self._check_receipt(commit.receipt, commit.made_at)
            if winners:
                raise VersionConflictError(winners)
            for row in commit.rows:
                self._streams[row.stream_id].append(row)
            if commit.receipt is not None:
                self._receipts[commit.receipt.scope, commit.receipt.key] = commit.receipt
            for each in commit.completions:
                self._completions[each.scope, each.key] = each
            return commit

    def completion(self, scope: str, key: str) -> Completion | None:
        """The end state of a stored command; None while it is pending."""
        with self._lock:
            return self._completions.get((scope, key))

    def _winners(self, commit: Commit) -> list[EventRow]:
        """The rows that exist at the commit's versions. Raises ValueError for a gap, before anything is added."""
        winners = []
        ends: dict[str, int] = {}
        for row in commit.rows:
            stream_id, version = row.stream_id, row.version
            rows = self._streams.get(stream_id, ())
            if version <= len(rows):
                winners.append(rows[version - 1])
            elif version != ends.get(stream_id, len(rows)) + 1:
                raise ValueError(f"row {stream_id}/{version} would leave a gap after version {len(rows)}")
            else:
                ends[stream_id] = version
        return winners

    def _completed(self, commit: Commit, winners: list[EventRow]) -> bool:
        """Whether the same commit has completed the commands. Raises StoredCommandsRefusedError for other ones."""
        known = [self._completions.get((each.scope, each.key)) for each in commit.completions]
        ended = [each for each in known if each is not None]
        if any(each.commit_id == commit.commit_id for each in ended):
            return True
        if ended:
            refused = [StoredCommandCompletedError(each.scope, each.key, each.status) for each in ended]
            raise StoredCommandsRefusedError(refused, winners)
        return False

    def _check_receipt(self, receipt: Receipt, now: int) -> None:
        existing = self._receipts.get((receipt.scope, receipt.key))
        if existing is not None and existing.expires_at > now and existing.commit_id != receipt.commit_id:
            raise ReceiptExistsError(existing)
