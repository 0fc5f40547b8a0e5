"""A reader of `account_summaries` on a table that a test fills, and what its listings should say."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES, AccountSummary, place
from lambdas.projections.control import Building, Control
from lambdas.projections.dynamodb import table
from lambdas.projections.reading.listing import Cursor, Listed
from lambdas.projections.reading.reader import Reader
from tests.support.account_rows import BOOKED, Row, row
from tests.support.backends import NO_WAITING
from tests.support.read_models import NewPorts, TablePorts, fake_ports

Groups = Sequence[str]
BOTH = ("open", "closed")


def control(live: int = 0, *, previous: int = 0, building: int = 0) -> Control:
    """A control row that names these generations."""
    being_built = Building(generation=building, rebuild="rebuild", segments=1, started_at=BOOKED) if building else None
    return Control(live=live, previous=previous, building=being_built, newest=max(live, previous, building))


class ReadTable:
    """A table, a clock that stands still until a test moves it, and readers, each a process of its own."""

    def __init__(self, new: NewPorts = fake_ports) -> None:
        ports = new(ACCOUNT_SUMMARIES)
        assert isinstance(ports, TablePorts)
        self.ports = ports
        self.now = 1000.0
        self._control = Control()

    def put(self, generation: int, *rows: Row) -> None:
        """Write rows, whatever stands there."""
        for each in rows:
            before = self.ports.rows.load(generation, each.account_id, Deadline())
            self.ports.rows.save(generation, before, each, {}, Deadline())

    def name(self, control: Control) -> None:
        """Change the control row to this."""
        self.ports.control.change(self._control, control)
        self._control = control

    def reader(self, client: Any = None) -> Reader[AccountSummary]:
        """A reader that has read nothing yet."""
        return Reader(
            client or self.ports.client,
            self.ports.table_name,
            ACCOUNT_SUMMARIES,
            clock=lambda: self.now,
            backoff=NO_WAITING,
        )


def pages(
    reader: Reader[AccountSummary], limit: int, groups: Groups = BOTH, prefix: str = ""
) -> Iterator[Listed[AccountSummary]]:
    """All pages of a listing."""
    cursor: Cursor | None = None
    while True:
        page = reader.listing(groups, prefix, limit, cursor)
        yield page
        assert page.cursor is None or page.cursor != cursor, "a listing goes on"
        cursor = page.cursor
        if cursor is None:
            return


def ids(page: Listed[AccountSummary]) -> list[str]:
    """The accounts of a page."""
    return [row.account_id for row in page.rows]


def expected(rows: Sequence[Row], groups: Groups = BOTH, prefix: str = "") -> list[str]:
    """The accounts that a listing should have, in order: group, shard, order, account id."""

    def key(each: Row) -> tuple[int, int, str, str]:
        assert each.kept is not None
        stands = place(each.kept)
        return groups.index(stands.group), table.shard_of(each.account_id), stands.order, each.account_id

    wanted = [
        each
        for each in rows
        if each.kept is not None and each.kept.status in groups and each.kept.currency.startswith(prefix)
    ]
    return [each.account_id for each in sorted(wanted, key=key)]


def in_shard(shard: int, count: int, **kept: str) -> list[Row]:
    """So many rows of accounts that stand in one shard, in order."""
    accounts = (str(uuid.UUID(int=number)) for number in itertools.count())
    here = (account_id for account_id in accounts if table.shard_of(account_id) == shard)
    return [row(account_id, 1, **kept) for account_id in itertools.islice(here, count)]
