"""A log with all around it in memory: accounts whose events arrive in a lake soon or late, restores, and a sealer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from msgspec.structs import replace

from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp
from lambdas.transparency.deciding import Restore, SealableRow
from lambdas.transparency.findings import Sealed
from lambdas.transparency.memory import MemoryAnnouncer, MemoryLogIndex, MemoryLogStore
from lambdas.transparency.note import VerifierKey, parse_vkey, vkey
from lambdas.transparency.proving import Prover
from lambdas.transparency.seal import SEAL_LEAVES
from lambdas.transparency.sealer import Sealer, SealerOptions
from lambdas.transparency.texts import base64_text
from tests.support.log_signer import SeededSigner

PREFIX: Final = "daybook/test/000000000000/eu-central-1"
NOON: Final = parse_timestamp("2026-03-01T12:00:00.000Z")
_SEPARATOR: Final = "."


class SameThread(Executor):
    """Does all work at once, in the thread that asks for it: what happens is the same in every run."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 -- it is for whoever asks for the result
            future.set_exception(error)
        return future


class MemoryLake:
    """See Lake. Rows by when they arrived; what restores revoked is left out, as the view does."""

    def __init__(self) -> None:
        self.rows: list[SealableRow] = []
        self.restores: list[Restore] = []

    def sealable(
        self, *, from_dt: str, from_account: str, through: str, time_left: Callable[[], float]
    ) -> tuple[Iterator[SealableRow], Iterator[Restore]]:
        """See Lake.sealable."""
        found: dict[tuple[str, int, str], SealableRow] = {}
        for row in self.rows:
            if (
                row.account_id >= from_account
                and row.dt >= from_dt
                and row.recorded_at <= through
                and not self._is_revoked(row)
            ):
                key = (row.account_id, row.version, row.hash)
                found[key] = min(found.get(key, row), row, key=lambda each: each.dt)
        standing = [each for each in self.restores if each.account_id >= from_account]
        restores = sorted(standing, key=lambda each: (each.account_id, each.generation))
        return iter([row for _, row in sorted(found.items())]), iter(restores)

    def _is_revoked(self, row: SealableRow) -> bool:
        return any(each.account_id == row.account_id and each.revokes(row) for each in self.restores)


class SealingWorld:
    """Books events of accounts, lets them arrive, restores, and seals. Every step takes a second."""

    def __init__(self, *, seal_leaves: int = SEAL_LEAVES, seed: int = 1) -> None:
        self.store, self.index, self.announcer = MemoryLogStore(), MemoryLogIndex(), MemoryAnnouncer()
        self.signer, self.lake = SeededSigner(seed), MemoryLake()
        self.now = NOON
        self.history: dict[str, list[SealableRow]] = {}
        """What stands in the event table, by account: version 1 first. Rows have the day of their booking as `dt`."""
        self._on_their_way: list[SealableRow] = []
        self._generation = 0
        self._booked = 0
        options = SealerOptions(PREFIX, lookback_days=1, hole_minutes=60, seal_leaves=seal_leaves)
        self.sealer = Sealer(
            store=self.store, index=self.index, signer=self.signer, announcer=self.announcer, lake=self.lake,
            options=options, executor=SameThread(), clock=lambda: self.now,
        )  # fmt: skip

    def pass_time(self, **time: float) -> None:
        """Let time pass: keywords of timedelta."""
        self.now += timedelta(**time)

    def book(self, account_id: str, *, events: int = 1, arrive: bool = True) -> None:
        """Append events to an account; unless they arrive at once, they are on their way."""
        for _ in range(events):
            self.pass_time(seconds=1)
            rows = self.history.setdefault(account_id, [])
            self._booked += 1
            rows.append(self._row(account_id, len(rows) + 1, f"{self._booked}"))
            if arrive:
                self.lake.rows.append(rows[-1])
            else:
                self._on_their_way.append(rows[-1])

    def deliver(self) -> None:
        """Let arrive what is on its way."""
        self.pass_time(seconds=1)
        today = format_timestamp(self.now)[:10]
        self.lake.rows += [replace(row, dt=today) for row in self._on_their_way]
        self._on_their_way.clear()

    def deliver_again(self, account_id: str) -> None:
        """Let an account's events arrive once more."""
        today = format_timestamp(self.now)[:10]
        self.lake.rows += [replace(row, dt=today) for row in self.history.get(account_id, [])]

    def forge(self, account_id: str, version: int, *, value: str = "forged") -> None:
        """Let another content of a version arrive."""
        self.lake.rows.append(self._row(account_id, version, value))

    def restore(self, account_id: str, last_good_version: int) -> None:
        """Revoke all of the account's events beyond a version, in the table and for the lake."""
        self.pass_time(seconds=1)
        self._generation += 1
        del self.history[account_id][last_good_version:]
        if not self.history[account_id]:
            del self.history[account_id]
        self.lake.restores.append(Restore(account_id, self._generation, last_good_version, format_timestamp(self.now)))

    def seal(self, *, through: datetime | None = None) -> Sealed:
        """Run the sealer."""
        self.pass_time(seconds=1)
        return self.sealer.run(through=through, time_left=lambda: 900.0)

    def prover(self) -> Prover:
        """A prover that has read nothing yet."""
        return Prover(self.store, self.index)

    @property
    def checkpoints(self) -> list[bytes]:
        """Every checkpoint there was, the oldest first."""
        contents = self.store.contents()
        return [contents[name][0] for name in sorted(contents) if name.startswith("checkpoints/")]

    @property
    def key(self) -> VerifierKey:
        """The log's key, after the first seal."""
        origin = self.checkpoints[0].split(b"\n")[0].decode()
        return parse_vkey(vkey(origin, self.signer.public_key()))

    def _row(self, account_id: str, version: int, content: str) -> SealableRow:
        recorded = format_timestamp(self.now)
        found = sha256(_SEPARATOR.join((account_id, str(version), content)).encode()).digest()
        return SealableRow(account_id, version, base64_text(found), recorded[:10], recorded)


def standing_rows(world: SealingWorld) -> Iterable[tuple[str, SealableRow]]:
    """All rows that stand in the event table."""
    return ((account_id, row) for account_id, rows in world.history.items() for row in rows)
