"""What the routes of the read models answer while those are built, switched, behind, broken or out of reach."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES, AccountSummary
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS, LastDay
from lambdas.projections.dynamodb.table import LAG, LAG_KEY
from lambdas.projections.lag import Lag
from lambdas.projections.read_model import AccountRow, Gate
from lambdas.projections.reading.reader import KEPT_SECONDS
from tests.support.clocks import START
from tests.support.event_rows import account_id
from tests.support.followed_ledger import FollowedLedger
from tests.support.runs import runs
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api
from tests.unit.httpapi.suite.listings import listed

MARCH = {"from": "2026-03-01", "to": "2026-03-31", "currency": "EUR"}
READS: list[tuple[str, dict[str, str]]] = [
    ("/accounts", {}),
    ("/accounts", {"ids": account_id(1)}),
    ("/accounts", {"ids": account_id(1), "min_version": "1"}),
    ("/totals", MARCH),
]
each_read = pytest.mark.parametrize(("path", "query"), READS, ids=str)


class Time:
    """Seconds, as a test lets them pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def forget(self) -> None:
        """Until nothing that was kept counts any more."""
        self.now += KEPT_SECONDS


class World:
    """An API over a ledger in memory, and the read models that follow it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        self.store = InMemoryEventStore()
        self.time = Time()
        self.followed = FollowedLedger(self.store, clock=self.time, **options)
        self.api = in_process_api(monkeypatch, store=self.store, followed=self.followed, clock=lambda: START)

    def control(self, change: Callable[[Control], Control]) -> None:
        """Change the control row of each read model."""
        for projection in (ACCOUNT_SUMMARIES, DAILY_TOTALS):
            row = self.followed.ports(projection).control
            row.change(before := row.read(), change(before))

    def rebuild(self) -> None:
        """Build the next generation, without switching to it."""
        self.control(lambda now: now.started("r", segments=1, at="2026-03-01T12:00:00.000Z"))
        self.followed.catch_up()
        self.control(lambda now: now.settling("r").built("r"))

    def write(self, row: AccountRow[AccountSummary], generation: int = 1) -> None:
        """Put a row that no ledger has."""
        rows = self.followed.ports(ACCOUNT_SUMMARIES).rows
        rows.save(generation, AccountRow(row.account_id), row, {}, Deadline())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def summary(status: Any = "open", currency: str = "EUR") -> AccountSummary:
    return AccountSummary(
        status=status,
        currency=currency,
        balance=1,
        overdraft_limit=0,
        opened_at="2026-03-01T12:00:00.000Z",
        last_activity_at="2026-03-01T12:00:00.000Z",
        events=2,
    )


class TestNotThere:
    @each_read
    def test_what_was_never_built(
        self, monkeypatch: pytest.MonkeyPatch, path: str, query: dict[str, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """No alarm counts it: nothing has failed, and going back to an earlier release would change nothing."""
        world = World(monkeypatch, built=False)
        answer = world.api.get(path, **query)
        assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "read-model-not-built", "60")
        assert "daybook-lag" not in answer.headers
        assert "ReadsUnavailable" not in capsys.readouterr().out

    @each_read
    def test_what_is_being_built_for_the_first_time(
        self, monkeypatch: pytest.MonkeyPatch, path: str, query: dict[str, str]
    ) -> None:
        world = World(monkeypatch, built=False)
        world.control(lambda now: now.started("r", segments=1, at="2026-03-01T12:00:00.000Z"))
        assert world.api.get(path, **query).problem == "read-model-not-built"

    def test_it_is_there_as_soon_as_it_is_built(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(monkeypatch, built=False)
        account = world.api.open()
        assert world.api.get("/accounts").status == 503
        world.rebuild()
        assert listed(world.api) == [account]

    @each_read
    def test_a_table_that_does_not_answer(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        path: str,
        query: dict[str, str],
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def unreachable(**_: Any) -> NoReturn:
            raise EndpointConnectionError(endpoint_url="https://nobody.business")

        world.api.get(path)
        capsys.readouterr()
        for operation in ("get_item", "query", "batch_get_item"):
            monkeypatch.setattr(world.followed.client, operation, unreachable)
        world.followed.still = True
        answer = world.api.get(path, **query)
        assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "store-unavailable", "1")
        assert b"nobody.business" not in answer.body
        assert "ReadsUnavailable" in capsys.readouterr().out

    @each_read
    def test_a_row_that_cannot_be_read_is_a_500(self, world: World, path: str, query: dict[str, str]) -> None:
        for name in (ACCOUNT_SUMMARIES.name, DAILY_TOTALS.name):
            key = {"pk": {"S": "control"}, "sk": {"S": "control"}}
            world.followed.client.tables[name].put(key | {"control": {"S": "no JSON"}})
        world.followed.still = True
        answer = world.api.get(path, **query)
        assert (answer.status, answer.problem) == (500, "internal-error")
        assert "detail" not in answer.json()


class TestLag:
    @each_read
    def test_without_a_measurement_there_is_no_header(self, world: World, path: str, query: dict[str, str]) -> None:
        assert "daybook-lag" not in world.api.get(path, **query).headers

    @pytest.mark.parametrize(("path", "query"), [*READS[:2], READS[3]], ids=str)
    def test_the_last_measurement(self, world: World, path: str, query: dict[str, str]) -> None:
        lag = Lag(events=3, seconds=1.2, measured_at=format_timestamp(START - timedelta(seconds=50)))
        world.followed.measured(lag)
        assert world.api.get(path, **query).headers["daybook-lag"] == "3;2"

    def test_an_old_measurement_counts_its_age(self, world: World) -> None:
        lag = Lag(events=0, seconds=0.0, measured_at=format_timestamp(START - timedelta(hours=1)))
        world.followed.measured(lag)
        assert world.api.get("/accounts").headers["daybook-lag"] == "0;3600"

    def test_each_read_model_has_its_own(self, world: World) -> None:
        for projection, events in ((ACCOUNT_SUMMARIES, 1), (DAILY_TOTALS, 2)):
            lag = Lag(events=events, seconds=0.0, measured_at=format_timestamp(START))
            world.followed.ports(projection).positions.save_lag(lag)
        assert world.api.get("/accounts").headers["daybook-lag"] == "1;0"
        assert world.api.get("/totals", **MARCH).headers["daybook-lag"] == "2;0"

    @pytest.mark.parametrize(("path", "query"), [*READS[:2], READS[3]], ids=str)
    def test_one_that_cannot_be_read_costs_the_header_alone(
        self, world: World, path: str, query: dict[str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        for name in (ACCOUNT_SUMMARIES.name, DAILY_TOTALS.name):
            world.followed.client.tables[name].put({**LAG_KEY, LAG: {"S": "no JSON"}})
        answer = world.api.get(path, **query)
        assert (answer.status, "daybook-lag" in answer.headers) == (200, False)
        assert "the lag could not be read" in [record.message for record in caplog.records]

    def test_a_refusal_has_none(self, world: World) -> None:
        world.followed.measured(Lag(events=3, seconds=1.2, measured_at=format_timestamp(START)))
        for query, status in (({"limit": "0"}, 400), ({"ids": account_id(1), "min_version": "1"}, 503)):
            answer = world.api.get("/accounts", **query)
            assert (answer.status, "daybook-lag" in answer.headers) == (status, False)


class TestSwitches:
    @pytest.fixture
    def accounts(self, world: World) -> list[str]:
        return [world.api.open() for _ in range(7)]

    def first_page(self, api: InProcessApi) -> tuple[list[str], str]:
        page = api.get("/accounts", limit=3).json()
        return [each["account_id"] for each in page["accounts"]], page["next_cursor"]

    def test_a_listing_goes_on_through_a_switch(self, world: World, accounts: list[str]) -> None:
        first, cursor = self.first_page(world.api)
        world.rebuild()
        world.control(Control.switched)
        world.time.forget()
        assert sorted([*first, *listed(world.api, limit=3, cursor=cursor)]) == sorted(accounts)
        assert sorted(listed(world.api, limit=3)) == sorted(accounts)

    def test_and_through_a_rollback(self, world: World, accounts: list[str]) -> None:
        world.rebuild()
        world.control(Control.switched)
        world.time.forget()
        first, cursor = self.first_page(world.api)
        world.control(Control.rolled_back)
        world.time.forget()
        assert sorted([*first, *listed(world.api, limit=3, cursor=cursor)]) == sorted(accounts)

    def test_a_cursor_from_a_function_that_has_seen_the_switch_before_this_one(
        self, world: World, accounts: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, _ = self.first_page(world.api)  # this one keeps generation 1 as the live one
        world.rebuild()
        world.control(Control.switched)
        other = in_process_api(monkeypatch, store=world.store, followed=world.followed)
        other_first, cursor = self.first_page(other)
        assert other_first == first
        assert sorted([*first, *listed(world.api, limit=3, cursor=cursor)]) == sorted(accounts)

    def test_a_generation_that_was_dropped(self, world: World, accounts: list[str]) -> None:
        _, cursor = self.first_page(world.api)
        world.rebuild()
        world.control(Control.switched)
        world.control(Control.dropped)
        world.time.forget()
        answer = world.api.get("/accounts", limit=3, cursor=cursor)
        assert (answer.status, answer.problem, answer.json()["field"]) == (400, "invalid-request", "cursor")
        assert "begin again without it" in answer.json()["detail"]
        assert sorted(listed(world.api, limit=3)) == sorted(accounts)

    def test_a_generation_that_is_being_built_is_never_read(self, world: World, accounts: list[str]) -> None:
        world.rebuild()
        world.control(Control.switched)
        world.time.forget()
        _, cursor = self.first_page(world.api)  # of generation 2
        world.control(lambda now: Control(live=1, building=None, newest=2))
        world.control(lambda now: now.started("r", segments=1, at="2026-03-01T12:00:00.000Z"))
        assert world.followed.ports(ACCOUNT_SUMMARIES).control.read().generations == (1, 3)
        world.time.forget()
        assert world.api.get("/accounts", limit=3, cursor=cursor).json()["field"] == "cursor"

    def test_requests_by_id_and_totals_go_to_the_live_one(self, world: World, accounts: list[str]) -> None:
        today = {"from": "2026-03-01", "to": "2026-03-01", "currency": "EUR"}
        before = world.api.get("/totals", **today).json()
        world.rebuild()
        world.followed.still = True
        row = AccountRow(account_id(99), Gate(1, "h", "2026-03-01T12:00:00.000Z"), summary())
        world.write(row, generation=2)
        assert world.api.get("/accounts", ids=account_id(99)).json()["accounts"] == []
        world.control(Control.switched)
        world.time.forget()
        assert len(world.api.get("/accounts", ids=account_id(99)).json()["accounts"]) == 1
        assert world.api.get("/totals", **today).json() == before


class TestPages:
    @given(
        accounts=st.lists(
            st.tuples(st.uuids(version=4), st.sampled_from(["open", "closed"]), st.sampled_from(["EUR", "USD", "JPY"])),
            max_size=60,
            unique_by=lambda each: each[0],
        ),
        limit=st.integers(1, 100),
        status=st.sampled_from(["", "open", "closed"]),
        currency=st.sampled_from(["", "EUR", "USD", "JPY", "ZZZ"]),
    )
    @settings(max_examples=runs(check=15, test=60, soak=1000), deadline=None)
    def test_together_they_are_all_accounts_once(
        self, accounts: list[tuple[uuid.UUID, Any, str]], limit: int, status: str, currency: str
    ) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            world = World(monkeypatch)
            for number, (account, of_status, of_currency) in enumerate(accounts, 1):
                gate = Gate(number, "h", "2026-03-01T12:00:00.000Z")
                world.write(AccountRow(str(account), gate, summary(of_status, of_currency)))
            asked = {"status": status, "currency": currency}
            found = listed(world.api, limit=limit, **{name: value for name, value in asked.items() if value})
        assert sorted(found) == sorted(
            str(account)
            for account, of_status, of_currency in accounts
            if status in {"", of_status} and currency in {"", of_currency}
        )

    def test_an_account_that_closes_between_pages_is_listed_as_what_it_was_or_is(self, world: World) -> None:
        """It moves from the open ones, which come first, to the closed ones: it is never missed, and may come twice."""
        accounts = [world.api.open() for _ in range(6)]
        for moved in accounts:
            page = world.api.get("/accounts", limit=2).json()
            found = [each["account_id"] for each in page["accounts"]]
            world.api.post(f"/accounts/{moved}/close")
            if page["next_cursor"] is not None:
                found += listed(world.api, limit=2, cursor=page["next_cursor"])
            assert set(found) == set(accounts)
            assert set(found) - {moved} == {each for each in accounts if found.count(each) == 1} - {moved}

    def test_a_page_leaves_out_what_has_moved_since_the_index_was_read(self, world: World) -> None:
        accounts = [world.api.open() for _ in range(4)]
        order = listed(world.api, status="open")
        assert sorted(order) == sorted(accounts)
        world.followed.client.stand_still()
        world.api.post(f"/accounts/{order[0]}/close")
        page = world.api.get("/accounts", status="open", limit=2).json()
        assert [each["account_id"] for each in page["accounts"]] == order[1:2]
        assert page["next_cursor"] is not None
        assert listed(world.api, status="open", limit=2, cursor=page["next_cursor"]) == order[2:]

    def test_a_page_may_be_empty_before_the_last(self, world: World) -> None:
        accounts = [world.api.open() for _ in range(2)]
        order = listed(world.api, status="open")
        world.followed.client.stand_still()
        world.api.post(f"/accounts/{order[0]}/close")
        page = world.api.get("/accounts", status="open", limit=1).json()
        assert (page["accounts"], page["next_cursor"] is None) == ([], False)
        assert set(listed(world.api, status="open", limit=1)) == set(accounts) - {order[0]}

    def test_an_account_that_was_stopped_before_its_first_event_is_not_there(self, world: World) -> None:
        stopped = AccountRow[AccountSummary](account_id(5), Gate(0, stopped="it cannot be read"))
        world.write(stopped)
        assert world.api.get("/accounts", ids=account_id(5)).json()["accounts"] == []
        assert world.api.get("/accounts", ids=account_id(5), min_version=1).problem == "version-not-reached"
        assert listed(world.api) == []

    def test_an_account_that_was_stopped_is_shown_as_far_as_it_came(self, world: World) -> None:
        gate = Gate(2, "h", "2026-03-01T12:00:00.000Z", stopped="a fork")
        world.write(AccountRow(account_id(5), gate, summary()))
        (found,) = world.api.get("/accounts", ids=account_id(5)).json()["accounts"]
        assert (found["version"], found["balance"]) == (2, 1)
        assert b"fork" not in world.api.get("/accounts", ids=account_id(5)).body

    def test_what_is_read_is_not_newer_than_what_was_folded(self, world: World) -> None:
        account = world.api.open()
        assert world.api.get("/accounts", ids=account, min_version=1).status == 200
        world.followed.still = True
        world.api.post(f"/accounts/{account}/credit", {"amount": 5})
        (found,) = world.api.get("/accounts", ids=account).json()["accounts"]
        assert (found["version"], found["balance"], found["events"]) == (1, 0, 1)
        assert world.api.get("/accounts", ids=account, min_version=2).problem == "version-not-reached"
        assert world.api.get(f"/accounts/{account}", min_version=2).status == 200
        world.followed.still = False
        (found,) = world.api.get("/accounts", ids=account, min_version=2).json()["accounts"]
        assert (found["version"], found["balance"], found["events"]) == (2, 5, 2)


class TestTotals:
    def add(self, world: World, number: int, key: str, **measures: int) -> None:
        rows = world.followed.ports(DAILY_TOTALS).rows
        after = AccountRow(account_id(number), Gate(1, "h", "2026-03-01T12:00:00.000Z"), LastDay("2026-03-01"))
        rows.save(1, AccountRow(account_id(number)), after, {key: measures}, Deadline())

    def test_sums_are_exact_beyond_any_number_of_json(self, world: World) -> None:
        for number in range(1, 21):
            self.add(world, number, "EUR#2026-03-01", credits=1, credited=9 * 10**15 - number, net=-(9 * 10**15))
        self.add(world, 21, "EUR#2026-03-02", transferred=2**63)
        first, second = world.api.get("/totals", **MARCH).json()["totals"]
        assert (first["credits"], first["credited"], first["net"]) == (20, "179999999999999790", "-180000000000000000")
        assert (first["withdrawn"], first["withdrawals"]) == ("0", 0)
        assert second["transferred"] == "9223372036854775808"

    def test_only_the_days_and_the_currency_asked_for_and_in_order(self, world: World) -> None:
        for number, key in enumerate(
            ["EUR#2026-03-31", "EUR#2026-02-28", "EUR#2026-03-01", "EUR#2026-04-01", "EUA#2026-03-05", "EUS#2026-03-05"]
        ):
            self.add(world, number + 1, key, events=1)
        assert [each["day"] for each in world.api.get("/totals", **MARCH).json()["totals"]] == [
            "2026-03-01",
            "2026-03-31",
        ]

    def test_test_accounts_are_listed_and_counted_nowhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        store = InMemoryEventStore()
        api = in_process_api(monkeypatch, store=store, caller="AROATESTER", test_callers="AROATESTER")
        account = api.open(balance=5, currency="XTS")
        assert listed(api, currency="XTS") == [account]
        days = {"from": "2026-01-01", "to": "2026-12-31"}
        assert api.get("/totals", **days, currency="XTS").json()["totals"] == []


def test_a_command_asks_no_read_model(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(**_: Any) -> NoReturn:
        pytest.fail("a command asked a read model")

    for operation in ("get_item", "query", "batch_get_item", "put_item", "transact_write_items"):
        monkeypatch.setattr(world.followed.client, operation, asked)
    sender, receiver = world.api.open(balance=10), world.api.open()
    world.api.post("/transfers", {"from_account_id": sender, "to_account_id": receiver, "amount": 1})
    assert world.api.get(f"/accounts/{sender}").json()["balance"] == 9
    assert len(world.api.get(f"/accounts/{sender}/events").json()["events"]) == 3
