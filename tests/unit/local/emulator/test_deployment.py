"""What is deployed is remembered, and its outputs become environment.json."""

from pathlib import Path
from typing import Any

import pytest

from local.emulator import deployment
from local.emulator.deployment import environment_from_outputs, local_api_url
from local.emulator.process import Emulator
from local.machine import files
from local.machine.environment import Environment
from local.machine.errors import DeployFailedError, EnvironmentFileError
from local.machine.layout import Layout

ENDPOINT = "http://127.0.0.1:4566"
EMULATOR = Emulator(pid=1, port=4566, instance="one", packages="", athena_port=4567, api_port=4568)
OUTPUTS: dict[str, Any] = {
    "Daybook-local-Ledger": {
        "EventTableName": "events",
        "CommandsTableName": "commands",
        "CommandParkingBucketName": "parked",
    },
    "Daybook-local-Commands": {"CommandProcessorName": "processor"},
    "Daybook-local-DomainEvents": {"DomainEventStreamName": "domain-events"},
    "Daybook-local-Lake": {
        "LakeBucketName": "lake",
        "GlueDatabaseName": "db",
        "AthenaWorkgroupName": "group",
        "ReportBucketName": "reports",
    },
    "Daybook-local-Api": {"ApiUrl": "https://abc123.execute-api.us-east-1.amazonaws.com/v1/", "Other": "x"},
}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path)
    found.prepare()
    return found


@pytest.fixture
def cdk(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for the command line: notes the commands, and writes the outputs of a deployment."""
    called: list[str] = []

    def play(_: Layout, __: Emulator, command: str, *arguments: str) -> None:
        called.append(command)
        if command == "deploy":
            files.write_json(layout.outputs_file, OUTPUTS)

    monkeypatch.setattr(deployment, "_cdk", play)
    return called


def test_the_outputs_of_all_stacks_become_the_environment() -> None:
    assert environment_from_outputs(OUTPUTS, EMULATOR) == Environment(
        api_url="http://127.0.0.1:4568/restapis/abc123/v1/_user_request_",
        aws_endpoint_url=ENDPOINT,
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
        headers={},
    )


def test_a_missing_output_is_named() -> None:
    with pytest.raises(DeployFailedError, match="no output named ApiUrl"):
        environment_from_outputs({"Ledger": OUTPUTS["Daybook-local-Ledger"]}, EMULATOR)


def test_only_the_address_of_a_rest_api_is_translated() -> None:
    with pytest.raises(DeployFailedError, match="not that of a REST API"):
        local_api_url("https://example.com/", ENDPOINT)


def test_a_deployment_is_current_for_the_same_sources_on_the_same_emulator_only(layout: Layout, cdk: list[str]) -> None:
    assert not deployment.is_bootstrapped(layout, EMULATOR)
    deployment.bootstrap(layout, EMULATOR)
    assert deployment.is_bootstrapped(layout, EMULATOR)
    assert not deployment.is_current(layout, EMULATOR, "sources")

    environment = deployment.deploy(layout, EMULATOR)
    assert not deployment.is_current(layout, EMULATOR, "sources")
    deployment.complete(layout, EMULATOR, "sources")

    assert cdk == ["bootstrap", "deploy"]
    assert Environment.load(layout.environment_file) == environment
    assert deployment.is_current(layout, EMULATOR, "sources")
    assert not deployment.is_current(layout, EMULATOR, "changed sources")
    assert not deployment.is_current(layout, Emulator(pid=2, port=1, instance="two", packages=""), "sources")


def test_a_failed_deployment_is_not_taken_for_the_one_before(
    layout: Layout, cdk: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.deploy(layout, EMULATOR)
    deployment.complete(layout, EMULATOR, "sources")

    def fail(*_: object) -> None:
        raise DeployFailedError("failed")

    monkeypatch.setattr(deployment, "_cdk", fail)
    with pytest.raises(DeployFailedError):
        deployment.deploy(layout, EMULATOR)
    assert not deployment.is_current(layout, EMULATOR, "sources")
    assert deployment.is_bootstrapped(layout, EMULATOR)


def test_a_failing_command_line_shows_the_end_of_its_log(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "cdk_command", lambda *_: ["/bin/sh", "-c", "echo no such stack; exit 7"])
    with pytest.raises(DeployFailedError, match=r"`cdk deploy` failed \(exit status 7\).*cdk-deploy.log") as failed:
        deployment.deploy(layout, EMULATOR)
    assert failed.value.detail == "no such stack"


def test_a_missing_command_line_says_how_to_get_it(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "cdk_command", lambda *_: [str(layout.state / "absent")])
    with pytest.raises(DeployFailedError, match="make install"):
        deployment.bootstrap(layout, EMULATOR)


def test_an_environment_file_may_say_more_but_not_less(tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    environment_from_outputs(OUTPUTS, EMULATOR).save(path)
    files.write_json(path, {**files.read_json(path), "event_bus": "later"})
    assert Environment.load(path).event_table == "events"
    files.write_json(path, {"api_url": "x"})
    with pytest.raises(EnvironmentFileError, match="no athena_endpoint_url, athena_workgroup, aws_endpoint_url"):
        Environment.load(path)
