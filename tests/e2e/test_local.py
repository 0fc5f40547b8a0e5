"""`make run` as a person meets it: the example, the second run, and what goes wrong."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local import system
from local.__main__ import main
from local.emulator import aws
from local.emulator import process as emulator
from local.emulator.ports import HOST, PORT_VARIABLE, choose_port
from local.example.client import Client
from local.example.whereabouts import curl_sequence
from local.machine.environment import Environment
from local.machine.errors import (
    DeployFailedError,
    EmulatorDiedError,
    EmulatorFailedError,
    ExampleFailedError,
    PortInUseError,
)
from local.machine.layout import REPOSITORY, STATE_VARIABLE, Layout
from local.machine.progress import Progress
from local.setup.synth import synthesize
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.alone


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Layout]:
    """A layout of its own, in which nothing is deployed."""
    layout = Layout(tmp_path / "state")
    layout.prepare()
    yield layout
    system.down(layout)


def wait_until_ended(layout: Layout) -> None:
    eventually(lambda: emulator.find(layout) is None, "the end of the emulator", patience=10)


def test_the_environment_file_leads_to_the_api_and_to_both_tables(environment: Environment) -> None:
    client = Client(environment)
    opened = client.post("/accounts", {"currency": "EUR"}, expected=201)
    client.close()

    assert opened.headers["etag"] == '"1"'
    dynamodb = aws.client(environment, "dynamodb")
    for table in (environment.event_table, environment.commands_table):
        assert dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    assert environment.headers == {}


def test_a_second_run_plays_the_example_within_seconds_and_deploys_nothing(
    deployed: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(deployed.state))
    deployed_at = deployed.cdk_log("deploy").stat().st_mtime_ns
    started = time.monotonic()

    assert main(["run"]) == 0

    assert time.monotonic() - started < 25
    assert deployed.cdk_log("deploy").stat().st_mtime_ns == deployed_at
    said = capsys.readouterr().out
    assert "nothing has changed" in said
    assert "version 21: balance 60" in said
    assert "answers balance 50 at version 24" in said
    assert "on version 21, balance 60" in said
    assert str(deployed.environment_file) in said or ".local" in said
    assert "… 18 rows …" in said
    assert "balance 40 at version 23" in said
    assert "urn:daybook:problem:insufficient-funds" in said
    assert re.search(r"make logs CORRELATION_ID=[A-Za-z0-9-]{36}\n", said)
    shown = said.replace(str(deployed.state), ".local")
    *before, pasted, after = re.split(r"\nTry it:\n|\n\n(?=`make sql`)", shown)
    assert "curl" in pasted
    for line in "\n".join([*before, after]).splitlines():
        assert len(line) <= 80, line
        assert line == line.rstrip(), "a table's blanks"
        assert "\033" not in line


def test_the_logs_of_the_functions_can_be_read(
    environment: Environment, deployed: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(deployed.state))
    assert main(["logs"]) == 0
    assert "RequestId" in capsys.readouterr().out


def test_the_logs_of_one_request_are_found_by_its_correlation_id(
    environment: Environment, deployed: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(deployed.state))
    client = Client(environment)
    mine, other = (client.post("/accounts", {"currency": "EUR"}, expected=201) for _ in range(2))
    client.close()
    correlation_id = mine.headers["x-correlation-id"]
    assert correlation_id != other.headers["x-correlation-id"]

    def logged() -> list[dict[str, Any]]:
        assert main(["logs", "--correlation-id", correlation_id]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]

    def answered() -> list[dict[str, Any]]:
        return [each for each in logged() if "route" in each]  # the publisher may have written its line by now, too

    eventually(lambda: bool(answered()), "the request's line to be in the log")
    assert [(each["correlation_id"], each["route"], each["status"]) for each in answered()] == [
        (correlation_id, "/accounts", 201)
    ]
    assert not [each for each in logged() if correlation_id not in json.dumps(each)]

    assert main(["logs", "--correlation-id", "nobody"]) == 0
    assert "No function has written a line with the correlation id nobody." in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("curl") is None, reason="the sequence is made of curl commands")
def test_the_curl_sequence_can_be_pasted(environment: Environment) -> None:
    script = "\n".join(curl_sequence(environment))
    done = subprocess.run(["/bin/sh", "-eu", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    credited, withdrawn, read, earlier, history, followed = done.stdout.strip().split("\n")
    assert '"balance":100' in credited
    assert '"balance":70' in withdrawn
    assert '"balance":70' in read
    assert '"balance":100' in earlier
    assert history.startswith('{"events":[{"version":3,')
    assert json.loads(followed)["status"] in {"PENDING", "SUCCEEDED"}


def test_a_busy_port_is_a_sentence_and_a_status(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "local", "run"],
            cwd=REPOSITORY,
            env={**os.environ, PORT_VARIABLE: port, STATE_VARIABLE: str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert f"Port {port} is in use by another program." in done.stderr
    assert "Traceback" not in done.stderr


def test_another_port_than_the_running_one_is_refused(deployed: Layout) -> None:
    with pytest.raises(PortInUseError, match="already runs on port"):
        system.up(deployed, Progress(), requested_port=1)


def test_an_emulator_that_was_killed_is_not_mistaken_for_a_running_one(
    bare: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(bare.state))
    started = emulator.start(bare, port=choose_port(None))
    assert emulator.find(bare) == started
    assert emulator.is_healthy(started)
    assert not emulator.is_healthy(replace(started, instance="another"))

    os.kill(started.pid, signal.SIGKILL)
    wait_until_ended(bare)

    assert main(["status"]) == 1
    assert "Nothing is running." in capsys.readouterr().err
    gone = Environment(
        api_url=f"{started.endpoint}/restapis/a/v1/_user_request_",
        aws_endpoint_url=started.endpoint,
        region="us-east-1",
        event_table="events",
        commands_table="commands",
        command_processor="processor",
        command_parking_bucket="parked",
        domain_event_stream="domain-events",
        lake_bucket="lake",
        glue_database="db",
        athena_workgroup="group",
        report_bucket="reports",
        athena_endpoint_url="http://127.0.0.1:1",
    )

    def call() -> None:
        Client(gone).get("/accounts/1")

    with pytest.raises(ExampleFailedError, match="got no answer"):
        call()
    with pytest.raises(EmulatorDiedError, match="has ended"):
        system.while_alive(bare, started, call)


def test_a_hanging_emulator_is_stopped_all_the_same(bare: Layout) -> None:
    started = emulator.start(bare, port=choose_port(None))
    os.kill(started.pid, signal.SIGSTOP)
    assert not emulator.is_healthy(started, timeout=0.5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emulator, "_STOP_SECONDS", 0.3)
        assert system.down(bare)
    assert emulator.find(bare) is None
    assert not system.down(bare)


@pytest.mark.parametrize(
    ("program", "patience", "sentence"),
    [
        ("import sys; print('out of luck'); sys.exit(3)", 30.0, "ended at once .exit status 3."),
        ("import time; print('out of luck', flush=True); time.sleep(60)", 1.0, "did not answer at .* within 1 seconds"),
    ],
)
def test_an_emulator_that_does_not_come_up_leaves_its_last_words(
    bare: Layout, program: str, patience: float, sentence: str
) -> None:
    with pytest.raises(EmulatorFailedError, match=sentence) as failed:
        emulator.start(bare, port=choose_port(None), command=[sys.executable, "-c", program], patience=patience)
    assert failed.value.detail == "out of luck"
    assert emulator.find(bare) is None


def test_synthesis_of_an_unknown_environment_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    with pytest.raises(DeployFailedError, match="`cdk synth` failed for qa") as failed:
        synthesize("qa", Progress())
    assert "unknown environment 'qa'" in failed.value.detail
