"""`daybook projections rebuild`: how it begins, goes on where another has died, and ends."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from itertools import count

import pytest

from cli.projections import estimating, starting
from cli.projections.estimating import Units, cost_of
from lambdas.projections.control import Building, Control
from lambdas.projections.estimate import estimate
from local.costs.prices import read_prices
from tests.support.envelopes import printed
from tests.unit.cli.projections.world import ACCOUNTS, MACHINE, SEGMENTS, SUMMARIES, TOTALS, World

ID = re.compile(r"account-summaries-2-\d{8}T\d{6}Z-[0-9a-f]{4}")
GO_ON = "daybook projections rebuild account_summaries --env prod"
FOLLOW = "`daybook projections status account_summaries --follow --env prod`"


def building(world: World) -> Building:
    found = world.control().building
    assert found is not None
    return found


def test_a_rebuild_from_its_price_to_its_end(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()
    world.states.works = world.walk
    assert world.run("rebuild", SUMMARIES, "--yes") == 0
    after = building(world)
    assert (after.generation, after.segments, after.state) == (2, SEGMENTS, "built")
    assert ID.fullmatch(after.rebuild)
    assert world.control().live == 1
    assert world.states.inputs == {
        after.rebuild: {
            "machine": MACHINE.format(prefix="AccountSummaries"), "generation": 2, "rebuild": after.rebuild,
            "segments": [{"segment": number} for number in range(SEGMENTS)], "count": SEGMENTS,
        }
    }  # fmt: skip
    said = capsys.readouterr()
    priced, begun = said.err.splitlines()
    assert re.fullmatch(
        r"account_summaries: at most [\d,]+ read and [\d,]+ write units, \$0.00, for about 0 events; by .*", priced
    )
    assert begun == f"account_summaries: the rebuild {after.rebuild} of generation 2 has begun"
    assert said.out.splitlines() == [
        (
            f"account_summaries: generation 2 is built ({10 * SEGMENTS:,} events, {2.0 * SEGMENTS:,.1f} read and "
            f"{3.0 * SEGMENTS:,.1f} write units). Then:"
        ),
        "  daybook projections compare account_summaries --env prod",
        "  daybook projections switch account_summaries --env prod",
    ]


def test_the_first_one_is_live_at_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.states.works = world.walk
    assert world.run("rebuild", "--all", "--yes", "--json") == 0
    assert world.control().live == world.control(TOTALS).live == 1
    rebuilds = printed("projections", capsys)["data"]["rebuilds"]
    assert [(each["progress"]["name"], each["progress"]["state"], each["how"]) for each in rebuilds] == [
        (SUMMARIES, "built", "begun"),
        (TOTALS, "built", "begun"),
    ]


def test_accounts_that_stopped_in_it_are_told(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()

    def walk(name: str) -> None:
        world.stop(2, ACCOUNTS[0])
        world.walk(name)

    world.states.works = walk
    assert world.run("rebuild", SUMMARIES, "--yes", "--json") == 1
    assert printed("projections", capsys)["problem"]["detail"] == (
        "1 account stopped in generation 2 of account_summaries."
    )


@pytest.mark.parametrize("name", [SUMMARIES, TOTALS])
def test_what_it_takes_is_told_by_the_rows_of_the_read_model_too(
    world: World, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six events of three accounts, and before the first rebuild nobody knows of how many."""
    world.fill()
    world.save(1, ACCOUNTS[0], name=name)
    model = world.models[name]
    unknown = cost_of(model, world.tables.events, SEGMENTS)
    assert (unknown.rows, unknown.model_rows, unknown.likely) == (6, 0, None)
    world.built(name)
    known = cost_of(model, world.tables.events, SEGMENTS)
    assert (known.rows, known.model_rows, known.most) == (6, 2, unknown.most), "an account, and the control row"
    for told, accounts in ((known.most, None), (known.likely, 2)):
        found = estimate(model.projection, rows=6, table_bytes=known.table_bytes, segments=SEGMENTS, accounts=accounts)
        dollars = found.read_units * estimating.READ_DOLLARS + found.write_units * estimating.WRITE_DOLLARS
        assert told == Units(found.read_units, found.write_units, dollars)
    assert world.run("rebuild", name, "--yes", "--no-wait") == 0
    units = r"[\d,]+ read and [\d,]+ write units, \$0.00"
    assert re.match(
        rf"{name}: at most {units}, for about 6 events; by the 2 rows of its read model rather {units}\n",
        capsys.readouterr().err,
    )


def test_an_account_has_an_event(world: World) -> None:
    """A generation that is kept makes two rows of one account."""
    world.built()
    for account in ACCOUNTS:
        world.save(1, account)
        world.save(2, account)
    world.fill()
    found = cost_of(world.models[SUMMARIES], world.tables.events, SEGMENTS)
    assert (found.model_rows, found.likely) == (11, found.most)


def test_without_waiting(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()
    assert world.run("rebuild", SUMMARIES, "--yes", "--no-wait") == 0
    assert building(world).state == "walking"
    assert capsys.readouterr().out == f"It goes on by itself: {FOLLOW} shows how far it is.\n"


def test_ctrl_c_leaves_it_running(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()

    def interrupted(name: str) -> None:
        del name
        raise KeyboardInterrupt

    world.states.works = interrupted
    assert world.run("rebuild", SUMMARIES, "--yes", "--json") == 130
    document = printed("projections", capsys)
    assert document["problem"]["detail"] == f"It goes on by itself: {FOLLOW} shows how far it is."
    assert document["data"]["rebuilds"][0]["progress"]["state"] == "walking"
    assert building(world).state == "walking"


def test_a_second_one_is_refused_by_the_name_of_the_first(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()
    assert world.run("rebuild", SUMMARIES, "--yes", "--no-wait") == 0
    first = building(world)
    capsys.readouterr()
    assert world.run("rebuild", SUMMARIES, "--yes") == 1
    assert capsys.readouterr().err == (
        f"daybook projections: The rebuild {first.rebuild} is under way: "
        "`daybook projections status --follow --env prod` shows how far it is.\n"
    )
    assert building(world) == first


def test_a_second_one_at_the_same_moment_is_refused_by_the_name_of_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both have seen that none is under way."""
    world.built()
    model = world.models[SUMMARIES]
    begin = starting.start

    def late(*words: object) -> None:
        monkeypatch.setattr("cli.projections.rebuilding.start", begin)
        assert world.run("rebuild", SUMMARIES, "--yes", "--no-wait") == 0
        begin(*words)  # type: ignore[arg-type]

    monkeypatch.setattr("cli.projections.rebuilding.start", late)
    assert world.run("rebuild", SUMMARIES, "--yes") == 1
    assert list(world.states.inputs) == [building(world).rebuild]
    assert model.executions.find(building(world).rebuild) is not None
    assert f"The rebuild {building(world).rebuild} is under way" in capsys.readouterr().err


TOO_MANY = {"error": "States.ExceedToleratedFailureThreshold", "cause": "The threshold was exceeded"}
GONE = {"error": "ReadUnavailableError", "cause": '{"errorMessage": "It is\\u001b[2J gone."}'}


@pytest.mark.parametrize(
    ("whole", "segments", "may_list", "cause"),
    [
        (GONE, {}, True, "ReadUnavailableError: It is [2J gone"),
        (TOO_MANY, {"one": GONE}, True, "ReadUnavailableError: It is [2J gone"),
        (TOO_MANY, {"one": GONE}, False, "States.ExceedToleratedFailureThreshold: The threshold was exceeded"),
    ],
)
def test_a_failure_is_told_with_its_cause(
    world: World, whole: dict[str, str], segments: dict[str, dict[str, str]], may_list: bool, cause: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    world.built()
    world.states.segments, world.states.refuses_to_list = segments, not may_list

    def fail(name: str) -> None:
        world.states.ended[name] = {"status": "FAILED", **whole}

    world.states.works = fail
    assert world.run("rebuild", SUMMARIES, "--yes") == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"daybook projections: The rebuild {building(world).rebuild} has ended as FAILED: {cause}. "
        f"Nothing of what it did is lost: `{GO_ON}` goes on with it."
    )


@pytest.mark.parametrize("state", ["walking", "settling"])
def test_it_goes_on_where_another_has_died(world: World, state: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = world.building(2, state)
    world.states.inputs["dead"] = {"machine": MACHINE.format(prefix="AccountSummaries")}
    world.states.ended["dead"] = {"status": "ABORTED"}
    assert world.run("rebuild", SUMMARIES, "--yes", "--no-wait") == 0
    after = building(world)
    assert (after.generation, after.segments, after.state) == (2, before.segments, state)
    assert ID.fullmatch(after.rebuild)
    assert world.states.inputs[after.rebuild]["count"] == before.segments
    assert "goes on with generation 2, where another has died" in capsys.readouterr().err


def test_it_starts_what_was_begun_and_not_started(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever began it was killed between the two requests, or StartExecution was refused."""
    world.built()
    world.states.refuses = "AccessDeniedException"
    assert world.run("rebuild", SUMMARIES, "--yes", "--no-wait") == 3
    begun = building(world)
    world.states.refuses = ""
    assert world.run("rebuild", SUMMARIES, "--yes", "--no-wait") == 0
    assert building(world) == begun
    assert list(world.states.inputs) == [begun.rebuild]
    assert "had been begun and not started: it is now" in capsys.readouterr().err


def test_what_stands_beside_the_live_one_must_go_first(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no switching to one that was live before."""
    world.built(live=2, previous=1)
    assert world.run("rebuild", SUMMARIES, "--yes") == 1
    world.building(3, "built", live=2)
    assert world.run("rebuild", SUMMARIES, "--yes") == 1
    assert capsys.readouterr().err == (
        "daybook projections: Generation 1 is kept, for a rollback: drop it first.\n"
        "daybook projections: Generation 3 is built: switch to it or drop it first.\n"
    )
    assert world.states.inputs == {}


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        (Control(live=1, newest=2), "Generation 2 was dropped while it was built."),
        (
            Control(live=1, newest=2, building=Building(generation=2, rebuild="other", segments=1, started_at="x")),
            "The rebuild other has taken over generation 2.",
        ),
    ],
)
def test_what_others_do_meanwhile(
    world: World, after: Control, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.built()
    world.states.works = lambda _: world.put(after)
    assert world.run("rebuild", SUMMARIES, "--yes") == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"daybook projections: {sentence}"


def test_a_switch_meanwhile_is_no_failure(world: World) -> None:
    world.built()

    def switched(name: str) -> None:
        world.walk(name)
        world.put(world.control().switched())

    world.states.works = switched
    assert world.run("rebuild", SUMMARIES, "--yes") == 0
    assert world.control().live == 2


def test_it_waits_until_the_row_says_so(world: World) -> None:
    """The execution is over only after that."""
    world.built()
    asked = count(1)
    world.states.works = lambda name: world.walk(name) if next(asked) == 4 else None
    assert world.run("rebuild", SUMMARIES, "--yes") == 0
    assert next(asked) == 5


def test_a_no_changes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    world.built()
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert world.run("rebuild", SUMMARIES) == 2
    assert (world.control(), world.states.inputs) == (Control(live=1, newest=1), {})
    priced, asked, *_ = capsys.readouterr().err.splitlines()
    assert "write units, $0.00" in priced
    assert asked.startswith("Rebuild account_summaries in prod? [y/N]")


def test_the_prices_are_those_of_make_costs() -> None:
    prices = read_prices()
    for name, ours in (("read_unit", estimating.READ_DOLLARS), ("write_unit", estimating.WRITE_DOLLARS)):
        assert ours == float(prices.dollars(name) / Decimal(10**6))
