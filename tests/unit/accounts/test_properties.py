"""Rules that hold for any run of commands."""

from __future__ import annotations

import contextlib
from typing import get_args

import hypothesis.strategies as st
from hypothesis import given, settings

from lambdas.accounts.commands import AccountCommand, CloseAccount, OpenAccount
from lambdas.accounts.decider import decide
from lambdas.accounts.errors import DomainError
from lambdas.accounts.events import (
    EVENTS,
    AccountClosed,
    AccountCreated,
    AccountEvent,
    BalanceCredited,
    BalanceWithdrawn,
    TransferReceived,
    TransferSent,
)
from lambdas.accounts.money import MAX_AMOUNT, MAX_BALANCE
from lambdas.accounts.state import Account, evolve
from tests.support.instances import instances
from tests.unit.accounts.spec import TRANSFER_ID, A, fold

AMOUNTS = st.integers(1, 300) | st.integers(1, MAX_AMOUNT) | st.just(MAX_AMOUNT)
LIMITS = st.just(0) | st.integers(0, 500) | st.integers(0, MAX_AMOUNT)
FIELDS = {
    "amount": AMOUNTS,
    "overdraft_limit": LIMITS,
    "transfer_id": st.just(TRANSFER_ID),
    "to_account_id": st.just(A),
}
ONE_ACCOUNT: tuple[type[AccountCommand], ...] = get_args(AccountCommand)
COMMANDS: st.SearchStrategy[AccountCommand] = instances(
    ONE_ACCOUNT, {**FIELDS, "currency": st.sampled_from(["EUR", "JPY"])}
)
ANY_EVENT: st.SearchStrategy[AccountEvent] = instances(
    EVENTS, {**FIELDS, "from_account_id": st.just(A), "currency": st.sampled_from(["EUR", "USD"])}
)

OPENED_IN = {code: AccountCreated(currency=code, overdraft_limit=0) for code in ("JPY", "BHD")}


@st.composite
def histories(draw: st.DrawFn) -> list[AccountEvent]:
    """What an account may have gone through: the accepted ones of random commands, after an opening."""
    opening = OpenAccount(currency="EUR", overdraft_limit=draw(LIMITS))
    events: list[AccountEvent] = []
    state: Account | None = None
    for command in [opening, *draw(st.lists(COMMANDS, max_size=30))]:
        try:
            decided = decide(command, state)
        except DomainError:
            continue
        events += decided
        state = fold(decided, state)
    return events


def signed_amount(event: AccountEvent) -> int:
    match event:
        case BalanceCredited() | TransferReceived():
            return event.amount
        case BalanceWithdrawn() | TransferSent():
            return -event.amount
        case _:
            return 0


@given(histories())
@settings(deadline=None)
def test_the_balance_is_the_sum_of_the_events(events: list[AccountEvent]) -> None:
    state = fold(events)
    assert state is not None
    assert state.balance == sum(map(signed_amount, events))


@given(histories())
@settings(deadline=None)
def test_the_balance_is_never_below_the_limit_nor_past_the_largest(events: list[AccountEvent]) -> None:
    state: Account | None = None
    for event in events:
        state = evolve(state, event)
        assert -state.overdraft_limit <= state.balance <= MAX_BALANCE


@given(histories(), st.data())
@settings(deadline=None)
def test_a_split_history_folds_to_the_same(events: list[AccountEvent], data: st.DataObject) -> None:
    split = data.draw(st.integers(0, len(events)))
    assert fold(events[split:], fold(events[:split])) == fold(events)


@given(histories())
@settings(deadline=None)
def test_only_a_zero_balance_is_closed_and_nothing_follows(events: list[AccountEvent]) -> None:
    closings = [number for number, event in enumerate(events, start=1) if isinstance(event, AccountClosed)]
    if closings:
        state = fold(events)
        assert closings == [len(events)]
        assert state is not None
        assert (state.status, state.balance) == ("closed", 0)


@given(histories(), st.sampled_from(sorted(OPENED_IN)))
@settings(deadline=None)
def test_every_event_names_its_accounts_currency(events: list[AccountEvent], currency: str) -> None:
    assert {event.currency for event in events} == {"EUR"}
    elsewhere = fold([OPENED_IN[currency]])
    assert [event.currency for event in decide(CloseAccount(), elsewhere)] == [currency]


@given(COMMANDS, histories())
@settings(deadline=None)
def test_a_command_appends_one_event_to_an_account_at_the_most(
    command: AccountCommand, events: list[AccountEvent]
) -> None:
    """Whoever looks after a restore for commits that are there in part relies on it (cli/restore/partial.py)."""
    with contextlib.suppress(DomainError):
        assert len(decide(command, fold(events))) <= 1


@given(COMMANDS, histories())
@settings(deadline=None)
def test_deciding_changes_nothing_and_is_repeatable(command: AccountCommand, events: list[AccountEvent]) -> None:
    state = fold(events)

    def attempt() -> tuple[AccountEvent, ...] | type[DomainError]:
        try:
            return decide(command, state)
        except DomainError as error:
            return type(error)

    assert attempt() == attempt()
    assert state == fold(events)


@given(st.lists(ANY_EVENT, min_size=1, max_size=20))
@settings(deadline=None)
def test_evolve_answers_for_any_pair(events: list[AccountEvent]) -> None:
    assert isinstance(fold(events), Account)
