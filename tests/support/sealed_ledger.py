"""A log of a ledger in memory, which is sealed whenever it is asked for: as the deployed one is in its own time."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.transparency.deciding import Restore, SealableRow
from lambdas.transparency.memory import MemoryAnnouncer, MemoryLogIndex, MemoryLogStore
from lambdas.transparency.proving import Prover
from lambdas.transparency.sealer import Sealer, SealerOptions
from tests.support.log_signer import SeededSigner

ORIGIN = "daybook/test/000000000000/eu-central-1"


class SealedLedger:
    """The log of all accounts in `store`. `restores` are told to the next seal; while `still` is set, none is made."""

    def __init__(
        self,
        store: EventStore,
        *,
        streams: Callable[[], Iterable[str]] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.store, self.index, self.signer = MemoryLogStore(), MemoryLogIndex(), SeededSigner()
        self.restores: list[Restore] = []
        self.still = False
        self._ledger = store
        self._streams = streams or (lambda: list(store._streams) if isinstance(store, InMemoryEventStore) else [])
        self._clock = clock
        self._prover = Prover(self.store, self.index)

    def prover(self) -> Prover:
        """What proves, after a seal."""
        if not self.still:
            self.seal()
        return self._prover

    def seal(self) -> None:
        """Seal all that is there."""
        with ThreadPoolExecutor(4) as executor:
            sealer = Sealer(
                store=self.store,
                index=self.index,
                signer=self.signer,
                announcer=MemoryAnnouncer(),
                lake=self,
                options=SealerOptions(ORIGIN, lookback_days=1, hole_minutes=60),
                executor=executor,
                clock=self._clock,
            )
            sealer.run(time_left=lambda: 900.0)

    def sealable(
        self, *, from_dt: str, from_account: str, through: str, time_left: Callable[[], float]
    ) -> tuple[Iterator[SealableRow], Iterator[Restore]]:
        """See Lake: every event is in it at once."""
        del from_dt, from_account, through, time_left
        return self._rows(), iter(self.restores)

    def _rows(self) -> Iterator[SealableRow]:
        arrived = format_timestamp(self._clock())[:10]
        for account_id in sorted(self._streams()):
            after, more = 0, True
            while more:
                page = self._ledger.read(account_id, after=after, deadline=Deadline())
                for row in page.rows:
                    row_hash = b64encode(row.hash).decode()
                    yield SealableRow(account_id, row.version, row_hash, arrived, row.recorded_at)
                    after = row.version
                more = page.more
