"""The verification as it runs in AWS: the state machine over the deployed system, with a row that was tampered with."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from local.emulator import aws
from local.machine.environment import Environment
from tests.e2e import sealing
from tests.e2e.waiting import eventually
from tests.unit.httpapi.suite.over_http import HttpApi
from tests.unit.httpapi.suite.proofs import proven

pytestmark = pytest.mark.alone

SEGMENTS = 2
PATIENCE_SECONDS = 240.0


@dataclass
class Verified:
    """The deployed system, and runs of its verification."""

    environment: Environment

    def run(self) -> dict[str, Any]:
        """The report of a run that begins now."""
        states, run = aws.client(self.environment, "stepfunctions"), str(uuid.uuid4())
        machine = sealing.outputs(self.environment, "Verification")["VerificationArn"]
        given = {
            "generation": 0, "rebuild": run, "segments": [{"segment": each} for each in range(SEGMENTS)],
            "count": SEGMENTS,
        }  # fmt: skip
        started = states.start_execution(stateMachineArn=machine, name=run, input=json.dumps(given))
        execution = {"executionArn": started["executionArn"]}
        eventually(
            lambda: states.describe_execution(**execution)["status"] != "RUNNING",
            "the verification to end",
            PATIENCE_SECONDS,
        )
        found = states.describe_execution(**execution)
        assert found["status"] == "SUCCEEDED", found
        return self.report(run)

    def report(self, run: str) -> dict[str, Any]:
        """What it has written."""
        bucket, s3 = self.environment.report_bucket, aws.client(self.environment, "s3")
        document = json.loads(s3.get_object(Bucket=bucket, Key=f"verification/{run}/findings.json")["Body"].read())
        assert document["unchecked"] == {}
        return dict(document)


def of_account(report: dict[str, Any], account_id: str) -> set[tuple[str, int]]:
    """Kind and version of what was found of an account; others may have left findings behind."""
    return {(each["kind"], each["version"]) for each in report["findings"] if each["subject"] == account_id}


@pytest.fixture
def verified(environment: Environment) -> Verified:
    return Verified(environment)


def test_a_row_that_was_changed_is_named(verified: Verified, environment: Environment) -> None:
    def seal() -> None:
        sealing.seal(environment)

    api = HttpApi(url=environment.api_url, common_headers=environment.headers, seal=seal)
    account_id = api.open(balance=7)
    api.post(f"/accounts/{account_id}/credit", {"amount": 5})
    proven(api, account_id, 3)
    report = verified.run()
    assert of_account(report, account_id) == set()
    assert report["events"] >= 3
    assert report["log"]["size"] >= 3

    dynamodb, table = aws.client(environment, "dynamodb"), sealing.outputs(environment, "Ledger")["EventTableName"]
    key = {"stream_id": {"S": account_id}, "version": {"N": "2"}}
    row = dynamodb.get_item(TableName=table, Key=key)["Item"]
    dynamodb.put_item(TableName=table, Item=row | {"data": {"S": row["data"]["S"].replace("7", "700")}})
    try:
        assert ("history", 2) in of_account(verified.run(), account_id)
    finally:
        dynamodb.put_item(TableName=table, Item=row)
    assert of_account(verified.run(), account_id) == set()
