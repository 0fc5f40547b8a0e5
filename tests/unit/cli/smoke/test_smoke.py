"""`daybook smoke`: what it prints, in which order, and how it ends."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli.app import main
from cli.aws import AWS
from cli.environments.lake import Target
from cli.environments.place import Place
from cli.errors import PlaceError
from cli.smoke.places import Parts, open_parts
from cli.smoke.trial import new_run, opening_key
from tests.support.envelopes import check
from tests.unit.cli.smoke.parts import FakeFunctions, FakeLake, FakeStream, parts
from tests.unit.httpapi.suite.api import Answer
from tests.unit.smoke.conftest import Tried

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = [
    "open", "credit", "withdraw", "read", "version", "moment", "replay", "stored command",
    "event", "read model", "row in the lake", "named query", "daily report",
]  # fmt: skip


class System(AWS):
    """A test's connections: the whole API, and the rest in this process. What follows a request follows at once."""

    def __init__(self, tried: Tried, **event: Any) -> None:
        self.tried = tried
        self.stream = FakeStream()
        self.functions = FakeFunctions()
        self.lake = FakeLake([[{"found": "1", "events": "3", "missing": "0"}]])
        self.event = event
        self.runs: list[str] = []

    def smoke(self, place: Place, run: str) -> Parts:
        assert place.is_local
        self.runs.append(run)
        self.tried.change = self.publish
        return parts(self.tried, run, self.stream, self.lake, self.functions)

    def publish(self, call: Any, answer: Any) -> Any:
        if call.path.endswith("/commands"):
            self.tried.api.carry_out()
        if call.path.endswith("/credit") and answer.status == 200:
            account = answer.json()
            made = {
                "id": f"{account['account_id']}/{account['version']}",
                "type": "daybook.account.BalanceCredited.v1",
                "streamversion": account["version"],
                "data": {"amount": 100, "currency": "XTS"},
                "correlationid": self.runs[-1],
            } | self.event
            self.stream.put(NOW + timedelta(hours=1), account["account_id"], made)
        return answer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "environment.json"
    path.write_text(json.dumps({"aws_endpoint_url": "http://127.0.0.1:1", "region": "local"}))
    return path


def output(capsys: pytest.CaptureFixture[str]) -> str:
    """What the command printed. The API's function runs in this process, and writes its log here, too."""
    lines = capsys.readouterr().out.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(('{"_aws"', '{"level"')))


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(output(capsys))
    check("smoke", document)
    return document


def ran(system: System, file: Path, *options: str) -> int:
    return main(["smoke", "--environment-file", str(file), *options], connections=system)


def test_it_prints_a_line_for_each_step_with_its_time(
    tried: Tried, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System(tried)
    assert ran(system, file) == 0
    lines = output(capsys).splitlines()
    form = re.compile(r"ok        (.{15})  +\d+\.\d\d s  \S.*")
    assert [form.fullmatch(line)[1].rstrip() for line in lines[:-1]] == NAMES  # type: ignore[index]
    assert re.fullmatch(rf"13 ok in \d+\.\d s, as {system.runs[0]}", lines[-1])


def test_with_json_it_prints_one_document(tried: Tried, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system = System(tried)
    assert ran(system, file, "--json") == 0
    data = printed(capsys)["data"]
    assert [each["name"] for each in data["steps"]] == NAMES
    assert data["correlation_id"] == system.runs[0]


def test_what_failed_and_what_did_not_run_stands_there(
    tried: Tried, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System(tried, correlationid="somebody else's")
    assert ran(system, file) == 1
    told = output(capsys)
    assert re.search(r"^FAILED    event  .* is in the stream$", told, re.MULTILINE)
    assert "          why: it is ('daybook.account.BalanceCredited'" in told
    assert "          look at: the release of the publisher" in told
    for step in ("read model", "row in the lake"):
        assert re.search(rf"^not run   {step} +it needs: event$", told, re.MULTILINE)
    assert "10 ok, 1 FAILED, 2 not run in" in told


@pytest.mark.parametrize("route", ["/accounts", "/credit", "/withdraw", "/commands"])
def test_a_route_that_fails_breaks_no_step(
    tried: Tried, file: Path, capsys: pytest.CaptureFixture[str], route: str
) -> None:
    """What needs it does not run."""
    system = System(tried)
    publish = system.publish
    gone = b"gone"

    def failing(call: Any, answer: Any) -> Any:
        return Answer(500, {}, gone) if call.method == "POST" and call.path.endswith(route) else publish(call, answer)

    system.publish = failing  # type: ignore[method-assign]
    assert ran(system, file, "--json") == 1
    found = {each["name"]: each["status"] for each in printed(capsys)["data"]["steps"]}
    assert list(found) == NAMES
    assert list(found.values()).count("failed") == 1
    assert found["read model"] == ("ok" if route == "/commands" else "not-run")


@pytest.mark.parametrize(
    "event",
    [
        {"type": "daybook.account.BalanceWithdrawn.v1"},
        {"data": {"amount": 99, "currency": "XTS"}},
        {"data": {"amount": 100, "currency": "EUR"}},
    ],
    ids=str,
)
def test_an_event_of_another_content_is_no_success(
    tried: Tried, file: Path, capsys: pytest.CaptureFixture[str], event: dict[str, Any]
) -> None:
    assert ran(System(tried, **event), file, "--json") == 1
    document = printed(capsys)
    assert document["problem"]["exit_status"] == 1
    assert document["problem"]["detail"].startswith("event: the event ")


def test_a_later_schema_of_the_event_is_as_good(tried: Tried, file: Path) -> None:
    assert ran(System(tried, type="daybook.account.BalanceCredited.v2"), file) == 0


def test_without_the_lake_its_row_is_left_out_and_nothing_else(
    tried: Tried, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System(tried)
    assert ran(system, file, "--no-lake", "--json") == 0
    steps_of = {each["name"]: each for each in printed(capsys)["data"]["steps"]}
    assert steps_of["row in the lake"] == {
        "name": "row in the lake", "status": "left-out", "why": "--no-lake was given",
    }  # fmt: skip
    assert [name for name, each in steps_of.items() if each["status"] == "ok"] == [
        name for name in NAMES if name != "row in the lake"
    ]
    assert len(system.lake.asked) == 1


def test_the_report_is_of_a_day_that_is_over(tried: Tried, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = System(tried)
    ran(system, file)
    (invoked,) = system.functions.invoked
    day = json.loads(invoked["Payload"])["date"]
    assert day < datetime.now(UTC).date().isoformat()


def test_accounts_are_one_a_day_and_runs_are_never_two() -> None:
    assert opening_key(NOW) == opening_key(NOW + timedelta(hours=11)) == "smoke-2026-03-01"
    assert opening_key(NOW) != opening_key(NOW + timedelta(hours=12))
    made = {new_run(NOW) for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9._:-]{1,50}", each) for each in made), "keys of requests are a little longer"


@pytest.fixture
def prod(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks with outputs, and clients that are nobody's."""
    monkeypatch.setattr(Place, "output", lambda _, stack, name: f"<{stack} {name}>")
    monkeypatch.setattr(Place, "client", lambda _, service, __: service)
    target = Target(athena_workgroup="workgroup", glue_database="database")
    monkeypatch.setattr(Place, "lake", lambda _: target)


@pytest.mark.usefixtures("prod")
def test_in_aws_it_signs_with_the_callers_own_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    opened = open_parts(Place("prod", tmp_path, "eu-west-1"), FakeLake([]), "run")
    api: Any = opened.api
    assert (api._url, api._region, api._correlation_id) == ("<Api ApiUrl>", "eu-west-1", "run")
    assert api._credentials.get_frozen_credentials()[:3] == ("AKIDOWN", "own", "token")
    lake: Any = opened.lake
    assert (lake._interval, lake._patience) == (600, 1800), "the environment's own"
    assert opened.report_use.policy == "DailyReportPolicyArn of Daybook-prod-Reports"


@pytest.mark.usefixtures("prod")
@pytest.mark.parametrize("lacking", ["credentials", "region"])
def test_without_credentials_or_region_nothing_is_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lacking: str
) -> None:
    class Session:
        region_name = None if lacking == "region" else "eu-west-1"

        def get_credentials(self) -> Any:
            return None if lacking == "credentials" else object()

    monkeypatch.setattr(boto3, "Session", Session)
    with pytest.raises(PlaceError, match=f"there is no {lacking}"):
        open_parts(Place("prod", tmp_path, None), FakeLake([]), "run")
