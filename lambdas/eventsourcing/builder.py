"""Builds the rows that record a decision: encoding, snapshot, hash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from msgspec.structs import replace

from lambdas.eventsourcing.chain import chain_hash, row_hash
from lambdas.eventsourcing.decider import Committed, Decider, Idempotency, Loaded, Outcome, StoredCommand
from lambdas.eventsourcing.limits import MAX_ROW_BYTES, row_bytes
from lambdas.eventsourcing.rows import Commit, Completion, EventRow, Receipt
from lambdas.eventsourcing.timestamps import format_timestamp

S = TypeVar("S")
E = TypeVar("E")


class Draft(msgspec.Struct, Generic[S], frozen=True):
    """A commit that is not sent yet, the streams as they will be after it, and when its receipt was made (epoch s)."""

    commit: Commit
    committed: Committed[S]
    made_at: int


class CommitBuilder(Generic[S, E]):
    """Builds commits. Version 1 holds a snapshot, and so does every `snapshot_interval`-th row after the last one."""

    def __init__(
        self,
        decider: Decider[S, E],
        *,
        clock: Callable[[], datetime],
        new_commit_id: Callable[[], str],
        snapshot_interval: int,
    ) -> None:
        self._evolve = decider.evolve
        self._codec = decider.codec
        self._clock = clock
        self._new_commit_id = new_commit_id
        self._interval = snapshot_interval

    def build(
        self,
        loaded: Sequence[Loaded[S]],
        events: Sequence[Sequence[E]],
        *,
        metadata: str,
        occurred_at: str | None,
        idempotency: Idempotency[S] | None,
        stored: StoredCommand[S] | None,
    ) -> Draft[S]:
        """The commit that appends `events[i]` to `loaded[i]`, with its receipt or the end of the stored command.

        `recorded_at` is the larger of now and the streams' newest, so that it never decreases in any of them.
        """
        moment = self._clock()
        recorded_at = now = format_timestamp(moment)
        for stream in loaded:
            recorded_at = max(recorded_at, stream.recorded_at)
        occurred_at = occurred_at or now
        commit_id = self._new_commit_id()
        rows: list[EventRow] = []
        after: list[Loaded[S]] = []
        for stream, stream_events in zip(loaded, events, strict=True):
            newest = stream
            for event in stream_events:
                newest = self._next(newest, event, commit_id, metadata, occurred_at, recorded_at, rows)
            after.append(newest)
        committed = Committed(commit_id, tuple(after))
        if stored is not None:
            completion = _completion(stored, commit_id, stored.succeed(committed))
            return Draft(Commit(commit_id, tuple(rows), completion=completion), committed, made_at=0)
        if idempotency is None:
            return Draft(Commit(commit_id, tuple(rows)), committed, made_at=0)
        made_at = int(moment.timestamp())
        receipt = _receipt(idempotency, commit_id, after[0].version, idempotency.respond(committed), made_at)
        return Draft(Commit(commit_id, tuple(rows), receipt), committed, made_at)

    def build_rejection(self, idempotency: Idempotency[S], version: int, response: str) -> tuple[Commit, int]:
        """A commit with only the receipt of a rejection, and when it was made (epoch s)."""
        made_at = int(self._clock().timestamp())
        commit_id = self._new_commit_id()
        return Commit(commit_id, (), _receipt(idempotency, commit_id, version, response, made_at)), made_at

    def build_end(self, stored: StoredCommand[S], rejection: Exception) -> Commit:
        """A commit with only the end of a stored command that was rejected."""
        commit_id = self._new_commit_id()
        return Commit(commit_id, (), completion=_completion(stored, commit_id, stored.reject(rejection)))

    def _next(
        self,
        stream: Loaded[S],
        event: E,
        commit_id: str,
        metadata: str,
        occurred_at: str,
        recorded_at: str,
        rows: list[EventRow],
    ) -> Loaded[S]:
        """The stream after `event`, whose row is added to `rows`."""
        codec, stream_id, snapshot_version = self._codec, stream.stream_id, stream.snapshot_version
        version = stream.version + 1
        state = self._evolve(stream.state, event)
        type_name, schema, data = codec.encode(event)
        snapshot = snapshot_schema = None
        if version == 1 or version - snapshot_version >= self._interval:
            snapshot, snapshot_schema, snapshot_version = codec.encode_state(state), codec.state_schema, version
        row = EventRow(
            stream_id, version, commit_id, type_name, schema, data, metadata, occurred_at, recorded_at,
            chain_hash((
                stream.hash, stream_id, version, commit_id, type_name, schema, data, metadata, occurred_at,
                recorded_at, snapshot, snapshot_schema,
            )),
            snapshot, snapshot_schema,
        )  # fmt: skip
        if snapshot is not None and row_bytes(row) > MAX_ROW_BYTES:
            row, snapshot_version = _without_snapshot(row, stream.hash), stream.snapshot_version
        rows.append(row)
        return Loaded(stream_id, state, version, row.hash, recorded_at, snapshot_version)


def _without_snapshot(row: EventRow, previous: bytes) -> EventRow:
    row = replace(row, state=None, state_schema=None)
    return replace(row, hash=row_hash(previous, row))


def _completion(stored: StoredCommand[S], commit_id: str, outcome: Outcome) -> Completion:
    return Completion(stored.scope, stored.key, commit_id, outcome.status, outcome.attributes, stored.expected)


def _receipt(idempotency: Idempotency[S], commit_id: str, version: int, response: str, made_at: int) -> Receipt:
    return Receipt(
        scope=idempotency.scope,
        key=idempotency.key,
        request_hash=idempotency.request_hash,
        commit_id=commit_id,
        version=version,
        response=response,
        expires_at=made_at + idempotency.ttl,
    )
