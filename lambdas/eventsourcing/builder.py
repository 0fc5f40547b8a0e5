"""Builds the rows that record a decision: encoding, snapshot, hash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from msgspec.structs import replace

from lambdas.eventsourcing.chain import chain_hash, row_hash
from lambdas.eventsourcing.decider import Committed, Decider, Idempotency, Loaded
from lambdas.eventsourcing.limits import MAX_ROW_BYTES, row_bytes
from lambdas.eventsourcing.rows import Commit, EventRow, Receipt
from lambdas.eventsourcing.timestamps import format_timestamp

S = TypeVar("S")
E = TypeVar("E")

INHERITED_AHEAD = timedelta(seconds=60)
"""A stamp further ahead of the own clock stays with its own stream: a fast clock somewhere must not mark others."""


class Draft(Commit, Generic[S], frozen=True, kw_only=True, gc=False):
    """A commit that is not sent yet, and the streams as they will be after it."""

    committed: Committed[S]


class CommitBuilder(Generic[S, E]):
    """Builds commits. Version 1 holds a snapshot, and so does every `snapshot_interval`-th row after the last one.

    Each `plan…` gives a function for `EventStore.commit`: every call of it reads the clock and builds the same commit,
    with the same id, as of that moment.
    """

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
        self.new_commit_id = new_commit_id
        self._interval = snapshot_interval

    def plan(
        self,
        loaded: Sequence[Loaded[S]],
        events: Sequence[Sequence[E]],
        *,
        metadata: str,
        occurred_at: str | None,
        idempotency: Idempotency[S] | None,
    ) -> Callable[[], Draft[S]]:
        """The commit that appends `events[i]` to `loaded[i]`, with its receipt.

        `recorded_at` is the larger of now and the streams' newest, so that it never decreases in any of them. A stamp
        that is more than `INHERITED_AHEAD` after now counts in its own stream only.
        """
        commit_id = self.new_commit_id()
        return partial(self._build, commit_id, tuple(loaded), events, metadata, occurred_at, idempotency)

    def plan_rejection(self, idempotency: Idempotency[S], version: int, response: str) -> Callable[[], Commit]:
        """A commit with only the receipt of a rejection."""
        commit_id = self.new_commit_id()

        def build() -> Commit:
            made_at = int(self._clock().timestamp())
            receipt = _receipt(idempotency, commit_id, version, response, made_at)
            return Commit(commit_id, (), receipt, made_at=made_at)

        return build

    def booked_at(self, streams: Sequence[Loaded[S]]) -> str:
        """When a commit on these streams is booked, if that is now (see `plan`)."""
        moment = self._clock()
        return _booked_at(moment, format_timestamp(moment), streams)

    def _build(
        self,
        commit_id: str,
        loaded: Sequence[Loaded[S]],
        events: Sequence[Sequence[E]],
        metadata: str,
        occurred_at: str | None,
        idempotency: Idempotency[S] | None,
    ) -> Draft[S]:
        moment = self._clock()
        now = format_timestamp(moment)
        booked = _booked_at(moment, now, loaded)
        occurred_at = occurred_at or now
        rows: list[EventRow] = []
        after: list[Loaded[S]] = []
        for stream, stream_events in zip(loaded, events, strict=True):
            newest, recorded_at = stream, max(booked, stream.recorded_at)
            for event in stream_events:
                newest = self.append(newest, event, commit_id, metadata, occurred_at, recorded_at, rows)
            after.append(newest)
        committed = Committed(commit_id, tuple(after))
        if idempotency is None:
            return Draft(commit_id, tuple(rows), committed=committed)
        made_at = int(moment.timestamp())
        receipt = _receipt(idempotency, commit_id, after[0].version, idempotency.respond(committed), made_at)
        return Draft(commit_id, tuple(rows), receipt, made_at=made_at, committed=committed)

    def append(
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
            snapshot = codec.encode_state(state)
            if snapshot is not None:
                snapshot_schema, snapshot_version = codec.state_schema, version
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


def _booked_at(moment: datetime, now: str, streams: Sequence[Loaded[S]]) -> str:
    """The larger of now and the streams' newest stamps, without those too far ahead. `now` is `moment` as text."""
    booked = now
    for stream in streams:
        if booked < stream.recorded_at <= format_timestamp(moment + INHERITED_AHEAD):
            booked = stream.recorded_at
    return booked


def _without_snapshot(row: EventRow, previous: bytes) -> EventRow:
    row = replace(row, state=None, state_schema=None)
    return replace(row, hash=row_hash(previous, row))


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
