"""The log in memory: for tests and benchmarks, with the semantics of the adapters on AWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from threading import Lock

from lambdas.transparency.index import AccountRuns, Head, Progress, Run
from lambdas.transparency.log_store import Stored


class MemoryLogStore:
    """See LogStore. The tag of an object follows from its content, as an ETag of S3 does."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._objects: dict[str, tuple[bytes, str]] = {}

    def get(self, name: str) -> Stored | None:
        """See LogStore.get."""
        with self._lock:
            found = self._objects.get(name)
        return Stored(found[0], _tag(found[0])) if found else None

    def add(self, name: str, content: bytes, content_type: str) -> bool:
        """See LogStore.add."""
        with self._lock:
            if name in self._objects:
                return False
            self._objects[name] = content, content_type
            return True

    def replace(self, name: str, content: bytes, content_type: str, *, tag: str) -> bool:
        """See LogStore.replace."""
        with self._lock:
            found = self._objects.get(name)
            if (_tag(found[0]) if found else "") != tag:
                return False
            self._objects[name] = content, content_type
            return True

    def names(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """See LogStore.names. The names are those at the time of the call."""
        with self._lock:
            found = sorted(name for name in self._objects if name.startswith(prefix) and name > after)
        return iter(found)

    def contents(self) -> dict[str, tuple[bytes, str]]:
        """All objects by name: content and content type."""
        with self._lock:
            return dict(self._objects)

    def put(self, name: str, content: bytes, content_type: str = "") -> None:
        """Put an object whatever stands there: what nobody but an attacker does."""
        with self._lock:
            self._objects[name] = content, content_type or self._objects.get(name, (b"", ""))[1]

    def remove(self, name: str) -> None:
        """Delete an object."""
        with self._lock:
            del self._objects[name]


def _tag(content: bytes) -> str:
    return sha256(content).hexdigest()


class MemoryLogIndex:
    """See LogIndex."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._heads: dict[str, Head] = {}
        self._runs: dict[str, dict[int, Run]] = {}
        self._progress: Progress | None = None

    def heads(self, account_ids: Sequence[str]) -> Mapping[str, Head]:
        """See LogIndex.heads."""
        with self._lock:
            return {each: self._heads[each] for each in account_ids if each in self._heads}

    def run_of(self, account_id: str, version: int) -> Run | None:
        """See LogIndex.run_of."""
        return next(iter(self.runs(account_id, first=version, last=version)), None)

    def runs(self, account_id: str, *, first: int, last: int) -> Sequence[Run]:
        """See LogIndex.runs."""
        with self._lock:
            found = sorted(self._runs.get(account_id, {}).items())
        return [run for begin, run in found if begin <= last and begin + run.count > first]

    def apply(self, changes: Sequence[AccountRuns], *, seal: int) -> None:
        """See LogIndex.apply."""
        for each in changes:
            self._apply(each, seal)

    def _apply(self, change: AccountRuns, seal: int) -> None:
        with self._lock:
            head = self._heads.get(change.account_id)
            if head is not None and head.seal > seal:
                return
            runs = self._runs.setdefault(change.account_id, {})
            if change.revoked_after is not None:
                for first in [each for each in runs if each > change.revoked_after]:
                    del runs[first]
            runs.update({each.first_version: each for each in change.runs})
            self._heads[change.account_id] = change.head

    def progress(self) -> Progress | None:
        """See LogIndex.progress."""
        with self._lock:
            return self._progress

    def advance(self, progress: Progress) -> None:
        """See LogIndex.advance."""
        with self._lock:
            if progress.seal == (self._progress.seal + 1 if self._progress else 0):
                self._progress = progress

    def contents(self) -> tuple[dict[str, Head], dict[str, dict[int, Run]], Progress | None]:
        """All heads and runs by account, and the progress."""
        with self._lock:
            runs = {account: dict(sorted(each.items())) for account, each in self._runs.items() if each}
            return dict(self._heads), runs, self._progress

    def restore(self, contents: tuple[dict[str, Head], dict[str, dict[int, Run]], Progress | None]) -> None:
        """Become what `contents` of another one gave."""
        heads, runs, progress = contents
        with self._lock:
            self._heads, self._progress = dict(heads), progress
            self._runs = {account: dict(each) for account, each in runs.items()}

    def clear(self) -> None:
        """See LogIndex.clear."""
        with self._lock:
            self._heads, self._runs, self._progress = {}, {}, None


class MemoryAnnouncer:
    """See Announcer. `told` is what was sent, in order."""

    def __init__(self) -> None:
        self.told: list[bytes] = []

    def tell(self, checkpoint: bytes) -> None:
        """See Announcer.tell."""
        self.told.append(checkpoint)
