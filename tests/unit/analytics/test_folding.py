"""SQL folds a history as the domain does, whatever classes of events there are.

Histories are made of every class in `EVENTS`, so a class that SQL does not know, or takes for something else, is named
here. Each class has the values of its example, with other numbers, and each stands somewhere as the newest event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from analytics.catalog import queries, views
from lambdas.accounts import state as domain
from lambdas.accounts.events import EVENTS, AccountCreated
from lambdas.accounts.money import CurrencyCode, OverdraftLimit
from lambdas.accounts.state import Account
from lambdas.contracts.examples import EVENT_EXAMPLES
from tests.unit.analytics.lake import Lake, event

Evolve = Callable[[Account | None, Any], Account]

BEGIN = datetime(2026, 3, 1, 23, 59)  # noqa: DTZ001 - the lake's timestamps carry no zone
FIRST, LAST = "2026-03-01", "2026-03-02"
FLOWS = (("credited", 1), ("withdrawn", -1), ("transferred", -1), ("transferred_in", 1))


class Step(msgspec.Struct):
    """One event of an account, and the states around it."""

    account: str
    version: int
    at: datetime
    event: Any
    before: Account | None
    after: Account

    @property
    def moved(self) -> int:
        """What the event adds to the balance."""
        return self.after.balance - (self.before.balance if self.before else 0)


def made(example: Any, random: Random, currency: str) -> Any:
    """The event of an example with other numbers."""
    numbers = {
        name: random.randint(1, 9999) for name in example.__struct_fields__ if type(getattr(example, name)) is int
    }
    return msgspec.structs.replace(example, currency=currency, **numbers)


def history(account: str, examples: Sequence[Any], last: Any, evolve: Evolve, random: Random) -> list[Step]:
    """An opening, two events of each other class in any order, and one of the class of `last` as the newest."""
    opening, *others = examples
    currency = random.choice(["EUR", "JPY"])
    drawn = [each for each in (*others, *others) if each is not last]
    random.shuffle(drawn)
    steps: list[Step] = []
    state: Account | None = None
    for example in (opening, *drawn, last):
        happened = made(example, random, currency)
        after = evolve(state, happened)
        known = {type(step.event) for step in steps}
        if after != state or type(happened) not in known:
            at = BEGIN + timedelta(seconds=20 * (len(steps) // 2))  # two at a time are of one millisecond
            steps.append(Step(account, len(steps) + 1, at, happened, state, after))
        state = after
    return steps


def histories(examples: Sequence[Any], evolve: Evolve) -> list[list[Step]]:
    """Four accounts for each class: their newest event is of it, if it still changes anything."""
    random = Random(17)
    return [
        history(f"00000000-0000-4000-8000-{number:012x}", examples, last, evolve, random)
        for number, last in enumerate([last for last in examples[1:] for _ in range(4)])
    ]


def filled(lake: Lake, accounts: list[list[Step]]) -> Lake:
    """The histories in the lake, in no order, some events twice."""
    steps = [step for steps in accounts for step in steps]
    Random(4).shuffle(steps)
    events = [
        event(type(step.event).__name__, step.account, step.version, str(step.at), **msgspec.to_builtins(step.event))
        for step in steps
    ]
    lake.arrive(FIRST, events)
    lake.arrive(LAST, events[::3])
    return lake


def differences(lake: Lake, accounts: list[list[Step]]) -> list[str]:
    """Which classes or accounts every view and query that speaks of state tells otherwise than the domain."""
    filled(lake, accounts)
    found: list[str] = []
    for check in (of_events, of_balances, of_statements, of_moments, of_limits, of_days, of_movers):
        found += [f"{check.__name__}: {each}" for each in check(lake, accounts)]
    return found


def of_events(lake: Lake, accounts: list[list[Step]]) -> list[str]:
    rows = lake.sql("SELECT subject, streamversion, signed_amount FROM domain_events")
    told = {(row["subject"], row["streamversion"]): row["signed_amount"] for row in rows}
    steps = [step for steps in accounts for step in steps]
    return sorted({type(each.event).__name__ for each in steps if told[each.account, each.version] != each.moved})


def of_balances(lake: Lake, accounts: list[list[Step]]) -> list[str]:
    told = {row.pop("account_id"): row for row in lake.sql("SELECT * FROM account_balances")}
    right = {
        steps[-1].account: msgspec.to_builtins(steps[-1].after) | {"version": len(steps), "updated_at": steps[-1].at}
        for steps in accounts
    }
    return [f"{account}: {told[account]} is {state}" for account, state in right.items() if told[account] != state]


def of_statements(lake: Lake, accounts: list[list[Step]]) -> list[str]:
    found = []
    for steps in accounts[::4]:
        rows = lake.query("account_statement", account_id=steps[0].account)
        right = [(step.version, type(step.event).__name__, step.moved, step.after.balance) for step in steps]
        told = [(row["version"], row["event"], row["amount"], row["balance"]) for row in rows]
        found += [f"{one} is {other}" for one, other in zip(told, right, strict=True) if one != other]
    return found


def of_moments(lake: Lake, accounts: list[list[Step]]) -> list[str]:
    found = []
    for seconds in (0, 20, 50, 120):
        at = BEGIN + timedelta(seconds=seconds)
        known = [[step for step in steps if step.at <= at][-1] for steps in accounts]
        right = [(each.account, each.after.currency, each.after.balance, each.version) for each in known]
        told = [tuple(row.values()) for row in lake.query("balances_as_of", at=at)]
        found += [f"{one} is {other}" for one, other in zip(told, right, strict=True) if one != other]
    return found


def of_limits(lake: Lake, accounts: list[list[Step]]) -> list[str]:
    right = {}
    for steps in accounts:
        below = [step for step in steps if step.after.balance < 0]
        if below:
            lowest = min(step.after.balance for step in below)
            right[steps[0].account] = (steps[-1].after.overdraft_limit, lowest, len(below), below[0].version)
    told = {account: tuple(row) for account, *row in (row.values() for row in lake.query("below_zero"))}
    return [f"{account}: {told.get(account)} is {row}" for account, row in right.items() if told.get(account) != row]


def of_days(lake: Lake, accounts: list[list[Step]]) -> list[str]:
    """The days' figures: of each account, and of each currency in both queries."""
    told = lake.sql("SELECT * FROM daily_account_activity")
    found = [f"{row['net']} of {row} is in no column" for row in told if _flows(row) != row["net"]]
    steps = [step for steps in accounts for step in steps]
    for row in told:
        found += _compared(
            row, [step for step in steps if (step.account, step.at.date()) == (row["account_id"], row["day"])]
        )
    by_currency = lake.query("daily_activity_per_currency", from_day=FIRST, to_day=LAST)
    if by_currency != [row for day in (FIRST, LAST) for row in lake.query("daily_report", day=day)]:
        found.append("the report and the range of days differ")
    for row in by_currency:
        found += _compared(
            row, [step for step in steps if (step.after.currency, step.at.date()) == (row["currency"], row["day"])]
        )
    return found


def _flows(row: dict[str, Any]) -> int:
    return sum(sign * int(row[name]) for name, sign in FLOWS)


def _compared(row: dict[str, Any], steps: list[Step]) -> list[str]:
    right = {
        "events": len(steps),
        "net": sum(step.moved for step in steps),
        "opened": sum(step.before is None for step in steps),
        "closed": sum(
            step.before is not None and step.before.status != step.after.status == "closed" for step in steps
        ),
    }
    return [f"{name} {row[name]} is {value} in {row}" for name, value in right.items() if row[name] != value]


def of_movers(lake: Lake, accounts: list[list[Step]]) -> list[str]:
    found = []
    for day in (FIRST, LAST):
        told = {row["account_id"]: (row["moved"], row["net"]) for row in lake.query("top_movers", day=day, top=999)}
        right = {}
        for steps in accounts:
            moves = [step.moved for step in steps if str(step.at.date()) == day and step.moved]
            if moves:
                right[steps[0].account] = (sum(map(abs, moves)), sum(moves))
        found += [
            f"{account}: {told.get(account)} is {sums}" for account, sums in right.items() if told.get(account) != sums
        ]
    return found


def test_every_class_of_event_has_a_history() -> None:
    accounts = histories(EVENT_EXAMPLES, domain.evolve)
    assert {type(step.event) for steps in accounts for step in steps} == set(EVENTS)
    newest = {type(steps[-1].event) for steps in accounts}
    assert newest == set(EVENTS) - {AccountCreated}, "each class is the newest event of some account"
    assert all({str(step.at.date()) for step in steps} == {FIRST, LAST} for steps in accounts)
    assert all(any(one.at == other.at for one, other in pairwise(steps)) for steps in accounts)


def test_every_view_and_query_folds_as_the_domain_does(tmp_path: Path) -> None:
    assert differences(Lake(tmp_path), histories(EVENT_EXAMPLES, domain.evolve)) == []


class OverdraftLimitSet(msgspec.Struct, frozen=True):
    """A class of event that is not there today: the limit becomes another, maybe a lower one."""

    currency: CurrencyCode
    overdraft_limit: OverdraftLimit


class FeeCharged(msgspec.Struct, frozen=True):
    """A class of event that is not there today: money that goes out in another way."""

    currency: CurrencyCode
    amount: int


class AccountReopened(msgspec.Struct, frozen=True):
    """A class of event that is not there today: what was closed is open again."""

    currency: CurrencyCode


def evolve(state: Account | None, happened: Any) -> Account:
    match happened, state:
        case OverdraftLimitSet(), Account():
            return msgspec.structs.replace(state, overdraft_limit=happened.overdraft_limit)
        case FeeCharged(), Account():
            return msgspec.structs.replace(state, balance=state.balance - happened.amount)
        case AccountReopened(), Account():
            return msgspec.structs.replace(state, status="open")
        case _:
            return domain.evolve(state, happened)


NEW = (
    OverdraftLimitSet(currency="EUR", overdraft_limit=2000),
    FeeCharged(currency="EUR", amount=5),
    AccountReopened(currency="EUR"),
)


@pytest.mark.parametrize("example", NEW, ids=lambda each: type(each).__name__)
def test_a_class_that_sql_does_not_know_is_named(tmp_path: Path, example: Any) -> None:
    found = differences(Lake(tmp_path), histories((*EVENT_EXAMPLES, example), evolve))
    assert f"of_events: {type(example).__name__}" in found
    for check in ("of_balances", "of_statements", "of_moments", "of_days"):
        assert any(each.startswith(f"{check}: ") for each in found), check


EFFECTS = {
    "OverdraftLimitSet": {"AS effect": "limit", "AS signed_amount": "CAST(0 AS bigint)"},
    "FeeCharged": {"AS effect": "withdrawal"},
    "AccountReopened": {"AS effect": "reopening", "AS status": "'open'", "AS signed_amount": "CAST(0 AS bigint)"},
}


def with_effects(sql: str) -> str:
    """The view with the lines that the new classes need; everything else goes by the effect."""
    for name, lines in EFFECTS.items():
        effect = lines["AS effect"]
        for column, value in lines.items():
            condition = f"WHEN '{name}' THEN '{effect}'" if column == "AS effect" else f"WHEN '{effect}' THEN {value}"
            sql = sql.replace(f"END {column}", f"{condition} END {column}")
    return sql


def test_new_classes_take_lines_of_one_view_and_nothing_else(tmp_path: Path) -> None:
    lake = Lake(tmp_path, delivered_events=with_effects(views()["delivered_events"].sql))
    assert differences(lake, histories((*EVENT_EXAMPLES, *NEW), evolve)) == []


def test_an_account_with_an_unknown_event_has_no_state_rather_than_a_wrong_one(tmp_path: Path) -> None:
    accounts = histories((*EVENT_EXAMPLES, NEW[1]), evolve)
    lake = filled(Lake(tmp_path), accounts)
    rows = lake.sql("SELECT status, balance, overdraft_limit FROM account_balances")
    assert {tuple(row.values()) for row in rows} == {(None, None, None)}
    assert None in {row["net"] for row in lake.query("daily_report", day=LAST)}


@pytest.mark.parametrize("name", [*views(), *queries()])
def test_one_view_alone_names_classes(name: str) -> None:
    sql = (views() | queries())[name].sql
    named = [cls.__name__ for cls in EVENTS if cls.__name__ in sql]
    assert named == ([cls.__name__ for cls in EVENTS] if name == "delivered_events" else [])
