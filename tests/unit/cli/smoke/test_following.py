"""What follows an event: the stream, the lake and the report, and what is said when one of them fails."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from cli.smoke.report import write_report
from lambdas.athena.errors import QueryFailedError, QueryTimeoutError, ScanLimitError
from lambdas.athena.queries import Athena
from lambdas.smoke.steps import StepFailedError
from tests.unit.cli.smoke.parts import FakeFunctions, FakeLake, FakeStream, FakeTime, lake, use, watch

A, B = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10", "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = date(2026, 3, 1)


def denied(operation: str, code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "User x is not authorized"}}, operation)


def event(version: int) -> dict[str, Any]:
    return {"streamversion": version, "id": f"{A}/{version}"}


@pytest.mark.parametrize("shard", ["", "parent"], ids=["its shard", "before the split"])
def test_an_event_is_found_in_its_shard_behind_others(shard: str) -> None:
    stream, time = FakeStream(), FakeTime()
    stream.put(NOW - timedelta(minutes=2), A, event(2))  # another one of that version, before: of a lost history
    stream.put(NOW, B, {**event(2), "id": f"{B}/2"}, shard=shard)
    stream.put(NOW, A, event(1), shard=shard)
    stream.put(NOW, A, event(2), event(3), shard=shard)
    for version in (2, 3):
        assert watch(stream, time).find(A, version, NOW) == event(version)
    assert set(stream.begun.values()) == {NOW - timedelta(minutes=1)}


def test_only_shards_that_can_hold_the_account_are_read() -> None:
    stream = FakeStream()
    stream.put(NOW, A, event(2))
    watch(stream, FakeTime()).find(A, 2, NOW)
    assert len(stream.begun) == 2, "the parent and one of its parts"


def test_an_event_that_comes_later_is_waited_for() -> None:
    stream, time = FakeStream(), FakeTime()
    time.meanwhile = lambda: stream.put(NOW, A, event(2))
    assert watch(stream, time).find(A, 2, NOW) == event(2)


def test_a_later_event_is_not_taken_for_one_that_is_missing() -> None:
    stream = FakeStream()
    stream.put(NOW, A, event(3))
    with pytest.raises(StepFailedError, match="did not come within"):
        watch(stream, FakeTime()).find(A, 2, NOW)


def test_an_event_that_does_not_come_has_a_deadline() -> None:
    time = FakeTime()
    with pytest.raises(StepFailedError) as failed:
        watch(FakeStream(), time).find(A, 2, NOW)
    assert failed.value.what == f"version 2 of {A} was looked for in the stream events"
    assert failed.value.why == "it did not come within 60 seconds"
    assert "dead-letter bucket" in failed.value.look_at
    assert 60 <= time.now < 62


@pytest.mark.parametrize("operation", ["ListShards", "GetShardIterator", "GetRecords"])
def test_a_refusal_of_the_stream_names_the_action(operation: str) -> None:
    def refuse(called: str) -> None:
        if called == operation:
            raise denied(operation)

    stream = FakeStream()
    stream.fault = refuse
    with pytest.raises(StepFailedError) as failed:
        watch(stream, FakeTime()).find(A, 2, NOW)
    assert failed.value.look_at == (
        f"the caller's policies: it needs kinesis:{operation} on the kinesis thing, "
        "which the policy of the output kinesisPolicyArn of Daybook-dev-X gives"
    )


def test_a_key_that_may_not_be_used_is_named() -> None:
    stream = FakeStream()

    def refuse(called: str) -> None:
        if called == "GetRecords":
            raise denied(called, "KMSAccessDeniedException")

    stream.fault = refuse
    with pytest.raises(StepFailedError) as failed:
        watch(stream, FakeTime()).find(A, 2, NOW)
    assert "it needs kms:Decrypt on" in failed.value.look_at


def test_another_error_of_the_stream_is_told_as_it_is() -> None:
    stream = FakeStream()

    def fail(called: str) -> None:
        raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no stream"}}, called)

    stream.fault = fail
    with pytest.raises(StepFailedError) as failed:
        watch(stream, FakeTime()).find(A, 2, NOW)
    assert failed.value.why == "ListShards ended in ResourceNotFoundException: no stream"
    assert "policies" not in failed.value.look_at


def test_no_answer_is_told() -> None:
    stream = FakeStream()

    def fail(_: str) -> None:
        raise EndpointConnectionError(endpoint_url="https://kinesis")

    stream.fault = fail
    with pytest.raises(StepFailedError, match="EndpointConnectionError"):
        watch(stream, FakeTime()).find(A, 2, NOW)


def test_a_row_is_waited_for_and_only_its_partitions_are_read() -> None:
    queries, time = FakeLake([[{"found": "0"}], [{"found": "0"}], [{"found": "1"}]]), FakeTime()
    assert lake(queries, time).find(f"{A}/2", DAY) == 30
    assert time.slept == [15, 15], "a fortieth of the interval of files"
    assert set(queries.asked) == {
        f"SELECT count(*) AS found FROM events WHERE dt BETWEEN '2026-02-28' AND '2026-03-02' AND id = '{A}/2'"
    }


def test_a_row_that_does_not_come_has_a_deadline_of_the_environment() -> None:
    time = FakeTime()
    with pytest.raises(StepFailedError, match="did not come within 1800 seconds, and files come every 600"):
        lake(FakeLake([[{"found": "0"}]]), time).find(f"{A}/2", DAY)
    assert 1800 < time.now < 1830


def test_the_named_query_tells_what_it_found() -> None:
    queries = FakeLake([[{"day": "2026-03-01", "events": "7", "missing": "1"}]])
    assert lake(queries, FakeTime()).reconcile(DAY) == "7 events of the day, 1 missing between them"
    assert "DATE '2026-03-01'" in queries.asked[0]
    assert lake(FakeLake([[]]), FakeTime()).reconcile(DAY) == "no event of the day yet"


@pytest.mark.parametrize(
    ("operation", "before"),
    [
        ("StartQueryExecution", 0),
        ("GetQueryExecution", 1),
        ("GetQueryResults", 2),
    ],
)
def test_a_refusal_of_athena_names_the_action(operation: str, before: int) -> None:
    client = boto3.client("athena", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    calls = ["start_query_execution", "get_query_execution", "get_query_results"]
    answers: list[dict[str, Any]] = [
        {"QueryExecutionId": "1"},
        {"QueryExecution": {"Status": {"State": "SUCCEEDED"}}},
    ]
    with Stubber(client) as stubbed:
        for name, answer in zip(calls[:before], answers, strict=False):
            stubbed.add_response(name, answer)
        stubbed.add_client_error(calls[before], "AccessDeniedException", "not authorized")
        athena = Athena(client, workgroup="w", database="d", sleep=lambda _: None)
        with pytest.raises(StepFailedError) as failed:
            lake(athena, FakeTime()).reconcile(DAY)
    assert f"it needs athena:{operation} on the athena thing" in failed.value.look_at


@pytest.mark.parametrize(
    ("error", "look_at"),
    [
        (QueryFailedError("query 1 ended FAILED: Access Denied (S3, 403)"), "Lake Formation"),
        (QueryFailedError("query 1 ended FAILED: Insufficient permissions to execute the query"), "Lake Formation"),
        (QueryFailedError("query 1 ended FAILED: line 1:8: no such column"), "Athena's history of queries"),
        (QueryTimeoutError("query 1 did not end in time"), "Athena's history of queries"),
        (ScanLimitError("query 1 was cancelled after 9 bytes"), "Athena's history of queries"),
    ],
    ids=str,
)
def test_what_athena_tells_of_a_query_is_told(error: Exception, look_at: str) -> None:
    with pytest.raises(StepFailedError) as failed:
        lake(FakeLake([error]), FakeTime()).find(f"{A}/2", DAY)
    assert failed.value.why == str(error)
    assert look_at in failed.value.look_at


def test_the_report_is_written_by_the_deployed_function() -> None:
    functions = FakeFunctions()
    assert write_report(functions, "report", DAY, use("lambda")) == "2 files of 2026-03-01"
    assert functions.invoked == [
        {
            "FunctionName": "report",
            "Qualifier": "live",
            "InvocationType": "RequestResponse",
            "Payload": b'{"date": "2026-03-01"}',
        }
    ]


@pytest.mark.parametrize(
    ("functions", "why"),
    [
        (
            FakeFunctions({"errorType": "ReportsFailedError", "errorMessage": "no rows"}, error="Unhandled"),
            "ReportsFailedError: no rows",
        ),
        (FakeFunctions(b"", error="Unhandled"), "an error: "),
        (FakeFunctions({"files": []}), "it told of no file: '{\"files\": []}'"),
        (FakeFunctions(b"\xff"), "it told of no file"),
        (FakeFunctions(b"[1]"), "it told of no file"),
        (FakeFunctions(fault=EndpointConnectionError(endpoint_url="https://lambda")), "EndpointConnectionError"),
    ],
    ids=["raised", "no body", "no files", "no text", "no object", "no answer"],
)
def test_a_report_that_is_not_written(functions: FakeFunctions, why: str) -> None:
    with pytest.raises(StepFailedError) as failed:
        write_report(functions, "report", DAY, use("lambda"))
    assert failed.value.why.startswith(why)
    assert failed.value.look_at


def test_who_may_not_invoke_the_function_learns_the_actions_own_name() -> None:
    with pytest.raises(StepFailedError) as failed:
        write_report(FakeFunctions(fault=denied("Invoke")), "report", DAY, use("lambda"))
    assert "it needs lambda:InvokeFunction on the lambda thing" in failed.value.look_at


def test_events_of_other_accounts_in_the_same_shard_are_no_json_of_ours() -> None:
    """A record of another account is not even read."""
    stream = FakeStream()
    stream.put(NOW, A, event(2))
    for name, held in stream.records.items():
        held.insert(0, (NOW, B, b"no JSON"))
        assert name
    assert watch(stream, FakeTime()).find(A, 2, NOW)["id"] == json.loads(json.dumps(event(2)))["id"]
