"""The proxy between a client of Athena and the emulator, over HTTP: who is told what."""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.athena import answers, service
from local.athena.answers import Asked
from local.athena.footers import Snapshot
from local.athena.proxy import Proxy
from local.athena.scanning import DataFile
from local.athena.service import Service
from local.athena.tables import Table

TABLES = {
    "events": Table("db", "events", {"id": "string", "at": "timestamp", "dt": "string"}, location="s3://lake/events/"),
    "empty": Table("db", "empty", {"data": "struct<n:bigint>"}, location="s3://lake/empty/"),
    "seen": Table("db", "seen", {"id": "string"}, view_sql="SELECT DISTINCT id FROM events"),
}
FILES = {"s3://lake/events/": [DataFile({"dt": "2026-03-01"}, {"id": 500, "at": 70})], "s3://lake/empty/": []}


class Emulator(ThreadingHTTPServer):
    """Answers like an Athena that succeeds, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.sent: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.state = {"State": "SUCCEEDED", "StateChangeReason": ""}


class _Answers(BaseHTTPRequestHandler):
    server: Emulator

    def do_POST(self) -> None:
        action = self.headers["X-Amz-Target"].rpartition(".")[2]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.headers.append(dict(self.headers.items()))
        answer: dict[str, Any] = {"echo": body}
        if action == "StartQueryExecution":
            self.server.sent.append(body)
            answer = {"QueryExecutionId": str(len(self.server.sent))}
        elif action == "GetQueryExecution":
            place = {"OutputLocation": f"s3://results/q/{body['QueryExecutionId']}.csv"}
            answer = {
                "QueryExecution": {
                    **body,
                    "Query": "translated",
                    "Status": self.server.state,
                    "Statistics": {},
                    "ResultConfiguration": place,
                }
            }
        elif action == "GetQueryResults":
            values = ["2026-03-01 10:00:00", "{'currency': 'EUR', 'amount': None}", "x"]
            kinds = ["timestamp", "row", "varchar"]
            answer = {
                "ResultSet": {
                    "Rows": [
                        *({"Data": [{"VarCharValue": text} for text in row]} for row in (kinds, values)),
                        {"Data": [{}, {}, {}]},
                    ],
                    "ResultSetMetadata": {"ColumnInfo": [{"Name": kind, "Type": kind} for kind in kinds]},
                }
            }  # fmt: skip
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...


class Workgroups:
    """Knows one workgroup's scan cut-off."""

    limit: int | None = None

    def get_work_group(self, WorkGroup: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        limit = {} if self.limit is None else {"BytesScannedCutoffPerQuery": self.limit}
        return {"WorkGroup": {"Configuration": limit}}


class Bucket:
    """A client of S3 that holds the files which the emulator writes for every query."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def result(self, query: str, content: bytes, metadata: bytes) -> None:
        self.objects["results", f"q/{query}.csv/{query}.csv"] = content
        self.objects["results", f"q/{query}.csv/{query}.csv.metadata"] = metadata

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803 - boto3's names
        assert (Bucket, Key) not in self.objects
        assert ContentType == "text/csv"
        self.objects[Bucket, Key] = Body


class Footers:
    def __init__(self, _: object) -> None: ...

    def snapshot(self, location: str) -> Snapshot:
        return Snapshot(FILES[location], [Path("/kept/1.parquet")])


class Client:
    def __init__(self, proxy: Proxy) -> None:
        self._port = proxy.server_port

    def call(self, action: str, **body: object) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"X-Amz-Target": f"AmazonAthena.{action}", "Authorization": "signed"}
        connection.request("POST", "/", body=json.dumps(body), headers=headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def start(self, sql: str) -> tuple[int, dict[str, Any]]:
        context = {"Database": "db"}
        return self.call("StartQueryExecution", QueryString=sql, QueryExecutionContext=context, WorkGroup="group")

    def execution(self, sql: str) -> dict[str, Any]:
        status, answer = self.start(sql)
        assert status == 200
        found: dict[str, Any] = self.call("GetQueryExecution", **answer)[1]["QueryExecution"]
        return found


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def workgroups() -> Workgroups:
    return Workgroups()


@pytest.fixture
def bucket() -> Bucket:
    found = Bucket()
    for number in range(1, 9):
        found.result(str(number), b"id\r\nx\r\n", b"id\nvarchar")
    return found


@pytest.fixture
def client(
    emulator: Emulator, workgroups: Workgroups, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    monkeypatch.setattr(service, "read_tables", lambda _, database: TABLES if database == "db" else {})
    monkeypatch.setattr(service, "Footers", Footers)
    proxied = Service(glue=None, s3=bucket, athena=workgroups)
    url = f"http://127.0.0.1:{emulator.server_port}"
    with Proxy(("127.0.0.1", 0), emulator=url, instance="me", service=proxied) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
        yield Client(proxy)
        proxy.shutdown()


def test_a_statement_goes_on_in_duckdbs_sql_with_views_put_in(client: Client, emulator: Emulator) -> None:
    execution = client.execution("SELECT date_format(max(at), '%Y') AS y FROM seen, events")
    (sent,) = emulator.sent
    assert "STRFTIME" in sent["QueryString"]
    assert "SELECT DISTINCT id FROM (SELECT * REPLACE (DATE_TRUNC('MILLISECOND', " in sent["QueryString"]
    assert "FROM READ_PARQUET(['/kept/1.parquet']," in sent["QueryString"]
    assert "hive_types = {'dt': VARCHAR})) AS events" in sent["QueryString"]
    assert (sent["WorkGroup"], sent["QueryExecutionContext"]) == ("group", {"Database": "db"})
    assert emulator.headers[0]["Authorization"] == "signed"
    assert execution["Query"] == "SELECT date_format(max(at), '%Y') AS y FROM seen, events"
    assert execution["Statistics"]["DataScannedInBytes"] == 500 + 70
    assert execution["Status"]["State"] == "SUCCEEDED"


def test_what_does_not_parse_is_refused_at_once(client: Client, emulator: Emulator) -> None:
    status, answer = client.start("selec 1")
    assert status == 400
    assert answer["__type"] == "InvalidRequestException"
    assert answer["Message"].startswith("line 1:")
    assert emulator.sent == []


def test_an_unknown_table_fails_the_query(client: Client) -> None:
    status = client.execution("SELECT * FROM nope")["Status"]
    assert status["State"] == "FAILED"
    assert status["StateChangeReason"] == "TABLE_NOT_FOUND: Table 'awsdatacatalog.db.nope' does not exist"


def test_a_query_above_the_workgroups_limit_is_cancelled_and_not_run(
    client: Client, workgroups: Workgroups, emulator: Emulator
) -> None:
    workgroups.limit = 500
    assert client.execution("SELECT id FROM events")["Status"]["State"] == "SUCCEEDED"
    execution = client.execution("SELECT id, at FROM events")
    assert execution["Status"] == {"State": "CANCELLED", "StateChangeReason": answers.SCAN_LIMIT}
    assert emulator.sent[-1]["QueryString"] == "SELECT 1"


def test_the_limit_holds_for_a_statement_that_cannot_be_planned(
    client: Client, workgroups: Workgroups, emulator: Emulator
) -> None:
    sql = "SELECT id, nope FROM events"
    assert client.execution(sql)["Statistics"]["DataScannedInBytes"] == 570, "all there is, since any of it may be read"
    assert "nope" in emulator.sent[-1]["QueryString"], "the emulator says what is wrong"
    workgroups.limit = 569
    execution = client.execution(sql)
    assert execution["Status"] == {
        "State": "FAILED",
        "StateChangeReason": "COLUMN_NOT_FOUND: Column 'nope' cannot be resolved",
    }
    assert emulator.sent[-1]["QueryString"] == "SELECT 1"


def test_what_is_not_read_does_not_count_when_a_statement_cannot_be_planned(client: Client) -> None:
    assert client.execution("SELECT nope(1)")["Statistics"]["DataScannedInBytes"] == 0


def test_a_table_without_files_keeps_its_types(client: Client, emulator: Emulator) -> None:
    client.execution("SELECT data.n FROM empty")
    assert "STRUCT(n BIGINT)" in emulator.sent[0]["QueryString"]


def test_a_failure_of_the_emulator_is_one_line(client: Client, emulator: Emulator) -> None:
    emulator.state = {
        "State": "FAILED",
        "StateChangeReason": 'Binder Error: Referenced column "x" not found in FROM\nLINE 1',
    }
    status = client.execution("SELECT x FROM events")["Status"]
    assert status["StateChangeReason"] == "COLUMN_NOT_FOUND: Column 'x' cannot be resolved"
    assert answers.reason("Out of Memory Error: no\nmore") == "Out of Memory Error: no"


def test_values_are_written_as_athena_writes_them(client: Client) -> None:
    heading, row, nulls = client.call("GetQueryResults", QueryExecutionId="1")[1]["ResultSet"]["Rows"]
    assert [each["VarCharValue"] for each in heading["Data"]] == ["timestamp", "row", "varchar"]
    assert [each["VarCharValue"] for each in row["Data"]] == [
        "2026-03-01 10:00:00.000", "{currency=EUR, amount=null}", "x"
    ]  # fmt: skip
    assert nulls["Data"] == [{}, {}, {}]


def test_other_calls_go_through_as_they_are(client: Client) -> None:
    assert client.call("ListWorkGroups", MaxResults=5) == (200, {"echo": {"MaxResults": 5}})


def test_an_emulator_that_is_gone_is_an_answer(client: Client, emulator: Emulator) -> None:
    emulator.shutdown()
    emulator.server_close()
    status, answer = client.call("ListWorkGroups")
    assert (status, answer["__type"]) == (500, "InternalServerException")


def test_an_execution_that_was_not_asked_here_stays_as_it_is(client: Client) -> None:
    found = client.call("GetQueryExecution", QueryExecutionId="another")[1]["QueryExecution"]
    assert found["Query"] == "translated"
    assert answers.execution(found, Asked("SELECT 1"))["Query"] == "SELECT 1"


def test_the_result_file_is_where_the_answer_says_and_as_athena_writes_it(client: Client, bucket: Bucket) -> None:
    content = 't,n,m,b,r\r\n"a,""b\n",,2026-03-01 10:00:00,True,{\'x\': 1}\r\n'
    bucket.result("1", content.encode(), b"t,n,m,b,r\nvarchar,varchar,timestamp,boolean,row")
    status, answer = client.start("SELECT id FROM seen")
    assert status == 200
    for _ in range(2):
        execution = client.call("GetQueryExecution", **answer)[1]["QueryExecution"]
        place = urlsplit(execution["ResultConfiguration"]["OutputLocation"])
        assert bucket.objects[place.netloc, place.path.lstrip("/")] == (
            b'"t","n","m","b","r"\n"a,""b\n",,"2026-03-01 10:00:00.000","true","{x=1}"\n'
        )


def test_no_file_is_written_of_what_failed_or_was_refused(
    client: Client, bucket: Bucket, emulator: Emulator, workgroups: Workgroups
) -> None:
    before = dict(bucket.objects)
    emulator.state = {"State": "FAILED", "StateChangeReason": "no"}
    client.execution("SELECT id FROM seen")
    emulator.state = {"State": "SUCCEEDED", "StateChangeReason": ""}
    workgroups.limit = 1
    client.execution("SELECT id FROM seen")
    assert bucket.objects == before
