"""The event store for applications: commands on streams, and reads of their present and past."""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from lambdas.eventsourcing.builder import CommitBuilder
from lambdas.eventsourcing.cache import StreamCache
from lambdas.eventsourcing.decider import (
    Committed,
    Decider,
    History,
    Idempotency,
    Loaded,
    Origin,
    Replayed,
    StoredCommand,
)
from lambdas.eventsourcing.errors import NotAppliedError, ReadUnavailableError
from lambdas.eventsourcing.executor import CommandExecutor, Decide
from lambdas.eventsourcing.reader import StreamReader
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Metadata
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.timestamps import utc_now

S = TypeVar("S")
E = TypeVar("E")

SNAPSHOT_INTERVAL = 10
CACHE_CAPACITY = 10_000
MAX_CONFLICTS = 10
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def random_commit_id() -> str:
    """128 bits of the system's randomness as 22 characters; never repeats after a SnapStart restore."""
    return b2a_base64(os.urandom(16))[:22].translate(_URL_SAFE).decode()


class Repository(Generic[S, E]):
    """Streams of one domain in one store. Thread-safe.

    `clock` gives aware datetimes. Version 1 holds a snapshot, and so does every row `snapshot_interval` or more rows
    after the last usable one. The cache holds `cache_capacity` streams; 0 turns it (the warm path) off.
    """

    def __init__(
        self,
        store: EventStore,
        decider: Decider[S, E],
        *,
        clock: Callable[[], datetime] = utc_now,
        snapshot_interval: int = SNAPSHOT_INTERVAL,
        cache_capacity: int = CACHE_CAPACITY,
        new_commit_id: Callable[[], str] = random_commit_id,
        new_deadline: Callable[[], Deadline] = Deadline,
        backoff: Backoff | None = None,
        max_conflicts: int = MAX_CONFLICTS,
    ) -> None:
        if snapshot_interval < 1:
            raise ValueError("the snapshot interval is at least 1")
        backoff = backoff or Backoff()
        self._new_deadline = new_deadline
        self._encode_metadata = msgspec.json.Encoder().encode
        self._cache: StreamCache[S] = StreamCache(cache_capacity)
        self._reader = StreamReader(store, decider, page_size=snapshot_interval, backoff=backoff)
        builder = CommitBuilder(decider, clock=clock, new_commit_id=new_commit_id, snapshot_interval=snapshot_interval)
        self._executor = CommandExecutor(
            store, self._reader, builder, self._cache,
            rejection=decider.rejection, backoff=backoff, max_conflicts=max_conflicts,
        )  # fmt: skip

    def load(self, stream_id: str) -> Loaded[S]:
        """The newest state by one strongly consistent query, at any length of history.

        Raises ReadUnavailableError, InconsistentReadError, CorruptRowError, UnknownSchemaError, as all reads do.
        """
        loaded = self._reader.load(stream_id, deadline=self._new_deadline())
        self._cache.put(loaded)
        return loaded

    def load_version(self, stream_id: str, version: int) -> Loaded[S]:
        """The state at exactly `version`. Raises VersionNotFoundError."""
        return self._reader.load_version(stream_id, version, deadline=self._new_deadline())

    def origin(self, stream_id: str) -> Origin[S, E]:
        """How a stream that exists began, by one query. Raises InconsistentReadError if it does not exist."""
        return self._reader.origin(stream_id, deadline=self._new_deadline())

    def load_at(self, stream_id: str, at: str, *, newest: Loaded[S] | None = None) -> Loaded[S]:
        """The state as it was known at the timestamp `at`; version 0 if the stream did not exist yet.

        `newest`, what `load` has just given, saves reading it again.
        """
        return self._reader.load_at(stream_id, at, newest=newest, deadline=self._new_deadline())

    def history(self, stream_id: str, *, before: int | None = None, limit: int) -> History[E]:
        """A page of events with version < `before`, newest first; empty for an unknown stream."""
        return self._reader.history(stream_id, before=before, limit=limit, deadline=self._new_deadline())

    def execute(
        self,
        stream_ids: tuple[str, ...],
        decide: Decide[E],
        *,
        metadata: Metadata,
        occurred_at: str | None,
        expected: frozenset[int] | None = None,
        idempotency: Idempotency[S] | None = None,
        stored: StoredCommand[S] | None = None,
        opens: bool = False,
    ) -> Committed[S] | Replayed:
        """Decide on the states of the streams and append the events, all or nothing (optimistic lock).

        A cached stream is not read. With `opens` no stream is read, since a new one is expected. `expected` holds the
        versions allowed for the first stream (empty: none): after a lost race the command is decided again only at
        one of them. `occurred_at` None means now. A stream that gets no event may change meanwhile. Streams are read
        one after the other, so `decide` should reject for the state of one stream, not for a combination of states,
        which may never have existed at the same time.

        A `stored` command ends in the same commit as its events; a rejection is raised after it is written. It takes
        no idempotency key: it takes effect once without one.

        Raises the domain's rejection, PreconditionFailedError, IdempotencyKeyReusedError, StoredCommandCompletedError,
        StoredCommandMissingError, ContentionError, CommitTooLargeError, NotAppliedError, OutcomeUnknownError, and what
        reads raise except ReadUnavailableError.
        """
        if stored is not None and idempotency is not None:
            raise ValueError("a stored command takes no idempotency key")
        try:
            return self._executor.execute(
                stream_ids,
                decide,
                metadata=self._encode_metadata(metadata).decode(),
                occurred_at=occurred_at,
                expected=expected,
                idempotency=idempotency,
                stored=stored,
                opens=opens,
                deadline=self._new_deadline(),
            )
        except ReadUnavailableError as error:
            raise NotAppliedError(str(error)) from error
