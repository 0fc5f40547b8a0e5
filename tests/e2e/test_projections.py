"""Both read models of the deployed system: rebuilt under traffic, killed and started again, and right at rest.

What is right is said three times: by a fold of the event table's rows that is no code of theirs, by what their tables
hold, and by SQL over the lake. The accounts here have currencies of their own, so that the totals of these currencies
are theirs alone.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from cli.environments.lake import Target
from cli.sql.session import Session
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.dynamodb import table
from local.example.client import Client
from local.machine.environment import Environment
from tests.e2e.inbox import Inbox
from tests.e2e.mixed_commands import Mix
from tests.e2e.read_models import PROJECTIONS, SUMMARIES, TOTALS, Both, as_sql_tells, in_sql
from tests.e2e.rebuilding import SEGMENTS, DiedError, Dying, ReadModels
from tests.e2e.test_commands import carry_out
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.alone

SEED = 20260302
ACCOUNTS = 50
QUIET = 3
"""So many accounts take no command after a rebuild has begun: nobody but its walk writes their rows."""
CURRENCIES = ("NOK", "NOK", "SEK")
ROUNDS = 2


@pytest.fixture
def models(environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ReadModels:
    """Both read models, each with a live generation that stands alone."""
    file = tmp_path / "environment.json"
    environment.save(file)
    models = ReadModels(environment, file, capsys)
    for name in PROJECTIONS:
        models.alone(name)
    return models


@pytest.fixture(scope="module")
def ask(environment: Environment) -> Callable[[str], list[dict[str, Any]]]:
    """SQL over the lake."""
    session = Session(
        Target(
            athena_workgroup=environment.athena_workgroup,
            glue_database=environment.glue_database,
            region=environment.region,
            athena_endpoint_url=environment.athena_endpoint_url,
        )
    )

    def ask(statement: str) -> list[dict[str, Any]]:
        found = session.run(statement)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    return ask


class Traffic:
    """Commands of fifty accounts, in threads of their own."""

    def __init__(self, environment: Environment) -> None:
        self.mix = Mix(Random(SEED), ACCOUNTS, CURRENCIES, ROUNDS)
        self._inbox = Inbox(environment)
        self._pool = ThreadPoolExecutor(1)
        self._work: Future[None] = self._pool.submit(self._carry_out)

    def _carry_out(self) -> None:
        for phase in self.mix.phases():
            carry_out(self._inbox, phase)

    @property
    def goes_on(self) -> bool:
        """Raises what went wrong in it."""
        if self._work.done():
            self._work.result()
        return not self._work.done()

    def end(self) -> None:
        """Wait for it. Raises what went wrong in it."""
        self._work.result()
        self._pool.shutdown()


def test_rebuilds_under_fifty_busy_accounts_lead_to_the_fold_and_to_what_sql_says(
    environment: Environment, models: ReadModels, ask: Callable[[str], list[dict[str, Any]]]
) -> None:
    traffic = Traffic(environment)
    first = {name: models.control(name).live for name in PROJECTIONS}
    for name in PROJECTIONS:
        models.rebuild(name)
        assert traffic.goes_on, "commands went on while a generation was built"
        models.run("compare", name)
        models.run("switch", name)
        models.alone(name)
    traffic.end()
    live = {name: models.control(name).live for name in PROJECTIONS}
    assert all(live[name] > first[name] for name in PROJECTIONS)
    truth = models.truth()
    for name in PROJECTIONS:
        models.at_rest(name, live[name], truth)
    held = models.held()
    assert_equal(truth, held, traffic.mix.ids)
    assert {each: found["version"] for each, found in held.summaries.items() if each in traffic.mix.ids} == {
        each: account.version for each, account in traffic.mix.model.accounts.items()
    }
    sql = eventually(lambda: complete(truth, in_sql(ask, days(truth))), "the events in the lake")
    ids = traffic.mix.ids
    assert {each: as_sql_tells(found) for each, found in held.of(ids).items()} == sql.of(ids)
    assert held.in_currencies(CURRENCIES) == sql.in_currencies(CURRENCIES)


def assert_equal(truth: Both, held: Both, account_ids: list[str]) -> None:
    """Every account that is not stopped, and the totals that are ours alone. None of ours is stopped."""
    assert not held.stopped[SUMMARIES] & set(account_ids)
    assert not held.stopped[TOTALS] & set(account_ids)
    going_on = truth.summaries.keys() - held.stopped[SUMMARIES]
    assert going_on >= set(account_ids)
    assert held.of(going_on) == truth.of(going_on)
    assert held.summaries.keys() <= truth.summaries.keys()
    assert held.in_currencies(CURRENCIES) == truth.in_currencies(CURRENCIES)
    if not held.stopped[TOTALS]:
        assert held.totals == truth.totals


def complete(truth: Both, sql: Both) -> Both | None:
    """What SQL says, once the lake has every event of our currencies."""
    counts = [{key: row["events"] for key, row in each.in_currencies(CURRENCIES).items()} for each in (truth, sql)]
    return sql if counts[0] == counts[1] else None


def days(both: Both) -> list[str]:
    """All days with an event in one of our currencies."""
    return sorted({day for _, day in both.in_currencies(CURRENCIES)})


class Kill(NamedTuple):
    """A moment at which a run dies: the call that is its last one, before which or after which it dies."""

    last: Callable[[str, dict[str, Any]], bool]
    after: bool
    settle: bool


class Nth:
    """The n-th call for which something holds."""

    def __init__(self, number: int, holds: Callable[[str, dict[str, Any]], bool]) -> None:
        self._left = number
        self._holds = holds

    def __call__(self, operation: str, request: dict[str, Any]) -> bool:
        self._left -= self._holds(operation, request)
        return self._left == 0 and self._holds(operation, request)


def writes_an_account(_: str, request: dict[str, Any]) -> bool:
    """A put of an account's row, alone or in a transaction."""
    actions = request.get("TransactItems", [{"Put": request}])
    return any(each.get("Put", {}).get("Item", {}).get(table.RANGE_KEY) == {"S": "account"} for each in actions)


def writes_progress(_: str, request: dict[str, Any]) -> bool:
    """Progress of a segment."""
    return any(table.PROGRESS in each.get("Put", {}).get("Item", {}) for each in request.get("TransactItems", ()))


def writes_control(_: str, request: dict[str, Any]) -> bool:
    """The control row."""
    item = request.get("Item") or {}
    return bool(item.get(table.HASH_KEY) == table.CONTROL_KEY[table.HASH_KEY])


KILLS: dict[str, Callable[[], Kill] | None] = {
    "between the control row and the state machine": None,
    "at the first row of the walk": lambda: Kill(Nth(1, writes_an_account), after=True, settle=False),
    "within a segment": lambda: Kill(Nth(QUIET, writes_an_account), after=False, settle=False),
    "between a segment's rows and its progress": lambda: Kill(Nth(2, writes_progress), after=False, settle=False),
    "when it has begun to settle": lambda: Kill(Nth(1, writes_control), after=True, settle=True),
    "before it is built": lambda: Kill(Nth(2, writes_control), after=False, settle=True),
}


@pytest.fixture(scope="module")
def account_ids(environment: Environment) -> list[str]:
    """A few accounts in a currency of these tests, with something in each."""
    with closing(Client(environment)) as client:
        opened = [client.post("/accounts", {"currency": "SEK"}, expected=201).body["account_id"] for _ in range(9)]
    book(environment, opened, 500)
    return opened


def book(environment: Environment, account_ids: list[str], amount: int) -> None:
    """Something for each account, while nobody or somebody rebuilds."""
    with closing(Client(environment)) as client:
        for account_id in account_ids:
            client.post(f"/accounts/{account_id}/credit", {"amount": amount}, expected=200)


@pytest.mark.parametrize("name", PROJECTIONS)
@pytest.mark.parametrize("moment", KILLS)
def test_a_rebuild_that_was_killed_goes_on_and_comes_to_the_same(
    environment: Environment, models: ReadModels, account_ids: list[str], name: str, moment: str
) -> None:
    building, new_kill = models.begin(name), KILLS[moment]
    book(environment, account_ids[QUIET:], 3)
    if new_kill is not None:
        kill = new_kill()
        dying = Dying(models.dynamodb, kill.last, after=kill.after)
        if kill.settle:
            assert models.table(name).defer(building.generation, account_ids[0], building.rebuild, Deadline())
        with pytest.raises(DiedError):
            models.work(name, building, dying, settle=kill.settle)
    book(environment, account_ids[QUIET:], 4)
    found = models.control(name).building
    assert found is not None
    assert found.state == ("settling" if "settle" in moment or "built" in moment else "walking")
    models.rebuild(name)
    assert_built_and_equal(models, name, building.generation, account_ids)


@pytest.mark.parametrize("name", PROJECTIONS)
def test_a_rebuild_whose_state_machine_was_stopped_is_taken_over(
    environment: Environment, models: ReadModels, account_ids: list[str], name: str
) -> None:
    models.run("rebuild", name, "--yes", "--no-wait")
    building = models.control(name).building
    assert building is not None
    arn = models.machines[name].replace(":stateMachine:", ":execution:") + f":{building.rebuild}"
    models.states.stop_execution(executionArn=arn)
    book(environment, account_ids, 5)
    stopped = models.states.describe_execution(executionArn=arn)["status"]
    if stopped == "ABORTED":
        assert models.rebuild(name) in {"taken-over", ""}
        taken_over = models.control(name).building
        assert taken_over is None or taken_over.rebuild != building.rebuild
    eventually(lambda: models.is_built(name), "the rebuild to end", every=1.0)
    assert_built_and_equal(models, name, building.generation, account_ids)


def assert_built_and_equal(models: ReadModels, name: str, generation: int, account_ids: list[str]) -> None:
    """The generation is built, compares as equal, and is what the event table adds up to. It is dropped then."""
    building = models.control(name).building
    assert building is not None
    assert (building.generation, building.state) == (generation, "built")
    truth = models.truth()
    held = models.at_rest(name, generation, truth)
    if name == SUMMARIES:
        assert held.of(account_ids) == truth.of(account_ids)
    assert held.in_currencies(["SEK"]) == truth.in_currencies(["SEK"]) or name != TOTALS
    assert not list(models.table(name).deferred(generation))
    models.run("compare", name)
    models.alone(name)


def test_a_second_rebuild_is_refused_by_the_name_of_the_first(models: ReadModels) -> None:
    models.run("rebuild", SUMMARIES, "--yes", "--no-wait")
    running = models.control(SUMMARIES).building
    assert running is not None
    status, said = models.attempt("rebuild", SUMMARIES, "--yes")
    if (now := models.control(SUMMARIES).building) is not None and now.state != "built":
        assert status != 0
        assert running.rebuild in said
    eventually(lambda: models.is_built(SUMMARIES), "the rebuild to end", every=1.0)
    models.alone(SUMMARIES)


def test_routes_answer_what_the_event_table_adds_up_to(
    environment: Environment, models: ReadModels, account_ids: list[str]
) -> None:
    """Of the live generation, while another is built beside it."""
    truth = models.truth()
    for name in PROJECTIONS:
        models.at_rest(name, models.control(name).live, truth)
    building = models.begin(SUMMARIES)
    day = max(day for _, day in truth.totals)
    since = date.fromisoformat(day) - timedelta(days=3)
    with closing(Client(environment)) as client:
        accounts = client.get(f"/accounts?ids={','.join(account_ids)}").body["accounts"]
        totals = client.get(f"/totals?from={since}&to={day}&currency=SEK").body["totals"]
    got = {each.pop("account_id"): each for each in accounts}
    assert got == truth.of(account_ids)
    told = {("SEK", each.pop("day")): {name: int(value) for name, value in each.items()} for each in totals}
    assert {key: row for key, row in told.items() if row["events"]} == truth.in_currencies(["SEK"])
    assert building.segments == SEGMENTS
    models.alone(SUMMARIES)
