"""What docs/projections.md asks of a projection, held against each one of the registry and the page's own."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from docs.examples.large_withdrawals import LARGE_WITHDRAWALS
from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.projections.projection import AnyProjection, Folded
from lambdas.projections.read_model import MOST_SHARED_ROWS
from lambdas.projections.registry import PROJECTIONS
from local.machine.layout import REPOSITORY
from tests.support.bank import Recorder, new_bank
from tests.support.clocks import TickingClock, Ticks
from tests.support.workloads import accounts, closing, credit, opening, transfer, withdrawal

A, B = accounts(2)
ORDERS = [
    opening(A),
    opening(B),
    credit("o1", A, 2_000_100),
    withdrawal("o2", A, 1_500_000),
    transfer("o3", A, B, 500_000),
    withdrawal("o4", A, 100),
    closing("o5", A),
]
NAME = re.compile(r"[a-z]+(_[a-z]+)*")
"""Of projections and measures."""


def events() -> list[AccountDomainEvent]:
    """A life of an account with every type of event but that of a received transfer, and of the other account that."""
    store = InMemoryEventStore()
    bank, recorder = new_bank(store, TickingClock()), Recorder(Ticks())
    for order in ORDERS:
        recorder.send(bank, order)
    return [event for account_id in (A, B) for event in DomainEventReader(store).read(account_id)]


EVENTS = events()


def folds(projection: AnyProjection) -> list[Folded[Any]]:
    """What each event leads to."""
    kept: dict[str, Any] = dict.fromkeys((A, B))
    found: list[Folded[Any]] = []
    for event in EVENTS:
        found.append(projection.fold(kept[event.subject], event))
        kept[event.subject] = found[-1].kept
    return found


@pytest.fixture(params=[*PROJECTIONS, LARGE_WITHDRAWALS], ids=lambda each: each.name)
def projection(request: pytest.FixtureRequest) -> AnyProjection:
    each: AnyProjection = request.param
    return each


def test_the_history_has_every_type_of_event() -> None:
    assert {type(event.data).__name__ for event in EVENTS} == {
        "AccountCreated", "BalanceCredited", "BalanceWithdrawn", "TransferSent", "TransferReceived", "AccountClosed",
    }  # fmt: skip


def test_its_name_can_name_a_table_an_output_and_a_rebuild(projection: AnyProjection) -> None:
    assert NAME.fullmatch(projection.name)
    assert len(projection.name) <= 40, "a rebuild's id has 80 characters at most, and more than the name in it"
    assert projection.summary.endswith(".")


def test_names_are_unique() -> None:
    names = [each.name for each in PROJECTIONS]
    assert len(names) == len(set(names))


def test_the_same_history_leads_to_the_same_again(projection: AnyProjection) -> None:
    assert folds(projection) == folds(projection)


def test_what_is_kept_is_the_same_after_it_was_stored(projection: AnyProjection) -> None:
    for folded in folds(projection):
        assert isinstance(folded.kept, projection.keeps)
        assert msgspec.json.decode(msgspec.json.encode(folded.kept), type=projection.keeps) == folded.kept


def test_additions_fit_into_a_transaction_and_do_not_meet_keys(projection: AnyProjection) -> None:
    for folded in folds(projection):
        assert len(folded.additions) <= MOST_SHARED_ROWS
        for key, measures in folded.additions.items():
            assert key
            assert all(NAME.fullmatch(name) and type(amount) is int for name, amount in measures.items())
            assert not {"pk", "sk"} & measures.keys()


def test_an_account_is_always_in_a_group_that_is_named(projection: AnyProjection) -> None:
    assert (projection.place is None) == (projection.groups == ())
    for folded in folds(projection):
        if projection.place is not None:
            place = projection.place(folded.kept)
            assert place.group in projection.groups
            assert "#" not in place.group + place.order


def test_the_page_names_it(projection: AnyProjection) -> None:
    page = (REPOSITORY / "docs" / "projections.md").read_text("utf-8")
    assert f"| `{projection.name}` |" in page or projection is LARGE_WITHDRAWALS
