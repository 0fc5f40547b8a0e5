"""Executes one command: take the cached state or read it, decide, append; decide again after a lost race."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from lambdas.eventsourcing.builder import CommitBuilder
from lambdas.eventsourcing.cache import StreamCache
from lambdas.eventsourcing.decider import Committed, Decide, Idempotency, Loaded, Replayed
from lambdas.eventsourcing.errors import (
    ContentionError,
    IdempotencyKeyReusedError,
    PreconditionFailedError,
    ReceiptExistsError,
    VersionConflictError,
)
from lambdas.eventsourcing.reader import StreamReader
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Receipt
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.working_set import WorkingSet

S = TypeVar("S")
E = TypeVar("E")


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
        opens: bool,
        deadline: Deadline,
    ) -> Committed[S] | Replayed:
        """See Repository.execute."""
        working = WorkingSet(self._reader, self._cache, deadline)
        for stream_id in stream_ids:
            if opens and idempotency is not None:  # the store compares the receipt, before a known stream is refused
                working.expect_new(stream_id)
            else:
                working.load(stream_id, opens=opens)
        conflicts = 0
        while True:
            try:
                loaded, events = self._decide(working, stream_ids, decide, expected)
            except self._rejections as rejection:
                return self._reject(rejection, working.loaded[stream_ids[0]].version, idempotency, deadline)
            plan = self._builder.plan(
                loaded, events, metadata=metadata, occurred_at=occurred_at, idempotency=idempotency
            )
            writes = idempotency is not None or any(events)
            try:
                draft = self._store.commit(plan, deadline=deadline) if writes else plan()
            except ReceiptExistsError as existing:
                return _replay(idempotency, existing.receipt)
            except VersionConflictError as conflict:
                conflicts += 1
                if conflicts == self._max_conflicts:
                    raise ContentionError(stream_ids, conflicts) from conflict
                working.catch_up(conflict.rows, conflicts, self._backoff)
            else:
                for stream in draft.committed.streams:
                    self._cache.put(stream)
                return draft.committed

    def _decide(
        self,
        working: WorkingSet[S, E],
        stream_ids: tuple[str, ...],
        decide: Decide[E],
        expected: frozenset[int] | None,
    ) -> tuple[list[Loaded[S]], Sequence[Sequence[E]]]:
        """Decide. A rejection, or a decision without events, needs states that a read in this request has confirmed."""
        while True:
            loaded = [working.loaded[stream_id] for stream_id in stream_ids]
            try:
                if expected is not None:
                    _check_precondition(loaded[0], expected)
                events = decide(*[stream.state for stream in loaded])
            except self._rejections:
                if not working.confirm(stream_ids):
                    raise
            else:
                if any(events) or not working.confirm(stream_ids):
                    return loaded, events

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
