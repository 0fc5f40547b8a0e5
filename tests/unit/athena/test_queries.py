"""Asking Athena: waiting, paging, and a sentence for each way to fail."""

from __future__ import annotations

import pytest
from botocore.exceptions import EndpointConnectionError

from lambdas.athena.errors import AthenaUnavailableError, QueryFailedError, QueryTimeoutError, ScanLimitError
from lambdas.athena.queries import FIRST_PAUSE, LONGEST_PAUSE, countdown
from tests.unit.reporting.days import FakeAthena, athena, client_error

ROWS = [{"a": str(number), "b": None} for number in range(7)]


def plenty() -> float:
    return 1000.0


@pytest.mark.parametrize("page_size", [1, 2, 7, 8, 1000])
def test_rows_of_all_pages_without_the_header(page_size: int) -> None:
    client = FakeAthena(ROWS, page_size=page_size)
    assert athena(client).rows("SELECT 1", plenty) == ROWS
    assert client.started == [
        {"QueryString": "SELECT 1", "QueryExecutionContext": {"Database": "lake"}, "WorkGroup": "reports"}
    ]


def test_no_rows() -> None:
    assert athena(FakeAthena([])).rows("SELECT 1", plenty) == []


def test_pauses_grow_up_to_a_bound() -> None:
    pauses: list[float] = []
    states = [{"State": "RUNNING"}] * 9 + [{"State": "SUCCEEDED"}]
    athena(FakeAthena(ROWS, states=states), pauses.append).rows("SELECT 1", plenty)
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_a_query_that_outlives_its_time_is_stopped() -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    client = FakeAthena(ROWS, states=[{"State": "RUNNING"}])
    with pytest.raises(QueryTimeoutError, match="did not end in time and was stopped"):
        athena(client, sleep).rows("SELECT 1", countdown(10, lambda: now[0]))
    assert client.stopped == ["0"]
    assert 7 < now[0] <= 10


def test_a_query_that_cannot_be_stopped_is_still_reported_as_late(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FakeAthena(ROWS, states=[{"State": "RUNNING"}])

    def fail(**_: str) -> None:
        raise client_error("InternalServerException", "no")

    monkeypatch.setattr(client, "stop_query_execution", fail)
    with pytest.raises(QueryTimeoutError):
        athena(client).rows("SELECT 1", lambda: 0.0)


def test_a_failed_query_says_why() -> None:
    failed = {"State": "FAILED", "StateChangeReason": "SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved"}
    with pytest.raises(QueryFailedError, match="ended FAILED: SYNTAX_ERROR: line 1:8: Column 'x'"):
        athena(FakeAthena(ROWS, states=[failed])).rows("SELECT x", plenty)


def test_a_cancelled_query_without_a_reason() -> None:
    with pytest.raises(QueryFailedError, match="ended CANCELLED: no reason given") as failure:
        athena(FakeAthena(ROWS, states=[{"State": "CANCELLED"}])).rows("SELECT x", plenty)
    assert not isinstance(failure.value, ScanLimitError)


@pytest.mark.parametrize("state", ["CANCELLED", "FAILED"])
def test_the_scan_cut_off_has_a_sentence_of_its_own(state: str) -> None:
    status = {"State": state, "StateChangeReason": "Query cancelled! : Bytes scanned limit was exceeded"}
    with pytest.raises(ScanLimitError, match="after 12,345,678 bytes: it passed the scan cut-off of workgroup reports"):
        athena(FakeAthena(ROWS, states=[status], scanned=12345678)).rows("SELECT x", plenty)


def test_a_refused_query_and_an_athena_that_cannot_be_asked() -> None:
    client = FakeAthena(ROWS)
    client.refusal = client_error("InvalidRequestException", "mismatched input 'SELCT'")
    with pytest.raises(QueryFailedError, match="Athena refuses the query: mismatched input 'SELCT'"):
        athena(client).rows("SELCT", plenty)
    for refusal in (client_error("TooManyRequestsException", "slow down"), EndpointConnectionError(endpoint_url="x")):
        client.refusal = refusal
        with pytest.raises(AthenaUnavailableError, match="the request to Athena failed"):
            athena(client).rows("SELECT 1", plenty)
