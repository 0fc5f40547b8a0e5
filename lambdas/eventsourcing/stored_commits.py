"""Builds the commit of a run of stored commands: the rows of all of them, and the end of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

from lambdas.eventsourcing.builder import CommitBuilder
from lambdas.eventsourcing.decider import Committed, Loaded, Outcome, StoredCommand
from lambdas.eventsourcing.errors import FaultyCommandError
from lambdas.eventsourcing.rows import Commit, Completion, EventRow

S = TypeVar("S")
E = TypeVar("E")


class Decision(msgspec.Struct, Generic[S, E], frozen=True):
    """What was decided of a stored command: the events for each of its streams, or its rejection."""

    command: StoredCommand[S, E]
    events: Sequence[Sequence[E]]
    rejection: Exception | None = None

    @property
    def appended(self) -> list[str]:
        """The streams to which it adds something."""
        return [name for name, events in zip(self.command.stream_ids, self.events, strict=False) if events]


class StoredDraft(Commit, Generic[S], frozen=True, kw_only=True, gc=False):
    """A commit that is not sent yet, the streams as they will be after it, and how each command ends by it."""

    streams: tuple[Loaded[S], ...]
    ends: tuple[Committed[S] | Exception, ...]


class StoredCommitBuilder(Generic[S, E]):
    """Builds commits of stored commands, each with its own metadata and business time, under one commit id."""

    def __init__(self, builder: CommitBuilder[S, E]) -> None:
        self._builder = builder
        self._encode_metadata = msgspec.json.Encoder().encode

    def plan(
        self, loaded: Mapping[str, Loaded[S]], decisions: Sequence[Decision[S, E]]
    ) -> Callable[[], StoredDraft[S]]:
        """A function for `EventStore.commit`: every call builds the same commit as of its moment (see CommitBuilder).

        It raises FaultyCommandError if the outcome of a command cannot be told.
        """
        return partial(self._build, self._builder.new_commit_id(), dict(loaded), decisions)

    def _build(
        self, commit_id: str, loaded: Mapping[str, Loaded[S]], decisions: Sequence[Decision[S, E]]
    ) -> StoredDraft[S]:
        booked = self._builder.booked_at(list(loaded.values()))
        streams = dict(loaded)
        rows: list[EventRow] = []
        ends: list[Committed[S] | Exception] = []
        completions: list[Completion] = []
        for each in decisions:
            command = each.command
            try:
                if each.rejection is not None:
                    ends.append(each.rejection)
                    outcome = command.reject(each.rejection)
                else:
                    committed = self._append(commit_id, booked, each, streams, rows)
                    ends.append(committed)
                    outcome = command.succeed(committed)
            except Exception as error:
                raise FaultyCommandError(error) from error
            completions.append(_completion(command, commit_id, outcome))
        return StoredDraft(
            commit_id, tuple(rows), completions=tuple(completions), streams=tuple(streams.values()), ends=tuple(ends)
        )

    def _append(
        self,
        commit_id: str,
        booked: str,
        decision: Decision[S, E],
        streams: dict[str, Loaded[S]],
        rows: list[EventRow],
    ) -> Committed[S]:
        """The streams of a command after it; its rows are added to `rows`."""
        command, after = decision.command, []
        metadata = self._encode_metadata(command.metadata).decode()
        for stream_id, events in zip(command.stream_ids, decision.events, strict=True):
            newest = streams[stream_id]
            recorded_at = max(booked, newest.recorded_at)
            for event in events:
                newest = self._builder.append(
                    newest, event, commit_id, metadata, command.occurred_at, recorded_at, rows
                )
            streams[stream_id] = newest
            after.append(newest)
        return Committed(commit_id, tuple(after))


def _completion(command: StoredCommand[Any, Any], commit_id: str, outcome: Outcome) -> Completion:
    return Completion(
        command.scope, command.key, commit_id, outcome.status, outcome.attributes, expected=command.expected
    )
