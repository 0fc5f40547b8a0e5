"""An answer counts only if it is one: what comes back instead, over real sockets, to the clients that are deployed."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from cli.environments import ledger
from cli.environments.clients import client as operators_client
from cli.environments.lake import Target
from cli.errors import QueryFailedError
from cli.redrive import finding
from cli.redrive.inbox import AGAIN, Clients, Inbox
from cli.redrive.redriver import Redriver
from cli.sql.session import Session
from cli.storage.table_scan import scan
from lambdas.athena.errors import AthenaUnavailableError
from lambdas.athena.queries import Athena
from lambdas.composition.clients import client as reporting_client
from lambdas.composition.inbox import repeating_client
from lambdas.composition.publishing import kinesis_client
from lambdas.eventsourcing.dynamodb import MAX_ATTEMPTS
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.dynamodb_faults import FAILURES, Fault, classify
from lambdas.eventsourcing.errors import OutcomeUnknownError, ReadUnavailableError
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Commit
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.transport import NoAnswerError
from lambdas.inbox.marking import FailureMarker, Mark, mark_all
from lambdas.inbox.stream_records import CommandKey, insert_record
from lambdas.projections.errors import StreamUnavailableError
from lambdas.projections.lag import Lag
from lambdas.projections.stream.measuring import LagMeter
from lambdas.publishing.chain_check import ChainCheck
from lambdas.publishing.kinesis import MAX_FRUITLESS_PASSES, KinesisSender
from lambdas.publishing.packing import Limits, pack
from lambdas.publishing.stream_records import read_batch
from tests.support.backends import NO_WAITING
from tests.support.broken_server import Behaviour, answer, in_turn, serving
from tests.support.clocks import SimulatedTime
from tests.support.commands import command_item
from tests.support.dynamodb_tables import REGION, Tables, store_on
from tests.support.event_rows import ACCOUNT, credited, stream_records
from tests.support.folded_accounts import MemoryTables
from tests.support.stores import as_is

TABLES = Tables("events", "commands")
PUT = b'{"ConsumedCapacity":{"TableName":"events","CapacityUnits":1.0}}'
QUERIED = b'{"Items":[],"Count":0,"ScannedCount":0,"ConsumedCapacity":{"CapacityUnits":0.5}}'
HTML = b"<html><body>Welcome to our network</body></html>"


def checked(body: bytes, *, crc: int | None = None, status: int = 200, encoding: str = "") -> Behaviour:
    """An answer with its checksum, or another one."""
    headers = {"x-amz-crc32": str(zlib.crc32(body) if crc is None else crc)}
    return answer(status, body, headers=headers | ({"Content-Encoding": encoding} if encoding else {}))


NO_ANSWERS: dict[str, Behaviour] = {
    "a page of a middlebox": answer(200, HTML),
    "an empty body": answer(200, b""),
    "an empty object": answer(200, b"{}"),
    "nothing asked for": checked(b'{"Attributes":{}}'),
    "half of it": answer(200, PUT[:-9]),
    "a list": answer(200, b"[]"),
    "bytes that are no text": answer(200, PUT[:-1] + b',"x":"\xff"}'),
    "a number without an end": answer(200, b"[" * 100_000),
    "another checksum": checked(PUT, crc=1),
    "another checksum, of a query": checked(QUERIED, crc=1),
    "another checksum, of a refusal": checked(b'{"__type":"ConditionalCheckFailedException"}', crc=1, status=400),
    "compressed unasked": checked(gzip.compress(PUT), encoding="gzip"),
    "a refusal of a middlebox": answer(403, HTML),
    "a refusal without a type": answer(400, b'{"message":"no"}'),
    "bytes instead of an error": answer(500, b"\xff\xfe"),
    "elsewhere": answer(302, HTML),
}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of nobody, and no proxy between here and the server."""
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": REGION}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda _: None)  # of botocore's own retries


@contextmanager
def served(monkeypatch: pytest.MonkeyPatch, *behaviours: Behaviour) -> Iterator[str]:
    """All services of AWS are this server, which answers in turn and then as at last."""
    with serving(in_turn(*behaviours)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        yield url


def test_a_write_is_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, *NO_ANSWERS.values()):
        client = dynamodb_client()
        for name in NO_ANSWERS:
            with pytest.raises(FAILURES) as raised:
                client.put_item(TableName="t", Item={"a": {"S": "x"}}, ReturnConsumedCapacity="TOTAL")
            assert (type(raised.value), classify(raised.value)) == (NoAnswerError, Fault.UNKNOWN), name


def test_a_commit_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    once = [each for behaviour in NO_ANSWERS.values() for each in (behaviour, checked(PUT))]
    for_ever = [behaviour for behaviour in NO_ANSWERS.values() for _ in range(MAX_ATTEMPTS)]
    commit = Commit("c", (credited(1),))
    with served(monkeypatch, *once, *for_ever):
        store = deployed_store()
        for _ in NO_ANSWERS:
            store.commit(as_is(commit), deadline=Deadline())
        for _ in NO_ANSWERS:
            with pytest.raises(OutcomeUnknownError):
                store.commit(as_is(commit), deadline=Deadline())


@pytest.mark.parametrize("operator", [False, True])
def test_a_read_is_repeated_and_then_unavailable(operator: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lambdas.eventsourcing.dynamodb.Backoff", lambda: NO_WAITING)
    once = [each for behaviour in NO_ANSWERS.values() for each in (behaviour, checked(QUERIED))]
    for_ever = [behaviour for behaviour in NO_ANSWERS.values() for _ in range(MAX_ATTEMPTS)]
    with served(monkeypatch, *once, *for_ever) as url:
        store = ledger.open_store(ledger.Ledger("events", REGION, url)) if operator else deployed_store()
        for _ in NO_ANSWERS:
            assert store.read(ACCOUNT, deadline=Deadline()).rows == []
        for _ in NO_ANSWERS:
            with pytest.raises(ReadUnavailableError):
                store.read(ACCOUNT, deadline=Deadline())


def deployed_store() -> EventStore:
    """On the client that is deployed."""
    return store_on(dynamodb_client(), TABLES, backoff=NO_WAITING)


def test_true_answers_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a checksum as on AWS, and without one as on some emulators."""
    for behaviour in (checked(QUERIED), answer(200, QUERIED)):
        with served(monkeypatch, behaviour):
            assert deployed_store().read(ACCOUNT, deadline=Deadline()).rows == []


def test_the_marker_marks_nothing_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def marker() -> FailureMarker:
        return FailureMarker(repeating_client("dynamodb"), "commands", clock=SimulatedTime().wall)

    record = insert_record(command_item(ACCOUNT, "c", b"{}"))
    for nothing in (HTML, b"{}"):
        with served(monkeypatch, answer(200, nothing)):
            marked = mark_all(marker(), [record])
            assert (marked.failed, len(marked.unmarked)) == ([], 1)
    with served(monkeypatch, *[answer(200, HTML)] * 3, checked(PUT)):
        assert marker().mark(record) is Mark.FAILED, "botocore tries four times"


INBOX = Inbox(commands_table="t", command_parking_bucket="b", command_processor="p")
OPERATORS: dict[str, Callable[[Clients], object]] = {
    "scan": lambda clients: scan(clients.dynamodb, {"TableName": "t"}, list, segments=1),
    "failed on a day": lambda clients: finding.failed_on(clients, INBOX, "2026-03-01"),
    "a row": lambda clients: Redriver(clients, INBOX)._row(CommandKey(ACCOUNT, "c")),
    "a row made pending": lambda clients: Redriver(clients, INBOX)._make_pending(CommandKey(ACCOUNT, "c")),
}


@pytest.mark.parametrize("ask", OPERATORS.values(), ids=OPERATORS)
def test_an_operator_s_request_is_repeated(ask: Callable[[Clients], object], monkeypatch: pytest.MonkeyPatch) -> None:
    for nothing in (HTML, b"{}"):
        with served(monkeypatch, answer(200, nothing), checked(QUERIED), answer(200, nothing)) as url:
            clients = Clients(operators_client("dynamodb", REGION, url, AGAIN), None, None)
            ask(clients)
            with pytest.raises(BotoCoreError, match="no answer"):
                ask(clients)


PUT_RECORDS = {"FailedRecordCount": 0, "Records": [{"SequenceNumber": "1", "ShardId": "0"}]}
NO_PUT_RECORDS: dict[str, bytes] = {
    "HTML": HTML,
    "nothing": b"",
    "an empty object": b"{}",
    "half of it": json.dumps(PUT_RECORDS).encode()[:-5],
    "bytes that are no text": b"\xff",
    "no records": b'{"FailedRecordCount":0,"Records":[]}',
    "neither number nor error": b'{"FailedRecordCount":0,"Records":[{"ShardId":"0"}]}',
    "failures it does not name": b'{"FailedRecordCount":1,"Records":[{"SequenceNumber":"1","ShardId":"0"}]}',
    "an error it does not count": b'{"FailedRecordCount":0,"Records":[{"ErrorCode":"x"}]}',
}


def test_a_record_is_sent_again_until_it_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = read_batch(stream_records([credited(1)]), ChainCheck()).lines[ACCOUNT]
    bodies = [each for body in NO_PUT_RECORDS.values() for each in (body, json.dumps(PUT_RECORDS).encode())]
    bodies += [body for body in NO_PUT_RECORDS.values() for _ in range(MAX_FRUITLESS_PASSES)]
    with served(monkeypatch, *(answer(200, body) for body in bodies)):
        sender = KinesisSender(kinesis_client(), stream="s", backoff=NO_WAITING)
        for name in NO_PUT_RECORDS:
            sent = sender.send([pack(ACCOUNT, lines, Limits())], Deadline())
            assert (sent.events, sent.calls, sent.unsent) == (1, 2, []), name
        for name in NO_PUT_RECORDS:
            sent = sender.send([pack(ACCOUNT, lines, Limits())], Deadline())
            assert (sent.events, sent.calls, sent.unsent) == (0, MAX_FRUITLESS_PASSES, [ACCOUNT]), name
            assert sent.failure


LISTED = (
    b'{"Shards":[{"ShardId":"0","SequenceNumberRange":{"StartingSequenceNumber":"1"},'
    b'"HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"1"}}]}'
)
BEGUN = b'{"ShardIterator":"i"}'
READ = (
    b'{"Records":[{"SequenceNumber":"1","ApproximateArrivalTimestamp":1,"Data":"e30K","PartitionKey":"k"}],'
    b'"MillisBehindLatest":0}'
)
NO_ANSWER_OF_A_STREAM = [HTML, b"", b"{}", b"\xff", b"[]", b'{"Records":', b'{"FailedRecordCount":0}']


@pytest.mark.parametrize("body", NO_ANSWER_OF_A_STREAM)
def test_a_lag_is_measured_by_answers_only(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """What is none is asked for again, until there is a measurement or it is said that there is none."""

    def measured(*bodies: bytes) -> Lag | None:
        with served(monkeypatch, *(answer(200, each) for each in bodies)):
            meter = LagMeter(kinesis_client(), "s", sleep=lambda _: None)
            return meter.measure(MemoryTables(), Deadline(60))

    for bodies in ((LISTED, body, BEGUN, READ), (LISTED, BEGUN, body, READ)):
        lag = measured(*bodies)
        assert lag is not None
        assert (lag.events, lag.more) == (1, False)
    for said in ((body,), (LISTED, body), (LISTED, BEGUN, body)):
        with pytest.raises(StreamUnavailableError):
            measured(*said)


STARTED = b'{"QueryExecutionId":"q"}'
ENDED = b'{"QueryExecution":{"QueryExecutionId":"q","Query":"S","Status":{"State":"SUCCEEDED"}}}'
ROWS = (
    b'{"ResultSet":{"Rows":[{"Data":[{"VarCharValue":"n"}]},{"Data":[{"VarCharValue":"1"}]}],"ResultSetMetadata":'
    b'{"ColumnInfo":[{"Name":"n","Type":"varchar","Precision":0,"Scale":0,"Nullable":"UNKNOWN"}]}}}'
)
NO_ANSWER_OF_ATHENA = [HTML, b"", b"{}", b"\xff", b"[]", b'{"QueryExecutionId":']


def in_doubt_once(bodies: Sequence[bytes]) -> Iterator[Behaviour]:
    """A query for each answer that is none and each place where it can come, and then a query without an end."""
    for body in NO_ANSWER_OF_ATHENA:
        for place in range(len(bodies)):
            yield from (answer(200, each) for each in (*bodies[:place], body, *bodies[place:]))
    yield answer(200, HTML)


def test_athena_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, *in_doubt_once([STARTED, ENDED, ROWS])):
        athena = Athena(reporting_client("athena"), workgroup="w", database="d", sleep=lambda _: None)
        for _ in range(3 * len(NO_ANSWER_OF_ATHENA)):
            assert athena.rows("SELECT 1", lambda: 10.0) == [{"n": "1"}]
        with pytest.raises(AthenaUnavailableError, match="no answer"):
            athena.rows("SELECT 1", lambda: 10.0)


WANTED = {"GetPublicKey": b'{"PublicKey":"MCo="}', "Sign": b'{"Signature":"AA=="}'}


@pytest.mark.parametrize(("operation", "told"), WANTED.items())
@pytest.mark.parametrize("body", [HTML, b"", b"{}", b"\xff"])
def test_key_is_asked_again(monkeypatch: pytest.MonkeyPatch, operation: str, told: bytes, body: bytes) -> None:
    requests = {
        "GetPublicKey": lambda client: client.get_public_key(KeyId="k"),
        "Sign": lambda client: client.sign(KeyId="k", Message=b"m", SigningAlgorithm="ED25519_SHA_512"),
    }
    with served(monkeypatch, answer(200, body), answer(200, told), answer(200, body)):
        client = reporting_client("kms")
        assert requests[operation](client)["ResponseMetadata"]["RetryAttempts"] == 1
        with pytest.raises(NoAnswerError):
            requests[operation](client)


LACKING_INSIDE: list[list[bytes]] = [
    [STARTED, b'{"QueryExecution":{}}'],
    [STARTED, ENDED, b'{"ResultSet":{}}'],
    [STARTED, ENDED, ROWS.replace(b'{"VarCharValue":"1"}', b"")],
]


@pytest.mark.parametrize("bodies", LACKING_INSIDE)
def test_athena_s_answer_that_lacks_something_inside(bodies: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, *(answer(200, each) for each in bodies)), pytest.raises(AthenaUnavailableError):
        Athena(reporting_client("athena"), workgroup="w", database="d").rows("SELECT 1", lambda: 10.0)


def test_sql_asks_athena_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(monkeypatch, *in_doubt_once([STARTED, ENDED, ROWS])) as url:
        session = Session(Target(athena_workgroup="w", glue_database="d", region=REGION, athena_endpoint_url=url))
        for _ in range(3 * len(NO_ANSWER_OF_ATHENA)):
            assert session.run("SELECT 1").rows == [("1",)]
        with pytest.raises(QueryFailedError, match="no answer"):
            session.run("SELECT 1")
    lacking = [b'{"QueryExecution":{}}', STARTED, ENDED, ROWS.replace(b'"Precision":0,', b"")]
    with served(monkeypatch, *(answer(200, each) for each in (STARTED, *lacking))) as url:
        session = Session(Target(athena_workgroup="w", glue_database="d", region=REGION, athena_endpoint_url=url))
        for _ in range(2):
            with pytest.raises(QueryFailedError):
                session.run("SELECT 1")


def test_a_store_on_any_client_wants_the_capacity() -> None:
    """Also on a client that somebody else made."""

    class Empty:
        def __getattr__(self, name: str) -> Any:
            return lambda **_: {"Items": []} if name == "query" else {}

    store = store_on(Empty(), TABLES, backoff=Backoff(sleep=lambda _: None))
    with pytest.raises(OutcomeUnknownError):
        store.commit(as_is(Commit("c", (credited(1),))), deadline=Deadline())
    with pytest.raises(ReadUnavailableError):
        store.read(ACCOUNT, deadline=Deadline())
