"""The event store for applications: commands on streams, and reads of their present and past."""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from lambdas.eventsourcing.builder import CommitBuilder
from lambdas.eventsourcing.cache import StreamCache
from lambdas.eventsourcing.decider import (
    Committed,
    Decide,
    Decider,
    History,
    Idempotency,
    Loaded,
    Origin,
    Replayed,
    StoredCommand,
)
from lambdas.eventsourcing.errors import NotAppliedError, ReadUnavailableError
from lambdas.eventsourcing.executor import CommandExecutor
from lambdas.eventsourcing.reader import StreamReader
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.stored_commits import StoredCommitBuilder
from lambdas.eventsourcing.stored_executor import Ended, StoredExecutor
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
        self._stored = StoredExecutor(
            store, self._reader, StoredCommitBuilder(builder), self._cache, decider,
            backoff=backoff, max_conflicts=max_conflicts,
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

    def rows(self, stream_id: str, *, before: int | None = None, limit: int) -> list[EventRow]:
        """A page of rows with version < `before`, newest first, as they are stored; empty for an unknown stream."""
        return self._reader.rows(stream_id, before=before, limit=limit, deadline=self._new_deadline())

    def execute(
        self,
        stream_ids: tuple[str, ...],
        decide: Decide[E],
        *,
        metadata: Metadata,
        occurred_at: str | None,
        expected: frozenset[int] | None = None,
        idempotency: Idempotency[S] | None = None,
        opens: bool = False,
    ) -> Committed[S] | Replayed:
        """Decide on the states of the streams and append the events, all or nothing (optimistic lock).

        A cached stream is not read. With `opens` no stream is read, since a new one is expected. `expected` holds the
        versions allowed for the first stream (empty: none): after a lost race the command is decided again only at
        one of them. `occurred_at` None means now. A stream that gets no event may change meanwhile. Streams are read
        one after the other, so `decide` should reject for the state of one stream, not for a combination of states,
        which may never have existed at the same time.

        Raises the domain's rejection, PreconditionFailedError, IdempotencyKeyReusedError, ContentionError,
        CommitTooLargeError, CommitInvalidError, NotAppliedError, OutcomeUnknownError, and what reads raise except
        ReadUnavailableError.
        """
        try:
            return self._executor.execute(
                stream_ids,
                decide,
                metadata=self._encode_metadata(_keyed(metadata) if idempotency is not None else metadata).decode(),
                occurred_at=occurred_at,
                expected=expected,
                idempotency=idempotency,
                opens=opens,
                deadline=self._new_deadline(),
            )
        except ReadUnavailableError as error:
            raise NotAppliedError(str(error)) from error

    def execute_stored(self, commands: Sequence[StoredCommand[S, E]]) -> list[Ended[S]]:
        """Carry out stored commands in one commit, each on what those before it left; all or none of them end.

        No two may be the same command. Those that had ended before, or that are stored with another content, are left
        alone, and the others are carried out without them. A rejection counts only if the state that it was decided on
        is proved: by a row that the commit adds to the same stream, or by a read in this run. Gives how each ended.

        Raises FaultyCommandError if one of the commands is the cause of a failure: some part of the run would succeed.
        Otherwise ContentionError, NotAppliedError, OutcomeUnknownError.
        """
        try:
            return self._stored.execute(commands, self._new_deadline())
        except ReadUnavailableError as error:
            raise NotAppliedError(str(error)) from error


def _keyed(metadata: Metadata) -> Metadata:
    return msgspec.structs.replace(metadata, keyed=True)
