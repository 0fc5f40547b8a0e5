"""`daybook trace`: what it finds in which order, and what it says of what it does not find."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from cli.errors import QueryFailedError
from lambdas.accounts.commands import CreditAccount, OpenAccount, Transfer
from tests.support.envelopes import printed
from tests.unit.cli.trace.world import World, account, silent, text

A, B, C = account(1), account(2), account(3)
MINE, OTHER = "order-17", "order-1"
OPEN, CREDIT = OpenAccount(currency="EUR"), CreditAccount(amount=987654)
Stages = list[dict[str, Any]]
Run = Callable[..., int]
ROUTE = "/accounts/{account_id}/credit"


@pytest.fixture
def world() -> World:
    world = World()
    world.append(OPEN, A, OTHER)
    world.append(OPEN, B, OTHER)
    return world


@pytest.fixture
def run(world: World, tmp_path: Path) -> Run:
    file = tmp_path / "environment.json"
    file.write_text(json.dumps({"aws_endpoint_url": "http://localhost:1", "region": "eu-west-1"}))
    return lambda *words: main(["trace", *words, "--environment-file", str(file)], connections=world)


@pytest.fixture
def traced(run: Run, capsys: pytest.CaptureFixture[str]) -> Callable[..., Stages]:
    """The stages of a trace that ends well."""

    def traced(*words: str, status: int = 0) -> Stages:
        assert run(*words, "--json") == status
        stages: Stages = printed("trace", capsys)["data"]["stages"]
        return stages

    return traced


def credited(world: World, milliseconds: int = 40) -> str:
    """A credit of A, from its answer to the lake; the id of its event."""
    rows = world.append(CREDIT, A, MINE)
    event = f"{A}/{rows[0].version}"
    world.log(
        "api-logs", milliseconds, "request answered", MINE, method="POST", route=ROUTE, status=200, events=[event],
        xray_trace_id="1-5f-0a",
    )  # fmt: skip
    world.publish(rows, 900)
    world.deliver(rows)
    return event


def names(stages: Stages) -> list[str]:
    return [each["stage"] for each in stages]


def test_a_synchronous_command_is_followed_from_its_answer_to_the_lake(
    world: World, traced: Callable[..., Stages]
) -> None:
    event = credited(world)
    stages = traced(MINE)
    assert names(stages) == ["event", "request", "stream", "publisher", "lake"]
    assert [each["milliseconds"] for each in stages] == [0, 40, 890, 900, None]
    assert all(each["found"] for each in stages)
    recorded, answered, arrived, published, lake = stages
    assert (recorded["time"], recorded["what"], recorded["where"]) == (
        text(world.now), "BalanceCredited recorded", event
    )  # fmt: skip
    assert (answered["what"], answered["where"]) == (f"POST {ROUTE} answered 200", "api-logs")
    assert answered["xray_trace_id"] == "1-5f-0a"
    assert arrived["what"] == "daybook.account.BalanceCredited.v1 arrived"
    assert arrived["where"].startswith("shard-")
    assert published["what"] == f"{event} sent to Kinesis"
    assert (lake["what"], lake["where"]) == (f"{event} is there", f"events/dt={world.now:%Y-%m-%d}/")


def test_the_table_shows_the_stages_and_the_trace_of_x_ray(
    world: World, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    credited(world)
    assert run(MINE) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["stage", "time", "ms", "what", "where"]
    assert [line.split()[0] for line in lines[2:7]] == ["event", "request", "stream", "publisher", "lake"]
    assert lines[-1] == "X-Ray trace 1-5f-0a"
    assert "987654" not in "".join(lines)


def test_a_transfer_is_followed_on_both_accounts(world: World, traced: Callable[..., Stages]) -> None:
    world.append(CREDIT, A, OTHER)
    rows = world.append(Transfer(from_account_id=A, to_account_id=B, amount=1), A, MINE)
    events = [f"{row.stream_id}/{row.version}" for row in rows]
    world.log("api-logs", 40, "request answered", MINE, method="POST", route="/transfers", status=201, events=events)
    world.publish(rows, 900)
    world.deliver(rows, deliveries=2)
    stages = traced(MINE)
    assert sorted(names(stages)) == sorted(["request", *("event", "stream", "publisher", "lake") * 2])
    assert {each["where"] for each in stages if each["stage"] == "event"} == {f"{A}/3", f"{B}/2"}
    assert {each["what"] for each in stages if each["stage"] == "lake"} == {
        f"{each} is there, 2 times" for each in events
    }


def test_a_line_about_several_requests_tells_of_mine_only(world: World, traced: Callable[..., Stages]) -> None:
    rows = world.append(CREDIT, A, MINE)
    others = world.append(CREDIT, B, OTHER)
    world.publish([*others, *rows], 900)
    stages = traced(MINE)
    assert [each["where"] for each in stages if each["stage"] == "event"] == [f"{A}/2"]
    assert [each["what"] for each in stages if each["stage"] == "publisher"] == [f"{A}/2 sent to Kinesis"]


def test_an_id_that_begins_with_mine_is_another(world: World, traced: Callable[..., Stages]) -> None:
    credited(world)
    world.log("api-logs", 60, "request answered", f"{MINE}0", method="GET", route=ROUTE, status=200)
    world.log("publisher-logs", 70, "events were published", [f"{MINE}0"], events=[f"{B}/1"])
    assert sorted(names(traced(MINE))) == sorted(["event", "request", "stream", "publisher", "lake"])


def test_a_stored_command_is_followed_by_its_row(world: World, traced: Callable[..., Stages]) -> None:
    rows = world.append(CREDIT, A, MINE)
    key = "anonymous/k"
    ended = {"status": {"S": "SUCCEEDED"}, "version": {"N": "2"}, "completed_at": {"S": text(world.now)}}
    world.dynamodb.store(A, key, MINE, **ended)
    world.log(
        "processor-logs", 50, "a stored command has ended", MINE,
        account_id=A, command_id=key, status="SUCCEEDED", events=[f"{A}/2"], problem="",
    )  # fmt: skip
    world.publish(rows, 900)
    world.deliver(rows)
    stages = traced(MINE)
    assert names(stages) == ["stored", "event", "processor", "stream", "publisher", "lake"]
    assert (stages[0]["what"], stages[0]["where"]) == ("command stored; it is SUCCEEDED", f"{A} {key}")
    assert stages[2]["what"] == "command ended as SUCCEEDED"


@pytest.mark.parametrize("status", ["PENDING", "SUCCEEDED"])
def test_a_stored_command_that_nobody_logged_is_found_by_its_account(
    world: World, traced: Callable[..., Stages], status: str
) -> None:
    if status == "SUCCEEDED":
        world.append(CREDIT, A, MINE)
        ended = {"status": {"S": status}, "version": {"N": "2"}, "completed_at": {"S": text(world.now)}}
        world.dynamodb.store(A, "anonymous/k", MINE, **ended)
    else:
        world.dynamodb.store(A, "anonymous/k", MINE)
    world.dynamodb.store(A, "anonymous/another", OTHER)
    assert traced(MINE, status=1)[0]["what"].startswith("not found (no function has logged it")
    stages = traced(MINE, "--account", A)
    found = [(each["stage"], each["what"]) for each in stages]
    assert found[0] == ("stored", f"command stored; it is {status}")
    if status == "PENDING":
        assert found[1:] == [("event", "not found (the stored command is not carried out yet)")]
    else:
        assert found[1][0] == "event" or found[1] == ("processor", "command ended as SUCCEEDED")
        assert ("event", "BalanceCredited recorded") in found
        assert ("processor", "command ended as SUCCEEDED") in found


def test_the_row_of_an_invalid_command_may_be_gone(world: World, traced: Callable[..., Stages]) -> None:
    world.log(
        "processor-logs", 50, "a stored command has ended", MINE,
        account_id=A, command_id="x/k", status="REJECTED", events=[], problem="invalid-command",
    )  # fmt: skip
    stages = traced(MINE)
    assert [each["what"] for each in stages] == [
        "command ended as REJECTED (invalid-command)",
        "not found (its row is gone: invalid commands expire)",
        "not found (the command ended as REJECTED)",
    ]


@pytest.mark.parametrize(
    ("method", "status", "more", "answered", "why"),
    [
        (
            "POST",
            422,
            {"problem": "insufficient-funds"},
            "answered 422 (insufficient-funds)",
            "the request was refused",
        ),
        ("GET", 200, {}, "answered 200", "a read appends none"),
        ("GET", 404, {"problem": "account-not-found"}, "answered 404 (account-not-found)", "a read appends none"),
        ("POST", 503, {"problem": "outcome-unknown"}, "answered 503 (outcome-unknown)", "no line names one, and the"),
    ],
)
def test_what_led_to_no_event_says_why(
    world: World, traced: Callable[..., Stages], method: str, status: int, more: dict[str, str], answered: str, why: str
) -> None:
    world.log("api-logs", 40, "request answered", MINE, method=method, route=ROUTE, status=status, **more)
    request, event = traced(MINE)
    assert request["what"] == f"{method} {ROUTE} {answered}"
    assert (event["stage"], event["found"]) == ("event", False)
    assert event["what"].startswith(f"not found ({why}")


def test_an_event_that_no_line_names_is_found_in_the_lake(world: World, traced: Callable[..., Stages]) -> None:
    """As after an answer 503 `outcome-unknown`."""
    rows = world.append(CREDIT, A, MINE)
    world.deliver(rows)
    stages = traced(MINE)
    assert [(each["stage"], each["found"]) for each in stages] == [("event", True), ("lake", True), ("stream", False)]
    assert stages[2]["what"] == "not found (it has not arrived: the publisher may lag, or has parked it)"


def test_a_replay_names_whose_event_it_is_and_follows_it_no_further(
    world: World, traced: Callable[..., Stages]
) -> None:
    credited(world)
    world.log(
        "api-logs", 4000, "request answered", "again", method="POST", route=ROUTE, status=200, events=[f"{A}/2"],
        replayed=True,
    )  # fmt: skip
    event, request = traced("again")
    assert event["what"] == f"BalanceCredited recorded, by an earlier request: {MINE}"
    assert request["what"] == f"POST {ROUTE} answered 200, a replay"


def test_other_lines_are_shown_as_they_are(world: World, traced: Callable[..., Stages]) -> None:
    message = "a command could not be carried out; it will be delivered again"
    world.log("processor-logs", 5, message, MINE, account_id=A, command_id="x/k", reason="ClientError: Throttling")
    world.dynamodb.store(A, "x/k", MINE)
    assert traced(MINE)[1]["what"] == f"{message} (ClientError: Throttling)"


def test_what_is_not_in_the_lake_yet_says_how_long_it_takes(world: World, traced: Callable[..., Stages]) -> None:
    credited(world)
    world.lake.clear()
    lake = traced(MINE)[-1]
    assert (lake["stage"], lake["found"]) == ("lake", False)
    assert "Firehose writes a file every 60 seconds" in lake["what"]


def test_what_is_older_than_the_stream_keeps_is_not_looked_for(world: World, traced: Callable[..., Stages]) -> None:
    credited(world)
    world.kinesis.hours = 24
    world.now += timedelta(hours=24, seconds=1)
    stages = traced(MINE, "--since", "2d")
    (stream,) = [each for each in stages if each["stage"] == "stream"]
    assert stream["what"] == "not found (it is older than the stream's retention of 24 hours)"
    assert world.kinesis.read == 0


def test_the_record_is_found_among_others_by_partition_key_and_version(
    world: World, traced: Callable[..., Stages]
) -> None:
    for number in range(9):
        world.kinesis.arrive(A, [b'{"streamversion":1}', b"no document"], world.now + timedelta(milliseconds=number))
        world.kinesis.arrive(account(50 + number), [b'{"streamversion":2}'], world.now)
    credited(world)
    (stream,) = [each for each in traced(MINE) if each["stage"] == "stream"]
    assert (stream["milliseconds"], stream["found"]) == (890, True)


def test_a_busy_shard_is_read_to_a_bound(
    world: World, traced: Callable[..., Stages], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.trace.stream.MOST_PAGES", 3)
    for _ in range(9):
        world.kinesis.arrive(A, [b'{"streamversion":1}'], world.now)
    credited(world)
    (stream,) = [each for each in traced(MINE) if each["stage"] == "stream"]
    assert "it is not in the first 3 pages of shard-" in stream["what"]
    assert world.kinesis.read == 3


def test_time_that_is_up_is_said(world: World, traced: Callable[..., Stages]) -> None:
    for _ in range(9):
        world.kinesis.arrive(A, [b'{"streamversion":1}'], world.now)
    credited(world)
    found = {each["what"] for each in traced(MINE, "--timeout", "1") if not each["found"]}
    assert any(each.startswith("not found (not all log lines from ") for each in found)


def test_no_more_than_some_events_are_followed(
    world: World, traced: Callable[..., Stages], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.trace.following.MOST_EVENTS", 2)
    for _ in range(5):
        credited(world)
    stages = traced(MINE)
    assert len([each for each in stages if each["stage"] == "stream"]) == 2
    assert "not found (3 more are not followed)" in {each["what"] for each in stages}


@pytest.mark.parametrize("source", ["logs", "kinesis", "lake"])
def test_a_source_that_does_not_answer_stops_no_other(world: World, traced: Callable[..., Stages], source: str) -> None:
    credited(world)
    if source == "lake":
        world.lake_error = QueryFailedError("There is no such table.")
    else:
        getattr(world, source).error = silent(source)
    stages = traced(MINE, status=3)
    (missing,) = [each for each in stages if not each["found"]]
    assert missing["what"].startswith("not found (not read: ")
    assert "event" in names(stages)


def test_nothing_at_all_is_a_finding(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("order", "--json") == 1
    document = printed("trace", capsys)
    assert document["problem"]["detail"].startswith("Nothing has the correlation id order from ")
    assert [each["found"] for each in document["data"]["stages"]] == [False]


def test_logs_and_lake_are_asked_for_the_window_only(world: World, traced: Callable[..., Stages]) -> None:
    credited(world)
    since, until = world.now - timedelta(hours=1), world.now + timedelta(hours=1)
    traced(MINE, "--since", text(since), "--until", text(until))
    assert {(each["startTime"], each["endTime"]) for each in world.logs.asked} == {
        (since.timestamp() * 1000, until.timestamp() * 1000)
    }
    first, last = since.date() - timedelta(days=1), until.date() + timedelta(days=3)
    assert f"dt BETWEEN '{first}' AND '{last}'" in world.statements[0]
    later = ["--since", text(world.now + timedelta(minutes=1)), "--until", text(until)]
    assert "request" not in names(traced(MINE, *later)), "the lake still has it"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "CORRELATION_ID"),
        (['a"b'], "is not a correlation id"),
        (["a" * 65], "is not a correlation id"),
        ([MINE, "--since", "yesterday"], "is not a time"),
        ([MINE, "--since", "0d"], "is not a time"),
        ([MINE, "--since", "2026-03-02", "--until", "2026-03-02"], "--until must be later than --since"),
        ([MINE, "--account", "x"], "is not a UUID"),
        ([MINE, "--timeout", "0"], "is not a number of seconds"),
        ([MINE, "--region", "eu-west-1"], "--region goes with --env"),
    ],
)
def test_wrong_usage(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", *words]) == 2
    assert complaint in capsys.readouterr().err
