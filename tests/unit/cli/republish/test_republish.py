"""`daybook republish`: rows and parked records once more, in order, and whatever cannot be sent is named."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from msgspec.structs import replace

from cli.app import main
from cli.aws import AWS
from cli.environments import lake as lake_places
from cli.environments import place as places
from cli.environments.lake import Target
from cli.environments.ledger import Ledger
from cli.environments.place import Place
from cli.errors import PlaceError
from cli.options import Where
from cli.republish import places as republish
from cli.republish import republisher as republishing
from cli.republish.parked_records import Replayed, records_of, replay
from cli.republish.places import Parts
from cli.republish.recorded_events import Recorded, Span
from cli.republish.republisher import NotSentError, Resender, resend, spans_of
from cli.storage.parked import ParkingBucket
from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Commit, EventRow
from lambdas.eventsourcing.store import Page
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.packing import Limits
from tests.support.envelopes import printed
from tests.support.event_rows import ACCOUNT, account_id, chained, credited, follow, stream_record, stream_records
from tests.support.fake_dynamodb import client_error
from tests.support.publishing import FakeKinesis
from tests.support.stores import as_is

OTHER = account_id(2)
NO_WAITING = Backoff(sleep=lambda _: None)
BROKEN = follow(credited(2).hash, replace(credited(3), type="BalanceGuessed"))
FORGED = replace(credited(3), data='{"amount":1000000,"currency":"EUR"}')


class FakeS3:
    """Objects, listed two a page."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get_paginator(self, name: str) -> FakeS3:
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's names
        assert Bucket == "parking"
        keys = sorted(each for each in self.objects if each.startswith(Prefix))
        for start in range(0, max(len(keys), 1), 2):
            yield {"Contents": [{"Key": each} for each in keys[start : start + 2]]} if keys else {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        body = self.objects[Key]

        class Body:
            def read(self) -> bytes:
                return body

        return {"Body": Body()}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 - boto3's names
        del self.objects[Key]


class Refusing(FakeKinesis):
    """Throttles the first `times` records of an account, or of all."""

    def __init__(self, times: int, account: str | None = None) -> None:
        super().__init__()
        self.times, self.account = times, account

    def put_records(self, **request: Any) -> dict[str, Any]:
        accepted = []
        for each in self.check(request):
            refuse = self.times > 0 and self.account in (None, each["PartitionKey"])
            self.times -= refuse
            accepted.append(not refuse)
        return self.answer(accepted, request["Records"])


class Holed(InMemoryEventStore):
    """Of one account, some rows were removed."""

    def __init__(self, *removed: int) -> None:
        super().__init__()
        self.removed = removed

    def read(self, *args: Any, **kwargs: Any) -> Page:
        limit = kwargs.pop("limit", None)
        rows = super().read(*args, **kwargs).rows
        kept = [row for row in rows if (row.stream_id, row.version) not in {(ACCOUNT, each) for each in self.removed}]
        return Page(kept[:limit], more=limit is not None and len(kept) > limit)


def recorded(*rows: EventRow, store: InMemoryEventStore | None = None) -> Recorded:
    store = store or InMemoryEventStore()
    store.commit(as_is(Commit("c", rows)), deadline=Deadline())
    return Recorded(store, backoff=NO_WAITING)


def resender_to(kinesis: FakeKinesis) -> Resender:
    return Resender(KinesisSender(kinesis, stream="s", backoff=NO_WAITING, limits=kinesis.limits))


def versions_sent(kinesis: FakeKinesis, account: str = ACCOUNT) -> list[int]:
    return [
        json.loads(line)["streamversion"]
        for name, data in kinesis.arrived
        for line in data.splitlines()
        if name == account
    ]


ROWS = [credited(version) for version in range(1, 8)]
OTHERS = [credited(version, OTHER) for version in range(1, 5)]


# --- rows


@pytest.mark.parametrize(
    ("span", "found"),
    [
        (Span(ACCOUNT), [1, 2, 3, 4, 5, 6, 7]),
        (Span(ACCOUNT, 2, 5), [3, 4, 5]),
        (Span(ACCOUNT, 6), [7]),
        (Span(OTHER, 0, 1), [1]),
    ],
)
@pytest.mark.parametrize("batch", [1, 3, 5_000])
def test_rows_are_sent_as_they_were_published(
    span: Span, found: list[int], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "BATCH_EVENTS", batch)
    kinesis = FakeKinesis()
    resender = resender_to(kinesis)
    assert list(resend(recorded(*ROWS, *OTHERS), [span], resender)) == []
    wanted = ROWS if span.account_id == ACCOUNT else OTHERS
    assert kinesis.lines() == [encode_domain_event(domain_event(row)) for row in wanted if row.version in found]
    assert resender.sent == len(found)


@pytest.mark.parametrize("batch", [2, 3, 5_000])
def test_an_accounts_next_record_waits_until_its_last_one_was_taken(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "BATCH_EVENTS", batch)
    kinesis = Refusing(3, ACCOUNT)
    assert list(resend(recorded(*ROWS, *OTHERS), [Span(ACCOUNT), Span(OTHER)], resender_to(kinesis))) == []
    assert (versions_sent(kinesis), versions_sent(kinesis, OTHER)) == ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4])


@pytest.mark.parametrize("batch", [1, 2, 5_000])
def test_a_row_that_cannot_be_published_is_named_and_holds_up_no_other(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "BATCH_EVENTS", batch)
    kinesis = FakeKinesis()
    rows = chained([*ROWS[:2], BROKEN, *ROWS[3:]])
    problems = list(resend(recorded(*rows, *OTHERS), [Span(ACCOUNT), Span(OTHER)], resender_to(kinesis)))
    assert problems == [f"{ACCOUNT}/3: no event BalanceGuessed of schema 1 is registered"]
    assert (versions_sent(kinesis), versions_sent(kinesis, OTHER)) == ([1, 2, 4, 5, 6, 7], [1, 2, 3, 4])


def test_a_version_that_does_not_exist_is_named() -> None:
    kinesis = FakeKinesis()
    problems = list(resend(recorded(*ROWS), [Span(ACCOUNT, 5, 99)], resender_to(kinesis)))
    assert problems == [f"stream {ACCOUNT} has no row at version 8, in several reads in a row"]
    assert versions_sent(kinesis) == [6, 7]


@pytest.mark.parametrize("batch", [1, 2, 5_000])
@pytest.mark.parametrize(
    ("removed", "up_to", "sent", "named"),
    [
        ([2], None, [1, 3, 4, 5, 6, 7], ["2"]),
        ([1], None, [2, 3, 4, 5, 6, 7], ["1"]),
        ([2, 4], 7, [1, 3, 5, 6, 7], ["2", "4"]),
        ([2, 3, 4, 6], None, [1, 5, 7], ["2, in several reads in a row, nor at any up to 4", "6"]),
        ([4, 5, 6], 6, [1, 2, 3], ["4"]),
        ([2], 99, [1, 3, 4, 5, 6, 7], ["2", "8"]),
    ],
)
def test_what_follows_a_hole_is_sent_and_the_hole_is_named(
    removed: list[int],
    up_to: int | None,
    sent: list[int],
    named: list[str],
    batch: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(republishing, "BATCH_EVENTS", batch)
    kinesis = FakeKinesis()
    rows = recorded(*ROWS, *OTHERS, store=Holed(*removed))
    problems = list(resend(rows, [Span(ACCOUNT, 0, up_to), Span(OTHER)], resender_to(kinesis)))
    assert (versions_sent(kinesis), versions_sent(kinesis, OTHER)) == (sent, [1, 2, 3, 4])
    assert len(problems) == len(named)
    assert all(
        told.startswith(f"stream {ACCOUNT} has no row at version {which}")
        for told, which in zip(problems, named, strict=True)
    )


def test_a_row_after_a_hole_may_be_unreadable() -> None:
    class Unreadable(Holed):
        def read(self, *args: Any, **kwargs: Any) -> Page:
            page = super().read(*args, **kwargs)
            if any(row.version == 4 for row in page.rows):
                raise CorruptRowError(ACCOUNT, 4, "it has no hash")
            return page

    kinesis = FakeKinesis()
    rows = recorded(*ROWS, store=Unreadable(2, 3))
    assert list(resend(rows, [Span(ACCOUNT)], resender_to(kinesis))) == [
        f"stream {ACCOUNT} has no row at version 2, in several reads in a row, nor at any up to 3",
        f"stream {ACCOUNT} version 4: it has no hash",
    ]
    assert versions_sent(kinesis) == [1, 5, 6, 7]


@pytest.mark.parametrize("span", [Span(account_id(3)), Span(ACCOUNT, 7)])
def test_an_account_without_events_there_is_named(span: Span) -> None:
    (problem,) = resend(recorded(*ROWS), [span], resender_to(FakeKinesis()))
    assert problem == f"account {span.account_id} has no event after version {span.after}"


def test_an_event_that_fits_no_record_is_named() -> None:
    kinesis = FakeKinesis(limits=Limits(record_bytes=100))
    (problem,) = resend(recorded(ROWS[0]), [Span(ACCOUNT)], resender_to(kinesis))
    assert problem.startswith(f"{ACCOUNT}/1: a domain event of ")


def test_a_stream_that_takes_nothing_ends_it_after_what_was_found_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(republishing, "BATCH_EVENTS", 2)
    resender = resender_to(Refusing(1_000, OTHER))
    with pytest.raises(NotSentError, match="all events of 1 account: ProvisionedThroughputExceededException"):
        list(resend(recorded(*ROWS, *OTHERS), [Span(ACCOUNT), Span(OTHER)], resender))
    assert resender.sent == len(ROWS)


def test_ids_become_as_few_spans_as_hold_them() -> None:
    assert spans_of([f"{OTHER}/4", f"{ACCOUNT}/3", f"{ACCOUNT}/1", f"{ACCOUNT}/2", f"{ACCOUNT}/9"]) == [
        Span(OTHER, 3, 4),
        Span(ACCOUNT, 0, 3),
        Span(ACCOUNT, 8, 9),
    ]
    assert spans_of([]) == []


def test_a_span_is_of_one_account() -> None:
    assert spans_of(["a/1", "a/2", "b/3"]) == [Span("a", 0, 2), Span("b", 2, 3)]
    assert spans_of(["a/1", "b/2", "a/2"]) == [Span("a", 0, 2), Span("b", 1, 2)]


@pytest.mark.parametrize("wrong", ["", "a", "a/", "/1", "a/0", "a/-1", "a/1.5", "a/²"])
def test_what_is_no_id(wrong: str) -> None:
    with pytest.raises(ValueError, match="is not the id of a domain event"):
        spans_of([wrong])


# --- the chain

TAMPERED = [*ROWS[:2], FORGED, *ROWS[3:]]


def not_following(version: int) -> str:
    said = f"its hash does not follow from version {version - 1}; `daybook verify` checks the whole account"
    return f"{ACCOUNT}/{version}: {said}"


@pytest.mark.parametrize("batch", [1, 2, 5_000])
@pytest.mark.parametrize(("after", "sent"), [(0, [1, 2, 4, 5, 6, 7]), (1, [2, 4, 5, 6, 7]), (2, [4, 5, 6, 7])])
def test_a_row_that_does_not_follow_is_named_and_not_sent(
    after: int, sent: list[int], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "BATCH_EVENTS", batch)
    kinesis = FakeKinesis()
    assert list(resend(recorded(*TAMPERED), [Span(ACCOUNT, after)], resender_to(kinesis))) == [not_following(3)]
    assert versions_sent(kinesis) == sent


def test_the_first_row_follows_from_a_constant() -> None:
    kinesis = FakeKinesis()
    rows = recorded(replace(ROWS[0], data=FORGED.data), *ROWS[1:])
    assert list(resend(rows, [Span(ACCOUNT)], resender_to(kinesis))) == [not_following(1)]
    assert versions_sent(kinesis) == [2, 3, 4, 5, 6, 7]


def test_a_row_after_one_that_is_missing_cannot_be_checked_and_is_sent() -> None:
    kinesis = FakeKinesis()
    assert list(resend(recorded(*TAMPERED, store=Holed(2)), [Span(ACCOUNT, 2)], resender_to(kinesis))) == []
    assert versions_sent(kinesis) == [3, 4, 5, 6, 7]


def test_whoever_asks_for_it_gets_rows_sent_that_do_not_follow(run: Run) -> None:
    status, kinesis = run("--account", ACCOUNT, rows=TAMPERED)
    assert (status, versions_sent(kinesis)) == (1, [1, 2, 4, 5, 6, 7])
    for asked in (["--account", ACCOUNT], ["--parked"]):
        s3 = FakeS3({"publisher/x/3.json": parked(FORGED)})
        status, kinesis = run(*asked, "--unverified", rows=TAMPERED, s3=s3)
        assert (status, versions_sent(kinesis)) == (0, [1, 2, 3, 4, 5, 6, 7] if asked != ["--parked"] else [3])


# --- parked records


def parked(*rows: EventRow) -> bytes:
    """An object as the function writes it."""
    return json.dumps({"Records": stream_records(rows), "reason": "unknown then"}).encode()


def given_up(records: list[dict[str, Any]], *, text: bool = True) -> bytes:
    """An object as the mapping writes it."""
    payload: Any = {"Records": records}
    return json.dumps(
        {
            "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 1001},
            "version": "1.0",
            "DDBStreamBatchInfo": {"shardId": "shardId-1", "batchSize": len(records)},
            "payload": json.dumps(payload) if text else payload,
        }
    ).encode()


def replayed(s3: FakeS3, kinesis: FakeKinesis, *rows: EventRow, prefix: str = "", **options: bool) -> list[Replayed]:
    """Send what the bucket names, of these rows or else of all rows."""
    table = recorded(*(rows or (*ROWS, *OTHERS)))
    return list(replay(ParkingBucket(s3, "parking"), prefix, table, resender_to(kinesis), **options))


@pytest.mark.parametrize("text", [True, False])
def test_a_batch_of_several_accounts_is_sent_in_the_order_of_each(text: bool) -> None:
    shuffled = stream_records([ROWS[2], OTHERS[1], ROWS[0], OTHERS[0], ROWS[1]])
    s3, kinesis = FakeS3({"aws/lambda/m/shard/2026/x": given_up(shuffled, text=text)}), FakeKinesis()
    (found,) = replayed(s3, kinesis)
    assert (found.events, found.problems, found.deleted) == (5, [], False)
    assert (versions_sent(kinesis), versions_sent(kinesis, OTHER)) == ([1, 2, 3], [1, 2])
    assert s3.objects, "what was parked stays unless somebody asks for its removal"


def test_what_the_function_parked_is_sent_by_version() -> None:
    rows = [credited(version) for version in (2, 9, 10)]
    s3 = FakeS3({f"publisher/{ACCOUNT}/{row.version}.json": parked(row) for row in rows})
    kinesis = FakeKinesis()
    found = replayed(s3, kinesis, *(credited(version) for version in range(1, 11)), prefix="publisher/")
    assert [each.key.rpartition("/")[2] for each in found] == ["2.json", "9.json", "10.json"]
    assert versions_sent(kinesis) == [2, 9, 10]


def test_only_objects_below_the_prefix_are_sent() -> None:
    s3 = FakeS3({"publisher/a/1.json": parked(ROWS[0]), "aws/lambda/x": given_up(stream_records([OTHERS[0]]))})
    kinesis = FakeKinesis()
    assert [each.key for each in replayed(s3, kinesis, prefix="aws/")] == ["aws/lambda/x"]
    assert [name for name, _ in kinesis.arrived] == [OTHER]


def test_an_object_is_deleted_only_when_all_of_it_was_sent() -> None:
    changed = [*stream_records([OTHERS[0]]), stream_record(OTHERS[1], "MODIFY")]
    s3 = FakeS3(
        {
            "1": parked(ROWS[0]),
            "2": given_up(stream_records([ROWS[1], BROKEN])),
            "3": given_up(changed),
            "4": b"{}",
            "5": parked(chained([*ROWS[:2], BROKEN, *ROWS[3:]])[3]),
        }
    )
    kinesis = FakeKinesis()
    found = replayed(s3, kinesis, *chained([*ROWS[:2], BROKEN, *ROWS[3:]]), *OTHERS, delete=True)
    assert list(s3.objects) == ["2", "3", "4"]
    assert [(each.events, each.deleted) for each in found] == [(1, True), (1, False), (1, False), (0, False), (1, True)]
    assert found[1].problems[0].startswith(f"{ACCOUNT}/3: ")
    assert found[2].problems == [f"{OTHER}/2: a MODIFY is never published"]
    assert (versions_sent(kinesis), versions_sent(kinesis, OTHER)) == ([1, 2, 4], [1])


def test_an_object_with_an_event_that_fits_no_record_is_not_deleted() -> None:
    _, long = chained([ROWS[0], replace(credited(2), metadata=credited(2).metadata.replace("order-17", "o" * 60))])
    s3 = FakeS3({"1": parked(ROWS[0]), "2": parked(long), "3": given_up(stream_records([OTHERS[0], long]))})
    one_event = len(encode_domain_event(domain_event(ROWS[0])) + b"\n") + len(ACCOUNT)
    kinesis = FakeKinesis(limits=Limits(record_bytes=one_event))
    found = replayed(s3, kinesis, ROWS[0], long, *OTHERS, delete=True)
    assert list(s3.objects) == ["2", "3"]
    assert [(each.events, each.deleted) for each in found] == [(1, True), (0, False), (1, False)]
    for each in found[1:]:
        (problem,) = each.problems
        assert problem.startswith(f"{ACCOUNT}/2: a domain event of ")
    assert (versions_sent(kinesis), versions_sent(kinesis, OTHER)) == ([1], [1])


def test_what_is_sent_is_what_the_table_holds_and_a_forged_object_stays_as_evidence() -> None:
    s3 = FakeS3({"1": parked(FORGED), "2": given_up(stream_records([ROWS[3], FORGED, ROWS[4]])), "3": parked(ROWS[2])})
    kinesis = FakeKinesis()
    found = replayed(s3, kinesis, delete=True)
    assert [(each.events, each.deleted) for each in found] == [(1, False), (3, False), (1, True)]
    other = f"{ACCOUNT}/3, as it is recorded here: the table holds another event, and that was sent"
    assert [each.problems for each in found] == [[other], [other], []]
    genuine = [encode_domain_event(domain_event(ROWS[number])) for number in (2, 2, 3, 4, 2)]
    assert kinesis.lines() == genuine


def test_an_object_about_a_row_that_the_table_does_not_hold_sends_nothing() -> None:
    s3, kinesis = FakeS3({"1": parked(credited(99))}), FakeKinesis()
    (found,) = replayed(s3, kinesis, delete=True)
    assert found.problems == [f"stream {ACCOUNT} has no row at version 99, in several reads in a row"]
    assert (found.events, found.deleted, kinesis.arrived) == (0, False, [])


def test_the_mended_row_is_sent_for_a_record_that_was_malformed() -> None:
    s3, kinesis = FakeS3({"1": parked(BROKEN)}), FakeKinesis()
    (found,) = replayed(s3, kinesis, delete=True)
    assert (found.events, found.problems, found.deleted) == (1, [], True)


@pytest.mark.parametrize("record", [{"eventName": "INSERT"}, {"eventName": "INSERT", "dynamodb": {"Keys": {
    "stream_id": {"S": ACCOUNT}, "version": {"N": "1.5"}}}}])  # fmt: skip
def test_a_record_that_names_no_event_is_a_problem_of_its_object(record: dict[str, Any]) -> None:
    s3, kinesis = FakeS3({"1": given_up([record, stream_record(ROWS[0])])}), FakeKinesis()
    (found,) = replayed(s3, kinesis, delete=True)
    assert (found.events, found.deleted) == (1, False)
    assert "is not the id of a domain event" in found.problems[0]


def test_a_record_that_is_none_is_a_problem_and_hides_none_beside_it() -> None:
    s3, kinesis = FakeS3({"1": given_up([5, stream_record(ROWS[0])])}), FakeKinesis()  # type: ignore[list-item]
    (found,) = replayed(s3, kinesis, delete=True)
    assert (found.events, found.deleted) == (1, False)
    assert found.problems == ["unreadable/unreadable: a record that is none is never published"]


def test_an_object_is_not_deleted_when_the_stream_takes_nothing() -> None:
    s3 = FakeS3({"1": parked(ROWS[0])})
    with pytest.raises(NotSentError):
        replayed(s3, Refusing(1_000), delete=True)
    assert list(s3.objects) == ["1"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'"x"', b"\xff", b'{"payload": "{"}', b'{"payload": 5}', b'{"Records": [5]}']
)
def test_an_object_that_holds_no_records(body: bytes) -> None:
    with pytest.raises(ValueError, match="it holds no stream records"):
        records_of(body)


# --- the command

Run = Callable[..., tuple[int, FakeKinesis]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "environment.json"
    path.write_text('{"event_table": "t", "aws_endpoint_url": "http://127.0.0.1:1", "region": "eu-west-1"}')
    return path


@pytest.fixture
def run(file: Path) -> Run:
    """Run the command on seven rows of one account, four of another, and a bucket."""

    def run(
        *arguments: str, kinesis: FakeKinesis | None = None, s3: Any = None, rows: Sequence[EventRow] = ROWS
    ) -> tuple[int, FakeKinesis]:
        kinesis = kinesis or FakeKinesis()
        sender = KinesisSender(kinesis, stream="s", backoff=NO_WAITING)
        parts = Parts(recorded(*rows, *OTHERS), sender, lambda: ParkingBucket(s3, "parking"))

        class Local(AWS):
            def republishing(self, place: Place) -> Parts:
                return parts

        where = ["--environment-file", str(file)]
        return main(["republish", *arguments, *where], connections=Local()), kinesis

    return run


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], [1, 2, 3, 4, 5, 6, 7]),
        (["--from", "3"], [3, 4, 5, 6, 7]),
        (["--to", "2"], [1, 2]),
        (["--from", "4", "--to", "4"], [4]),
    ],
)
def test_a_range_of_an_account(
    arguments: list[str], found: list[int], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    status, kinesis = run("--account", ACCOUNT.upper(), *arguments)
    assert (status, versions_sent(kinesis)) == (0, found)
    events = "1 event" if len(found) == 1 else f"{len(found)} events"
    assert capsys.readouterr().out == f"{events} sent\n"


def found_missing(*ids: str) -> str:
    """What `reconcile --json` prints."""
    data = {"missing": ids, "unknown": ["x/1"], "odd": [], "days": [], "rows_scanned": 7, "read_units": 0.5}
    return json.dumps({"ok": False, "data": data, "problem": {"exit_status": 1, "detail": "They differ."}})


@pytest.mark.parametrize("where", ["file", "-"])
def test_what_reconcile_found_missing(where: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tmp_path / "missing.json"
    listed.write_text(found_missing(f"{ACCOUNT}/7", f"{ACCOUNT}/2", f"{OTHER}/4"))
    if where == "-":
        monkeypatch.setattr("sys.stdin", io.StringIO(listed.read_text()))
    status, kinesis = run("--ids", where if where == "-" else str(listed))
    assert (status, versions_sent(kinesis), versions_sent(kinesis, OTHER)) == (0, [2, 7], [4])


def test_what_is_missing_of_several_accounts_in_a_row(run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "missing.json"
    listed.write_text(found_missing(f"{ACCOUNT}/1", f"{ACCOUNT}/2", f"{OTHER}/3"))
    status, kinesis = run("--ids", str(listed))
    assert (status, versions_sent(kinesis), versions_sent(kinesis, OTHER)) == (0, [1, 2], [3])


def test_nothing_missing_is_no_failure(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "missing.json"
    listed.write_text(found_missing())
    assert run("--ids", str(listed))[0] == 0
    assert capsys.readouterr().out == "0 events sent\n"


@pytest.mark.parametrize("arguments", [["--account", account_id(3)], ["--account", ACCOUNT, "--from", "8"]])
def test_an_account_or_range_that_is_not_there(
    arguments: list[str], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments)[0] == 1
    said = capsys.readouterr()
    after = 7 if "--from" in arguments else 0
    assert said.err == f"daybook republish: not sent: account {arguments[1]} has no event after version {after}\n"
    assert said.out == "0 events sent\n"


def test_a_prefix_of_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    s3 = FakeS3({"publisher/a/1.json": parked(ROWS[0])})
    assert run("--parked", "--prefix", "publsher/", s3=s3)[0] == 1
    assert "no object of the parking bucket has a key that begins with 'publsher/'" in capsys.readouterr().err
    assert run("--parked", s3=FakeS3({}))[0] == 0, "nothing is parked, and that is well"


def test_without_a_running_system_the_way_out_is_one_that_the_command_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["republish", "--parked", "--environment-file", str(tmp_path / "nowhere.json")]) == 2
    told = capsys.readouterr().err
    assert "is the system running? `make run` starts it, or give --env." in told
    assert "--event-table" not in told


def test_parked_objects_one_a_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    s3 = FakeS3({"publisher/a/1.json": parked(ROWS[0]), "publisher/a/3.json": parked(BROKEN), "aws/x": b"{"})
    rows = [*ROWS[:2], BROKEN]
    assert run("--parked", "--prefix", "publisher/", "--delete", s3=s3, rows=rows)[0] == 1
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "publisher/a/1.json: 1 event sent, object deleted",
        "publisher/a/3.json: 0 events sent",
        "1 event sent",
    ]
    assert said.err.startswith(f"daybook republish: not sent: publisher/a/3.json: {ACCOUNT}/3: ")
    assert run("--parked", s3=FakeS3({"publisher/a/1.json": parked(ROWS[0])}))[0] == 0


def test_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    s3 = FakeS3({"publisher/a/1.json": parked(ROWS[0]), "publisher/a/3.json": parked(BROKEN)})
    assert run("--parked", "--delete", "--json", s3=s3, rows=[*ROWS[:2], BROKEN])[0] == 1
    document = printed("republish", capsys)
    (problem,) = document["data"]["problems"]
    assert problem.startswith(f"publisher/a/3.json: {ACCOUNT}/3: ")
    first, second = document["data"]["objects"]
    assert first == {"key": "publisher/a/1.json", "events": 1, "problems": [], "deleted": True}
    assert (second["events"], second["deleted"]) == (0, False)
    assert document["data"]["events"] == 1
    assert document["problem"] == {"exit_status": 1, "detail": f"Not everything was sent: {problem}."}
    assert run("--account", ACCOUNT, "--json")[0] == 0
    assert printed("republish", capsys)["data"] == {"events": 7, "objects": [], "problems": []}


def test_a_bucket_that_does_not_answer(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    class Down(FakeS3):
        def get_paginator(self, name: str) -> FakeS3:
            raise client_error("AccessDenied", "ListObjectsV2", status=403)

    assert run("--parked", s3=Down({}))[0] == 1
    assert "The parking bucket does not answer" in capsys.readouterr().err


def test_a_stream_that_takes_nothing(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--account", ACCOUNT, kinesis=Refusing(1_000))[0] == 1
    said = capsys.readouterr()
    assert "Kinesis did not take all events of 1 account" in said.err
    assert said.out == "0 events sent\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--account", ACCOUNT, "--from", "5", "--to", "4"], "--to 4 is before --from 5"),
        (["--account", ACCOUNT, "--delete"], "--delete goes with --parked"),
        (["--parked", "--from", "5"], "--from goes with --account"),
        (["--ids", "x", "--to", "5"], "--to goes with --account"),
        (["--account", ACCOUNT, "--prefix", "x"], "--prefix goes with --parked"),
        (["--ids", "nowhere.json"], "Cannot read nowhere.json"),
        (["--account", ACCOUNT, "--region", "eu-west-1"], "--region goes with --env"),
    ],
)
def test_wrong_usage(arguments: list[str], complaint: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status, kinesis = run(*arguments)
    assert (status, kinesis.arrived) == (2, [])
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"missing": []}', '{"data": null}', found_missing("a/0"), found_missing("x").replace('"x"', "1")],
)
def test_a_list_that_reconcile_did_not_write(
    text: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "ids.json"
    listed.write_text(text)
    assert run("--ids", str(listed))[0] == 2
    assert "is not what `reconcile --json` writes" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["--account", "x"], ["--account", ACCOUNT, "--parked"], ["--account", ACCOUNT, "--from", "0"]]
)
def test_usage_that_the_parser_refuses(arguments: list[str], run: Run) -> None:
    assert run(*arguments)[0] == 2


# --- where it all is


def test_table_stream_and_bucket_are_found_by_the_stacks_outputs(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {
        "Daybook-prod-Ledger": {"EventTableName": "events"},
        "Daybook-prod-DomainEvents": {"DomainEventStreamName": "stream", "ParkingBucketName": "parking"},
    }
    asked = []

    def stack_outputs(stack: str, region: str | None, endpoint_url: str | None) -> dict[str, str]:
        asked.append((region, endpoint_url))
        return outputs[stack]

    monkeypatch.setattr(places, "stack_outputs", stack_outputs)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    place = Place("prod", file, "eu-west-1", "http://127.0.0.1:1")
    parts = republish.open_parts(place)
    assert parts.parking()
    assert place.ledger() == Ledger("events", "eu-west-1", "http://127.0.0.1:1")
    assert set(asked) == {("eu-west-1", "http://127.0.0.1:1")}
    with pytest.raises(PlaceError, match="Daybook-prod-Ledger has no output StreamName"):
        place.output("Ledger", "StreamName")


def test_the_emulator_is_asked_for_outputs_where_the_file_says(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    client = boto3.client("cloudformation", "eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")

    def make(name: str, **settings: Any) -> Any:
        made.append(settings)
        return client

    monkeypatch.setattr(boto3, "client", make)
    with Stubber(client) as stubbed:
        stubbed.add_client_error("describe_stacks", "ValidationError", "Stack does not exist")
        with pytest.raises(PlaceError, match="Stack does not exist"):
            Place("local", Path(), "eu-west-1", "http://127.0.0.1:9").ledger()
    assert made[0]["endpoint_url"] == "http://127.0.0.1:9"
    assert made[0]["region_name"] == "eu-west-1"


def test_an_environment_in_aws_needs_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    place = places.place_of(Where("prod", "eu-west-1", Path("nowhere.json")))
    assert (place.environment, place.region, place.aws_endpoint_url) == ("prod", "eu-west-1", None)
    outputs = {"AthenaWorkgroupName": "w", "GlueDatabaseName": "g"}
    monkeypatch.setattr(lake_places, "stack_outputs", lambda stack, region: {"Daybook-prod-Lake": outputs}[stack])
    assert place.lake() == Target(athena_workgroup="w", glue_database="g", region="eu-west-1")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("AWS_CONFIG_FILE", "nowhere"), ("AWS_ACCESS_KEY_ID", "t"), ("AWS_SECRET_ACCESS_KEY", "t")):
        monkeypatch.setenv(name, value)
    with pytest.raises(PlaceError, match="AWS's configuration is not complete: You must specify a region"):
        places.place_of(Where("prod", None, Path("nowhere.json"))).client("kinesis", republish.ONE_ATTEMPT)


def test_the_local_lake_is_the_one_in_the_file(file: Path) -> None:
    described = {
        "aws_endpoint_url": "http://127.0.0.1:1", "athena_endpoint_url": "http://127.0.0.1:2", "athena_workgroup": "w",
        "glue_database": "g",
    }  # fmt: skip
    file.write_text(json.dumps(described))
    assert places.place_of(Where("local", None, file)).lake() == Target(**described)
