"""Executes one command: take the cached state or read it, decide, append; decide again after a lost race."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, NoReturn, TypeVar

from lambdas.eventsourcing.builder import CommitBuilder
from lambdas.eventsourcing.cache import StreamCache
from lambdas.eventsourcing.decider import Committed, Idempotency, Loaded, Replayed, StoredCommand
from lambdas.eventsourcing.errors import (
    ContentionError,
    IdempotencyKeyReusedError,
    PreconditionFailedError,
    ReceiptExistsError,
    VersionConflictError,
)
from lambdas.eventsourcing.reader import StreamReader
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow, Receipt
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.working_set import WorkingSet

S = TypeVar("S")
E = TypeVar("E")
Decide = Callable[..., Sequence[Sequence[E]]]
"""Takes one state per stream (None for a stream that does not exist), gives one sequence of events per stream."""


class CommandExecutor(Generic[S, E]):
    """Runs commands against a store. Thread-safe: the data of one command is in its own WorkingSet."""

    def __init__(
        self,
        store: EventStore,
        reader: StreamReader[S, E],
        builder: CommitBuilder[S, E],
        cache: StreamCache[S],
        *,
        rejection: type[Exception],
        backoff: Backoff,
        max_conflicts: int,
    ) -> None:
        self._store = store
        self._reader = reader
        self._builder = builder
        self._cache = cache
        self._rejections = (rejection, PreconditionFailedError)
        self._backoff = backoff
        self._max_conflicts = max_conflicts

    def execute(
        self,
        stream_ids: tuple[str, ...],
        decide: Decide[E],
        *,
        metadata: str,
        occurred_at: str | None,
        expected: frozenset[int] | None,
        idempotency: Idempotency[S] | None,
        stored: StoredCommand[S] | None,
        opens: bool,
        deadline: Deadline,
    ) -> Committed[S] | Replayed:
        """See Repository.execute."""
        working = WorkingSet(self._reader, self._cache, stream_ids, deadline, opens=opens)
        conflicts = 0
        while True:
            try:
                events = self._decide(working, decide, expected)
            except self._rejections as rejection:
                if stored is not None:
                    self._settle(stored, rejection, deadline)
                return self._reject(rejection, working.loaded[0].version, idempotency, deadline)
            plan = self._builder.plan(
                working.loaded, events, metadata=metadata, occurred_at=occurred_at, idempotency=idempotency,
                stored=stored,
            )  # fmt: skip
            writes = idempotency is not None or stored is not None or any(events)
            try:
                draft = self._store.commit(plan, deadline=deadline) if writes else plan()
            except ReceiptExistsError as existing:
                return _replay(idempotency, existing.receipt)
            except VersionConflictError as conflict:
                conflicts += 1
                if conflicts == self._max_conflicts:
                    raise ContentionError(stream_ids, conflicts) from conflict
                self._catch_up(working, conflict.rows, conflicts)
            else:
                for stream in draft.committed.streams:
                    self._cache.put(stream)
                return draft.committed

    def _decide(
        self, working: WorkingSet[S, E], decide: Decide[E], expected: frozenset[int] | None
    ) -> Sequence[Sequence[E]]:
        """Decide. A rejection, or a decision without events, needs states that a read in this request has confirmed."""
        while True:
            try:
                if expected is not None:
                    _check_precondition(working.loaded[0], expected)
                events = decide(*[stream.state for stream in working.loaded])
            except self._rejections:
                if not working.confirm():
                    raise
            else:
                if any(events) or not working.confirm():
                    return events

    def _catch_up(self, working: WorkingSet[S, E], winners: Sequence[EventRow], conflicts: int) -> None:
        """After the first lost race the winner's rows are enough; after another, read the newer rows."""
        if conflicts == 1 and working.advance(winners):
            return
        self._backoff.pause(conflicts)
        working.reread()

    def _settle(self, stored: StoredCommand[S], rejection: Exception, deadline: Deadline) -> NoReturn:
        """End a stored command as rejected, then raise the rejection."""
        self._store.commit(self._builder.plan_end(stored, rejection), deadline=deadline)
        raise rejection

    def _reject(
        self, rejection: Exception, version: int, idempotency: Idempotency[S] | None, deadline: Deadline
    ) -> Replayed:
        """Raise the rejection. With a key, write its receipt first; if a receipt exists already, return that one."""
        response = None if idempotency is None else idempotency.reject(rejection)
        if idempotency is None or response is None:
            raise rejection
        plan = self._builder.plan_rejection(idempotency, version, response)
        try:
            self._store.commit(plan, deadline=deadline)
        except ReceiptExistsError as existing:
            return _replay(idempotency, existing.receipt)
        raise rejection


def _check_precondition(first: Loaded[S], expected: frozenset[int]) -> None:
    if first.version != 0 and first.version not in expected:
        raise PreconditionFailedError(first.stream_id, first.version)


def _replay(idempotency: Idempotency[S] | None, receipt: Receipt) -> Replayed:
    if idempotency is None or receipt.request_hash != idempotency.request_hash:
        raise IdempotencyKeyReusedError(receipt.key)
    return Replayed(receipt)
