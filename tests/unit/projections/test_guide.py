"""The projection that docs/projections.md shows, folded by the projector over the memory of one process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from docs.examples.large_withdrawals import LARGE, LARGE_WITHDRAWALS, Withdrawals
from lambdas.accounts.commands import AccountCommand, CreditAccount, OpenAccount, WithdrawFromAccount
from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections import registry
from lambdas.projections.control import Control
from lambdas.projections.memory import MemoryControlRow, MemoryReadModel, MemoryTable
from lambdas.projections.projection import Place
from lambdas.projections.stream.projector import Projector
from lambdas.service.account_service import AccountService, CommandContext
from lambdas.service.decider import ACCOUNT_DECIDER
from local.machine.layout import REPOSITORY

PAGE = REPOSITORY / "docs" / "projections.md"
RICH, SAVER, TESTER = (str(UUID(int=number)) for number in (1, 2, 3))
CONTEXT = CommandContext(command_id="guide", correlation_id="guide", actor="tester")


class Ledger:
    """Three accounts whose commands come a day apart, and the example's read model of them."""

    def __init__(self) -> None:
        self.store = InMemoryEventStore()
        self.day = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
        repository = Repository(self.store, ACCOUNT_DECIDER, clock=lambda: self.day)
        self.service = AccountService(repository, clock=lambda: self.day, test_callers={"tester"})
        self.reader = DomainEventReader(self.store)
        table = MemoryTable(control=Control(live=1, newest=1))
        self.rows: MemoryReadModel[Withdrawals] = MemoryReadModel(table)
        self.projector = Projector(LARGE_WITHDRAWALS, self.rows, MemoryControlRow(table), self.reader, workers=1)

    def book(self, account_id: str, *commands: AccountCommand) -> None:
        """Commands of an account, the next day."""
        self.day += timedelta(days=1)
        for command in commands:
            self.service.execute(command, account_id, CONTEXT)

    def events(self, account_id: str) -> Sequence[AccountDomainEvent]:
        """What the stream tells of an account."""
        return list(self.reader.read(account_id))

    def deliver(self, **accounts: Sequence[AccountDomainEvent]) -> None:
        """A batch of the stream. All of it is folded."""
        taking = self.projector.take({each[0].subject: each for each in accounts.values()}, Deadline())
        assert (taking.waiting, taking.stopped, taking.failed) == ((), (), "")

    def totals(self) -> dict[str, dict[str, int]]:
        """All shared rows."""
        return self.rows.shared_rows(1, "", "~")


@pytest.fixture
def ledger() -> Ledger:
    """Two large withdrawals of one account, a day apart; one of an account for tests, and small ones."""
    ledger = Ledger()
    ledger.book(RICH, OpenAccount(currency="EUR"), CreditAccount(amount=9 * LARGE))
    ledger.book(RICH, WithdrawFromAccount(amount=LARGE), WithdrawFromAccount(amount=LARGE - 1))
    ledger.book(RICH, WithdrawFromAccount(amount=3 * LARGE))
    ledger.book(SAVER, OpenAccount(currency="CHF"), CreditAccount(amount=2 * LARGE), WithdrawFromAccount(amount=5))
    ledger.book(TESTER, OpenAccount(currency="XTS"), CreditAccount(amount=2 * LARGE), WithdrawFromAccount(amount=LARGE))
    return ledger


EXPECTED = {
    "EUR#2026-03-03": {"count": 1, "amount": LARGE},
    "EUR#2026-03-04": {"count": 1, "amount": 3 * LARGE},
}


def test_its_read_model_is_the_fold_of_the_history(ledger: Ledger) -> None:
    ledger.deliver(rich=ledger.events(RICH), saver=ledger.events(SAVER), tester=ledger.events(TESTER))
    rows = ledger.rows.rows(1, [RICH, SAVER, TESTER])
    assert {account_id: row.kept for account_id, row in rows.items()} == {
        RICH: Withdrawals(2, "2026-03-04"),
        SAVER: Withdrawals(),
        TESTER: Withdrawals(),
    }
    assert {account_id: row.gate.version for account_id, row in rows.items()} == {RICH: 5, SAVER: 3, TESTER: 3}
    assert ledger.totals() == EXPECTED


def test_what_comes_again_out_of_order_and_in_pieces_counts_once(ledger: Ledger) -> None:
    first, *others = ledger.events(RICH)
    ledger.deliver(rich=[first])
    ledger.deliver(rich=others[::-1])
    ledger.deliver(rich=[first, *others, *others])
    assert ledger.rows.rows(1, [RICH])[RICH].kept == Withdrawals(2, "2026-03-04")
    assert ledger.totals() == EXPECTED


def test_what_is_missing_is_read_from_the_event_table(ledger: Ledger) -> None:
    ledger.deliver(rich=ledger.events(RICH)[-1:])
    assert ledger.rows.rows(1, [RICH])[RICH].kept == Withdrawals(2, "2026-03-04")
    assert ledger.totals() == EXPECTED


def test_accounts_are_listed_by_whether_they_withdrew_much_and_when() -> None:
    assert LARGE_WITHDRAWALS.place is not None
    assert LARGE_WITHDRAWALS.place(Withdrawals(2, "2026-03-04")) == Place("some", "2026-03-04")
    assert LARGE_WITHDRAWALS.place(Withdrawals()) == Place("none", "")
    assert set(LARGE_WITHDRAWALS.groups) == {"some", "none"}


def test_a_line_in_the_registry_is_all_that_code_needs_to_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's side is tested with its templates."""
    monkeypatch.setattr(registry, "PROJECTIONS", (*registry.PROJECTIONS, LARGE_WITHDRAWALS))
    assert registry.projection("large_withdrawals") is LARGE_WITHDRAWALS


def test_the_page_shows_all_of_it_in_thirty_lines() -> None:
    source = (REPOSITORY / "docs" / "examples" / "large_withdrawals.py").read_text("utf-8")
    code = source[source.index("from msgspec") :]
    assert code in PAGE.read_text("utf-8")
    assert len(code.splitlines()) <= 40
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 30
