"""Event stores around another: one that counts, one that shows a commit late, one that lets others go first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit
from lambdas.eventsourcing.store import C, EventStore, Page


@dataclass
class CountingStore:
    """Counts reads, the rows they gave, and commits."""

    store: EventStore
    reads: int = 0
    forward_reads: int = 0
    rows: int = 0
    commits: int = 0

    def read(self, stream_id: str, *, newest_first: bool = False, **query: Any) -> Page:
        """See EventStore.read."""
        page = self.store.read(stream_id, newest_first=newest_first, **query)
        self.reads += 1
        self.forward_reads += not newest_first
        self.rows += len(page.rows)
        return page

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        """See EventStore.commit."""
        self.commits += 1
        return self.store.commit(build, deadline=deadline)


@dataclass
class HalfVisibleStore:
    """Hides some versions in its first `times` pages that would show one: a read beside a transaction under way."""

    store: EventStore
    hidden: Collection[int]
    times: int = 1

    def read(self, stream_id: str, **query: Any) -> Page:
        """See EventStore.read."""
        page = self.store.read(stream_id, **query)
        rows = [row for row in page.rows if row.version not in self.hidden]
        if self.times == 0 or len(rows) == len(page.rows):
            return page
        self.times -= 1
        return Page(rows, page.more)

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        """See EventStore.commit."""
        return self.store.commit(build, deadline=deadline)


@dataclass
class OvertakenStore:
    """Before each commit, and each read, the next of what is given happens: another writer was quicker."""

    store: EventStore
    before_commits: Iterable[Callable[[], object]] = ()
    before_reads: Iterable[Callable[[], object]] = ()
    commits: list[Commit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._before_commits = iter(self.before_commits)
        self._before_reads = iter(self.before_reads)

    def read(self, stream_id: str, **query: Any) -> Page:
        """See EventStore.read."""
        next(self._before_reads, _nothing)()
        return self.store.read(stream_id, **query)

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        """See EventStore.commit."""
        next(self._before_commits, _nothing)()

        def build_noted() -> C:
            commit = build()
            self.commits.append(commit)
            return commit

        return self.store.commit(build_noted, deadline=deadline)


def as_is(commit: Commit, *, made_at: int = 0) -> Callable[[], Commit]:
    """What builds this commit whenever it is called; `made_at` in seconds since the epoch."""
    commit = replace(commit, made_at=made_at)
    return lambda: commit


def _nothing() -> None:
    """Nobody overtakes."""
