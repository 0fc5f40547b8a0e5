"""`up` does what is missing, and nothing else."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from local import system
from local.emulator import deployment, ports, read_models
from local.emulator import process as emulator
from local.emulator.process import Emulator
from local.machine.environment import Environment
from local.machine.errors import DeployFailedError, EmulatorDiedError, NotRunningError, PortInUseError
from local.machine.layout import Layout
from local.machine.progress import Progress
from local.setup.fingerprint import PACKAGES, fingerprint

ENVIRONMENT = Environment(
    api_url="http://127.0.0.1:4566/restapis/a/v1/_user_request_",
    aws_endpoint_url="http://127.0.0.1:4566",
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
    athena_endpoint_url="http://127.0.0.1:4567",
)


@dataclass
class Machine:
    """A machine without processes: notes what would be started, stopped and deployed."""

    layout: Layout
    running: Emulator | None = None
    healthy: bool = True
    breaks: str = ""
    done: list[str] = field(default_factory=list)
    said: io.StringIO = field(default_factory=io.StringIO)

    def up(self, requested_port: int | None = None) -> system.System:
        return system.up(self.layout, Progress(self.said), requested_port=requested_port)

    def find(self, _: Layout) -> Emulator | None:
        return self.running

    def is_healthy(self, _: Emulator, **__: float) -> bool:
        return self.healthy

    def start(self, _: Layout, *, port: int, packages: str) -> Emulator:
        self.done.append("start")
        self.running = Emulator(pid=1, port=port, instance=f"instance {len(self.done)}", packages=packages)
        self.healthy = True
        return self.running

    def stop(self, _: Layout) -> bool:
        self.done.append("stop")
        self.running = None
        return True

    def cdk(self, _: Layout, __: Emulator, command: str, *___: str) -> None:
        self._do(command)

    def build(self, environment_file: Path) -> list[str]:
        assert environment_file == self.layout.environment_file
        self._do("build")
        return []

    def _do(self, what: str) -> None:
        self.done.append(what)
        if self.breaks == what:
            raise DeployFailedError(f"`{what}` failed.", detail="why")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    fake = Machine(Layout(tmp_path))
    monkeypatch.setattr(emulator, "find", fake.find)
    monkeypatch.setattr(emulator, "is_healthy", fake.is_healthy)
    monkeypatch.setattr(emulator, "start", fake.start)
    monkeypatch.setattr(emulator, "stop", fake.stop)
    monkeypatch.setattr(deployment, "_cdk", fake.cdk)
    monkeypatch.setattr(read_models, "build", fake.build)
    monkeypatch.setattr(deployment, "environment_from_outputs", lambda *_: ENVIRONMENT)
    monkeypatch.setattr(ports, "choose_port", lambda requested: requested or 4566)
    return fake


def test_the_first_run_does_everything_and_the_second_nothing(machine: Machine) -> None:
    assert machine.up().deployed
    assert machine.done == ["start", "bootstrap", "deploy", "build"]

    second = machine.up()

    assert not second.deployed
    assert second.environment == ENVIRONMENT
    assert machine.done == ["start", "bootstrap", "deploy", "build"]
    assert "nothing has changed" in machine.said.getvalue()


def test_changed_sources_are_deployed_onto_the_running_emulator(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.up()
    monkeypatch.setattr(system, "SOURCES", ("app.py",))
    assert machine.up().deployed
    assert machine.done == ["start", "bootstrap", "deploy", "build", "deploy", "build"]


def unhealthy(machine: Machine) -> None:
    machine.healthy = False


def outdated(machine: Machine) -> None:
    assert machine.running is not None
    machine.running = replace(machine.running, packages="older")


@pytest.mark.parametrize(("change", "note"), [(unhealthy, "does not answer"), (outdated, "packages have changed")])
def test_an_unusable_emulator_is_replaced(machine: Machine, change: Callable[[Machine], None], note: str) -> None:
    machine.up()
    change(machine)
    assert machine.up().deployed
    assert machine.done == ["start", "bootstrap", "deploy", "build", "stop", "start", "bootstrap", "deploy", "build"]
    assert note in machine.said.getvalue()
    assert machine.running is not None
    assert machine.running.packages == fingerprint(PACKAGES)


def test_an_emulator_lost_in_a_crash_is_told(machine: Machine) -> None:
    machine.layout.emulator_file.write_text("{}")
    machine.up()
    assert "ended without `make stop`" in machine.said.getvalue()


def test_the_requested_port_is_used_or_refused(machine: Machine) -> None:
    machine.up(4999)
    assert machine.running is not None
    assert machine.running.port == 4999
    assert not machine.up(4999).deployed
    with pytest.raises(PortInUseError, match="already runs on port 4999, not on 5000"):
        machine.up(5000)


def test_a_failed_deployment_is_tried_again_and_says_how_to_begin_anew(machine: Machine) -> None:
    machine.breaks = "deploy"
    with pytest.raises(DeployFailedError, match=r"^`deploy` failed\.$"):
        machine.up()
    with pytest.raises(DeployFailedError, match="`make stop`, then `make run`") as failed:
        machine.up()
    assert failed.value.detail == "why"
    machine.breaks = ""
    assert machine.up().deployed
    assert machine.done == ["start", "bootstrap", "deploy", "deploy", "deploy", "build"]


def test_read_models_that_were_not_built_are_built_by_the_next_run(machine: Machine) -> None:
    machine.breaks = "build"
    with pytest.raises(DeployFailedError, match="`build` failed"):
        machine.up()
    machine.breaks = ""
    assert machine.up().deployed
    assert machine.done[-1] == "build"
    assert not machine.up().deployed


def test_a_failure_because_the_emulator_died_is_told_as_such(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        machine.running = None
        raise DeployFailedError("`cdk bootstrap` failed.")

    monkeypatch.setattr(deployment, "_cdk", die)
    with pytest.raises(EmulatorDiedError, match="has ended"):
        machine.up()


def test_what_runs_can_be_found_by_other_commands(machine: Machine) -> None:
    with pytest.raises(NotRunningError, match="Nothing is running"):
        system.running(machine.layout)
    machine.up()
    assert system.running(machine.layout).environment == ENVIRONMENT
    machine.layout.environment_file.unlink()
    with pytest.raises(NotRunningError, match="nothing is deployed"):
        system.running(machine.layout)
    machine.healthy = False
    with pytest.raises(EmulatorDiedError, match="does not answer"):
        system.running(machine.layout)
