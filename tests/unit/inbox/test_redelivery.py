"""Thousands of seeded runs in which commands come again and again and everything fails: each takes effect once.

What happened is read from the writes that DynamoDB saw, in their order, and held against the rules of the domain alone.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import msgspec
import pytest

from lambdas.accounts.commands import AnyCommand, Transfer
from lambdas.accounts.decider import decide, decide_transfer
from lambdas.accounts.errors import DomainError
from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account, evolve
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.inbox import table
from lambdas.inbox.instructions import instruction_of
from lambdas.inbox.stream_records import key_of, row_of
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.service.derived_ids import effect_id
from tests.support.commands import Item, Record
from tests.support.dynamodb_tables import store_on
from tests.support.redelivery import BOOKED, TABLES, World
from tests.support.runs import seeds

SEEDS = seeds(check=40, test=2_000, soak=100_000)
ENOUGH = 300
"""In so many runs everything happens that can."""
TAKEN = {table.SUCCEEDED}
FINAL = {table.SUCCEEDED, table.REJECTED}
INVALID = (b"{", b'{"type":"CreditAccount","amount":-1}', b'{"type":"Steal","amount":1}', b"\xff")


def body(rng: random.Random, accounts: list[str]) -> tuple[str, Any]:
    """A command at random, and its account: mostly credits, withdrawals near the limit and transfers."""
    account, amount, chance = rng.choice(accounts), rng.randint(1, 60), rng.random()
    if chance < 0.3:
        return account, {"type": "OpenAccount", "currency": "EUR", "overdraft_limit": rng.choice((0, 50))}
    if chance < 0.5:
        return account, {"type": "CreditAccount", "amount": amount}
    if chance < 0.7:
        return account, {"type": "WithdrawFromAccount", "amount": amount}
    if chance < 0.75:
        return account, {"type": "CloseAccount"}
    if chance < 0.8:
        return account, rng.choice(INVALID)
    to = rng.choice(accounts)
    return account, {"type": "Transfer", "from_account_id": account, "to_account_id": to, "amount": amount}


def steps(writes: Sequence[Sequence[Item]]) -> Iterator[tuple[int, list[Item]]]:
    """The writes by their number, those that end several commands cut into one step for each.

    The commands of a write must be as if one followed another.
    A step is what one command adds, and then its end; all of one write have one commit id.
    """
    for number, items in enumerate(writes):
        ends = [item for item in items if table.STATUS in item]
        rows = [item for item in items if table.STATUS not in item]
        if rows and not ends:
            yield number, rows  # a synchronous command
            continue
        if len(ends) > 1:
            assert len({item[table.COMMIT_ID]["S"] for item in items}) == 1
        for end in ends:
            ours = [row for row in rows if command_of(row) == effect_of(end)]
            assert rows[: len(ours)] == ours, "the rows are not in the order of the commands"
            rows = rows[len(ours) :]
            yield number, [*ours, end]
        assert rows == []


def effect_of(end: Item) -> str:
    """What a command is called in its events."""
    return effect_id(end[table.HASH_KEY]["S"], end[table.RANGE_KEY]["S"])


def command_of(row: Item) -> str:
    """What the command that an event is of is called in it."""
    return str(json.loads(row["metadata"]["S"])["command_id"])


class Chronicle:
    """What DynamoDB saw: the states of accounts, and the statuses of commands, by the number of the step."""

    def __init__(self, world: World) -> None:
        self.states: dict[str, list[tuple[int, Account | None]]] = {account: [(0, None)] for account in world.accounts}
        self.statuses: dict[str, list[tuple[int, str]]] = {}
        self.events: dict[int, list[tuple[str, AccountEvent]]] = {}
        self.effects: dict[str, list[int]] = {}
        self.writes = [-1]
        """The number of the write that each step is of."""
        for tick, (write, items) in enumerate(steps(world.writes), 1):
            self.writes.append(write)
            for item in items:
                if table.STATUS in item:
                    self.statuses.setdefault(item[table.RANGE_KEY]["S"], []).append((tick, item[table.STATUS]["S"]))
                else:
                    self._append(tick, item)

    def _append(self, tick: int, item: Item) -> None:
        account = item["stream_id"]["S"]
        event = ACCOUNT_DECIDER.codec.decode(item["type"]["S"], int(item["schema"]["N"]), item["data"]["S"])
        self.states[account].append((tick, evolve(self.states[account][-1][1], event)))
        assert int(item["version"]["N"]) == len(self.states[account]) - 1
        self.events.setdefault(tick, []).append((account, event))
        self.effects.setdefault(command_of(item), []).append(tick)

    def between(self, account: str, first: int, last: int) -> list[Account | None]:
        """The states of an account from just after write `first` to just before write `last`."""
        begun = [state for tick, state in self.states[account] if tick <= first][-1:]
        return begun + [state for tick, state in self.states[account] if first < tick < last]

    def ended_at(self, command_id: str) -> int:
        """The write by which a command came to the status that it has."""
        return self.statuses[command_id][-1][0]


def outcome(command: AnyCommand, states: list[Account | None]) -> tuple[list[AccountEvent], str]:
    """The events of a command on these states, or the code of its rejection."""
    try:
        if isinstance(command, Transfer):
            sender, receiver = states
            return list(decide_transfer(command, sender, receiver, "id")), ""
        return list(decide(command, states[0])), ""
    except DomainError as error:
        return [], error.code


def without_id(event: AccountEvent) -> AccountEvent:
    """A transfer's event without the id, which the rules do not give."""
    return msgspec.structs.replace(event, transfer_id="id") if hasattr(event, "transfer_id") else event


class Ended(NamedTuple):
    """The step by which a command ended, since which step it may have been decided, and whether it changed its account.

    Rejections of one write are decided together, on a state of before it, whoever booked meanwhile.
    """

    step: int = 0
    since: int = 0
    changed: bool = True


class Judge:
    """Holds one run against what must be true of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen = Chronicle(world)

    def judge(self) -> None:
        """Assert everything."""
        for account in self.world.accounts:
            ChainVerifier(store_on(self.world.dynamodb, TABLES), ACCOUNT_DECIDER).verify(account)
        ids = [key_of(record).command_id for record in self.world.records]
        for command_id in ids:
            self._check_statuses(command_id)
        keys = [key_of(record) for record in self.world.records]
        taken = {effect_id(*msgspec.structs.astuple(key)) for key in keys if self._status(key.command_id) in TAKEN}
        effects = {each: ticks for each, ticks in self.seen.effects.items() if not each.startswith(BOOKED)}
        assert {effect: len(set(ticks)) for effect, ticks in effects.items()} == dict.fromkeys(taken, 1)
        if self.world.calm:
            assert self.world.given_up == set()
            assert self.world.happened["failed"] == 0
        ended: dict[str, Ended] = {}
        for record in self.world.records:
            key = key_of(record)
            if key in self.world.given_up:
                self._check_end(record, Ended())
                continue
            ended[key.account_id] = self._check_end(record, ended.get(key.account_id, Ended()))

    def _status(self, command_id: str) -> str:
        return self.seen.statuses[command_id][-1][1]

    def _check_statuses(self, command_id: str) -> None:
        """PENDING, then exactly one end; a failure alone may be taken back."""
        statuses = " ".join(status for _, status in self.seen.statuses[command_id])
        assert re.fullmatch(r"PENDING (FAILED PENDING )*(SUCCEEDED|REJECTED|FAILED)", statuses), (
            f"{command_id}: {statuses}"
        )

    def _check_end(self, record: Record, before: Ended) -> Ended:
        """The end is what the rules give, on states since the account's last command but those given up."""
        if self._status(key_of(record).command_id) == table.FAILED:
            assert key_of(record) in self.world.given_up
            return before
        end = self.seen.ended_at(key_of(record).command_id)
        assert end > before.step, f"{key_of(record).command_id} overtook an earlier command of its account"
        together = self.seen.writes[end] == self.seen.writes[before.step]
        since = before.since if together and not before.changed else before.step
        self._check_outcome(record, since, end)
        changed = any(account == key_of(record).account_id for account, _ in self.seen.events.get(end, ()))
        return Ended(end, since, changed)

    def _check_outcome(self, record: Record, after: int, end: int) -> None:
        command_id, row = key_of(record).command_id, self.world.row(record)
        problem = json.loads(row[table.PROBLEM]["S"])["type"].rpartition(":")[2] if table.PROBLEM in row else ""
        try:
            command = instruction_of(row_of(record)).command
        except DomainError:
            assert problem == "invalid-command"
            return
        involved = [key_of(record).account_id]
        if isinstance(command, Transfer):
            involved.append(command.to_account_id)
        if problem:
            possible = product(*(self.seen.between(account, after, end) for account in involved))
            assert problem in {outcome(command, list(states))[1] for states in possible}, f"{command_id}: {problem}"
        else:
            self._check_success(command, involved, end, row)

    def _check_success(self, command: AnyCommand, involved: list[str], end: int, row: Item) -> None:
        """Decided on the states that stood when it was written; the row says what came of it."""
        before = [self.seen.between(account, end - 1, end)[-1] for account in involved]
        events, code = outcome(command, before)
        assert code == ""
        happened = [(account, without_id(event)) for account, event in self.seen.events[end]]
        assert happened == [(account, without_id(event)) for account, event in zip(involved, events, strict=True)]
        versions = [place for place, (tick, _) in enumerate(self.seen.states[involved[0]]) if tick == end]
        state = self.seen.states[involved[0]][versions[0]][1]
        assert state is not None
        assert (row[table.VERSION]["N"], row[table.BALANCE]["N"]) == (str(versions[0]), str(state.balance))


def play(seed: int) -> Counter[str]:
    """One run; what happened in it."""
    world = World(random.Random(seed), body)
    try:
        world.run()
        Judge(world).judge()
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise
    world.happened["coalesced"] += sum(sum(table.STATUS in item for item in items) > 1 for items in world.writes)
    statuses = Counter(world.status(record) for record in world.records)
    assert statuses.keys() <= FINAL | {table.FAILED}
    return world.happened + statuses


@pytest.mark.thousands
def test_seeded_runs() -> None:
    """Repeat one run with DAYBOOK_TEST_SEED=<seed> DAYBOOK_TEST_RUNS=1."""
    happened: Counter[str] = Counter()
    for seed in SEEDS:
        happened += play(seed)
    if len(SEEDS) >= ENOUGH:
        told = {
            "crashed", "interrupted", "failed", "halved", "parked", "redriven", "delivered again", "forged",
            "forged, parked", "coalesced", "booked",
        }  # fmt: skip
        assert happened.keys() == told | FINAL | {table.FAILED}
