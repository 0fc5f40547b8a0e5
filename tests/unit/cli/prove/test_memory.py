"""`daybook prove --history` takes no more memory for a long history than for a short one."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli.app import main
from cli.aws import AWS
from cli.environments.ledger import Ledger
from cli.environments.log import Log
from cli.environments.place import Place
from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore, Page
from lambdas.transparency.leaves import RowLeaf
from tests.support.event_rows import row
from tests.support.sealed_log import SealedLog
from tests.support.workloads import accounts

(A,) = accounts(1)
SHORT, LONG = 1_000, 10_000


class Made(AWS):
    """A history that is made as it is read; of it only the hashes are kept."""

    def __init__(self, events: int) -> None:
        self.hashes = [GENESIS]
        for version in range(1, events + 1):
            self.hashes.append(row_hash(self.hashes[-1], row(version, stream_id=A)))
        self.sealed = SealedLog()
        self.sealed.seal([RowLeaf(A, version, self.hashes[version]) for version in range(1, events + 1)])

    def read(
        self, stream_id: str, *, after: int = 0, up_to: int | None = None, newest_first: bool = False,
        limit: int | None = None, deadline: Deadline,
    ) -> Page:  # fmt: skip
        last = len(self.hashes) - 1 if up_to is None else up_to
        end = min(last, after + (limit or last))
        return Page([self._row(version) for version in range(after + 1, end + 1)], end < last)

    def _row(self, version: int) -> EventRow:
        return replace(row(version, stream_id=A), hash=self.hashes[version])

    def transparency_log(self, place: Place) -> Log:
        return self.sealed.log

    def event_store(self, ledger: Ledger) -> EventStore:
        return self  # type: ignore[return-value]


@pytest.fixture(autouse=True)
def _ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Place, "ledger", lambda self: Ledger("events"))
    monkeypatch.chdir(tmp_path)


def peak(events: int) -> int:
    """The most bytes that Python had at once, on top of what the test itself keeps."""
    made = Made(events)
    tracemalloc.start()
    try:
        assert main(["prove", A, "--history", "--env", "dev"], connections=made) == 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_it_is_that_of_a_page() -> None:
    peak(SHORT)  # what is imported and remembered once
    short, long = peak(SHORT), peak(LONG)
    assert len(Path(f"{A}-{LONG}.daybook-rows").read_bytes().splitlines()) == LONG + 1
    assert long < 1.2 * short + 100_000, (short, long)
