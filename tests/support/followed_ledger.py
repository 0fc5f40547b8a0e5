"""Read models that follow a ledger whenever they are asked: as the deployed ones do in their own time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lambdas.composition.read_models import ReadModels
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.store import EventStore
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.lag import Lag
from lambdas.projections.projection import AnyProjection, K
from lambdas.projections.read_model import AccountRow
from lambdas.projections.reading.listing import Cursor, Listed
from lambdas.projections.reading.reader import Reader
from tests.support.backends import NO_WAITING
from tests.support.fake_read_model import FakeReadModelDynamoDB
from tests.support.read_models import TablePorts, table_ports

PROJECTIONS: tuple[AnyProjection, ...] = (ACCOUNT_SUMMARIES, DAILY_TOTALS)


class FollowedLedger:
    """The read models of a ledger, with the first generation live, on a client of their own.

    `streams` names the accounts of the ledger; those of one in memory are known. While `still` is set, nothing is
    folded. `clock` is the readers' own: they keep the control row by it.
    """

    def __init__(
        self,
        store: EventStore,
        *,
        streams: Callable[[], Iterable[str]] | None = None,
        built: bool = True,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.client: Any = FakeReadModelDynamoDB(*(each.name for each in PROJECTIONS))
        self.still = False
        self._streams = streams or (lambda: list(store._streams) if isinstance(store, InMemoryEventStore) else [])
        self._events = DomainEventReader(store)
        self._clock = clock
        self._ports = {each.name: table_ports(self.client, each.name, each) for each in PROJECTIONS}
        if built:
            for ports in self._ports.values():
                ports.control.change(Control(), Control(live=1, newest=1))

    def ports(self, projection: AnyProjection) -> TablePorts:
        """All ports of one read model, for tests that change it."""
        return self._ports[projection.name]

    def read_models(self) -> ReadModels:
        """What the routes read with."""
        return ReadModels(self._reader(ACCOUNT_SUMMARIES), self._reader(DAILY_TOTALS))

    def measured(self, lag: Lag) -> None:
        """Write a measurement of the lag of all of them."""
        for ports in self._ports.values():
            ports.positions.save_lag(lag)

    def catch_up(self) -> None:
        """Fold what is new into every generation that takes events."""
        for ports in () if self.still else self._ports.values():
            folder = AccountFolder(ports.projection, ports.rows, self._events)
            for generation in ports.control.read().generations:
                for account_id in self._streams():
                    folder.catch_up(generation, account_id, Deadline())

    def _reader(self, projection: Any) -> Any:
        return _FollowingReader(self, projection, self._clock)


class _FollowingReader(Reader[K]):
    """The reader of the routes, before whose every answer the read models catch up."""

    def __init__(self, ledger: FollowedLedger, projection: Any, clock: Callable[[], float]) -> None:
        super().__init__(ledger.client, projection.name, projection, clock=clock, backoff=NO_WAITING)
        self._catch_up = ledger.catch_up

    def listing(self, groups: Sequence[str], order_prefix: str, limit: int, cursor: Cursor | None = None) -> Listed[K]:
        self._catch_up()
        return super().listing(groups, order_prefix, limit, cursor)

    def accounts(self, account_ids: Iterable[str]) -> dict[str, AccountRow[K]]:
        self._catch_up()
        return super().accounts(account_ids)

    def shared(self, first: str, last: str) -> dict[str, dict[str, int]]:
        self._catch_up()
        return super().shared(first, last)
