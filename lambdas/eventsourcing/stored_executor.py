"""Executes a run of stored commands: decides them one after the other and ends them in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeAlias, TypeVar

from lambdas.eventsourcing.cache import StreamCache
from lambdas.eventsourcing.decider import Committed, Decider, StoredCommand
from lambdas.eventsourcing.errors import (
    CommitInvalidError,
    CommitTooLargeError,
    ContentionError,
    FaultyCommandError,
    StoredCommandError,
    StoredCommandMissingError,
    StoredCommandsRefusedError,
    StoreUnavailableError,
    VersionConflictError,
)
from lambdas.eventsourcing.reader import StreamReader
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.stored_commits import Decision, StoredCommitBuilder
from lambdas.eventsourcing.working_set import WorkingSet

S = TypeVar("S")
E = TypeVar("E")

Ended: TypeAlias = Committed[S] | Exception
"""How a stored command ended: its streams after it; or its rejection; or a StoredCommandError, if it was left alone,
because it had ended before or is stored with another content."""


class StoredExecutor(Generic[S, E]):
    """Ends runs of stored commands. Thread-safe: the data of one run is in its own WorkingSet."""

    def __init__(
        self,
        store: EventStore,
        reader: StreamReader[S, E],
        builder: StoredCommitBuilder[S, E],
        cache: StreamCache[S],
        decider: Decider[S, E],
        *,
        backoff: Backoff,
        max_conflicts: int,
    ) -> None:
        self._store = store
        self._reader = reader
        self._builder = builder
        self._cache = cache
        self._decider = decider
        self._backoff = backoff
        self._max_conflicts = max_conflicts

    def execute(self, commands: Sequence[StoredCommand[S, E]], deadline: Deadline) -> list[Ended[S]]:
        """See Repository.execute_stored."""
        working = WorkingSet(self._reader, self._cache, deadline)
        ends: dict[tuple[str, str], Ended[S]] = {}
        waiting, conflicts = list(commands), 0
        while waiting:
            plan = self._builder.plan(working.loaded, self._decide(working, waiting))
            try:
                commit = self._store.commit(plan, deadline=deadline)
            except StoredCommandsRefusedError as refused:
                winners: Sequence[EventRow] | None = refused.rows or None
                ends |= _told(refused.commands)
                waiting = [each for each in waiting if (each.scope, each.key) not in ends]
                working.doubt()  # what ended elsewhere may have changed every stream that was read before
            except VersionConflictError as conflict:
                winners = conflict.rows
            except (CommitTooLargeError, CommitInvalidError) as error:
                raise FaultyCommandError(error) from error
            else:
                for stream in commit.streams:
                    self._cache.put(stream)
                ends |= {(each.scope, each.key): end for each, end in zip(waiting, commit.ends, strict=True)}
                break
            if waiting and winners is None:
                self._backoff.pause(1)  # the transaction that ended them may still be under way to their rows
            elif waiting and winners is not None:
                conflicts += 1
                if conflicts == self._max_conflicts:
                    raise ContentionError(tuple(working.loaded), conflicts)
                working.catch_up(winners, conflicts, self._backoff)
        return [ends[each.scope, each.key] for each in commands]

    def _decide(self, working: WorkingSet[S, E], commands: Sequence[StoredCommand[S, E]]) -> list[Decision[S, E]]:
        """Decide each command on what those before it make of the streams.

        A decision without events needs states that are proved: by a row that this commit appends to the same stream,
        or by a read in this run.
        """
        while True:
            states: dict[str, S | None] = {}
            decisions = [self._decision(working, states, command) for command in commands]
            appended = {stream_id for each in decisions for stream_id in each.appended}
            silent = {stream_id for each in decisions if not each.appended for stream_id in each.command.stream_ids}
            if not working.confirm(silent - appended):
                return decisions

    def _decision(
        self, working: WorkingSet[S, E], states: dict[str, S | None], command: StoredCommand[S, E]
    ) -> Decision[S, E]:
        """Decide one command, and note its effect in `states`. Raises FaultyCommandError, StoreUnavailableError."""
        try:
            for stream_id in command.stream_ids:
                if stream_id not in states:
                    states[stream_id] = working.load(stream_id, opens=command.opens).state
            try:
                events = command.decide(*[states[stream_id] for stream_id in command.stream_ids])
            except self._decider.rejection as rejection:
                return Decision(command, (), rejection)
            for stream_id, stream_events in zip(command.stream_ids, events, strict=True):
                for event in stream_events:
                    states[stream_id] = self._decider.evolve(states[stream_id], event)
        except StoreUnavailableError:
            raise
        except Exception as error:
            raise FaultyCommandError(error) from error
        return Decision(command, events)


def _told(refused: Sequence[StoredCommandError]) -> dict[tuple[str, str], StoredCommandError]:
    """The ends of commands that the store refused. One that is missing has not ended: it fails."""
    for each in refused:
        if isinstance(each, StoredCommandMissingError):
            raise FaultyCommandError(each) from each
    return {(each.scope, each.key): each for each in refused}
