"""`daybook verify --all`: what it prints, how it exits, what it could not check, and a live system.

What it finds is in test_tampering.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, NoReturn

import msgspec
import pytest
from msgspec.structs import replace

from cli.app import main
from cli.errors import PlaceError
from cli.verify import estimating
from cli.verify.opening import LedgerTables, Size, Sizes
from lambdas.accounts.commands import CreditAccount
from lambdas.athena.errors import QueryFailedError
from lambdas.contracts.domain_events import domain_event
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Control
from lambdas.transparency.errors import LogUnavailableError
from lambdas.transparency.log_store import CHECKPOINT
from lambdas.transparency.memory import MemoryLogStore
from lambdas.verification.beginning import terms
from lambdas.verification.in_process import walk_all
from lambdas.verification.log import terms_of
from lambdas.verification.results import Progress
from lambdas.verification.walking import SegmentWalker
from local.costs.prices import read_prices
from tests.support.envelopes import printed
from tests.support.verified_ledger import A, B, C, D, VerifiedLedger

Report = dict[str, Any]
DRILL = "lambdas.verification.verification.drill"


@pytest.fixture
def verify(ledger: VerifiedLedger, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Report]]:
    def go(*words: str, segments: int = 2) -> tuple[int, Report]:
        capsys.readouterr()
        status = ledger.verify("--json", *words, segments=segments)
        return status, printed("verify", capsys)["data"]["everything"]

    return go


@pytest.mark.usefixtures("at_once")
def test_what_is_said_when_all_is_well(ledger: VerifiedLedger, capsys: pytest.CaptureFixture[str]) -> None:
    assert ledger.verify() == 0
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if "root" not in line] == [
        "45 events and 6 snapshots of 3 accounts, 3 receipts, 3 stored commands (0 pending)",
        "the lake: 45 events recorded before 2026-03-01T14:00:00.000Z, column by column",
        "account_summaries: generation 1, 3 accounts",
        "daily_totals: generation 1, 3 accounts",
        "the log: 45 leaves up to seal 0, 0 events not sealed yet",
        "0 findings, 6.0 read units of walks",
    ]
    assert said.err.startswith("At most ")
    assert "two queries read the whole lake" in said.err


def test_what_is_said_of_a_finding(ledger: VerifiedLedger, capsys: pytest.CaptureFixture[str]) -> None:
    ledger.delete(C, 13)
    assert ledger.verify() == 1
    lines = capsys.readouterr().out.splitlines()
    assert f"lake  {C}/13  is in the lake, and not in the event table" in lines
    assert f"log  {C}/13  is in the log, and not in the event table" in lines
    assert lines[-1].startswith("5 findings, ")


@pytest.mark.parametrize(("page_rows", "segments"), [(1, 1), (4, 8), (13, 3)])
def test_pages_and_segments_do_not_matter(ledger: VerifiedLedger, verify: Any, segments: int, page_rows: int) -> None:
    ledger.page_rows = page_rows
    status, report = verify(segments=segments)
    assert (status, report["events"], report["accounts"], report["snapshots"]) == (0, 45, 3, 6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Give one of ACCOUNT_ID, --all."),
        (["--all", A], "--all is not allowed with ACCOUNT_ID."),
        (["--settle", "5", A], "--settle goes with --all."),
        (["--settle", "0", A], "--settle goes with --all."),
        (["--segments", "5", A], "--segments goes with --all."),
        (["--pending-hours", "5", A], "--pending-hours goes with --all."),
        (["--all", "--event-table", "events"], "--event-table goes with ACCOUNT_ID."),
    ],
)
def test_words_that_do_not_go_together(
    words: list[str], sentence: str, ledger: VerifiedLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *words], connections=ledger) == 2
    assert sentence in capsys.readouterr().err


# What could not be checked


def _refusing(error: Exception) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise error

    return refuse


@pytest.mark.parametrize("error", [QueryFailedError("no"), PlaceError("there is no lake")])
def test_a_lake_that_does_not_answer(
    ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(ledger, "rows_of_sql" if isinstance(error, QueryFailedError) else "queries", _refusing(error))
    status, report = verify()
    assert (status, report["findings"], list(report["unchecked"])) == (3, [], ["lake"])
    assert report["lake_events"] is None
    assert report["log"]["size"] == 45
    assert len(report["read_models"]) == 2


@pytest.mark.parametrize("part", ["place", "checkpoint", "heads", "seals", "key"])
def test_a_log_that_does_not_answer(
    ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    refuse = _refusing(LogUnavailableError("no"))
    match part:
        case "place":
            monkeypatch.setattr(ledger, "transparency_log", _refusing(PlaceError("there is no log")))
        case "checkpoint":
            monkeypatch.setattr(ledger.log_index, "progress", refuse)
        case "heads":
            monkeypatch.setattr(ledger.log_index, "heads", refuse)
        case "key":
            monkeypatch.setattr(ledger.signer, "public_key", refuse)
        case _:
            get = ledger.log_store.get
            monkeypatch.setattr(ledger.log_store, "get", lambda name: refuse() if "tile" in name else get(name))
    status, report = verify()
    assert (status, report["findings"], list(report["unchecked"])) == (3, [], ["log"])
    assert report["lake_events"] == 45


def test_a_read_model_that_was_not_built(ledger: VerifiedLedger, verify: Any) -> None:
    control = ledger.models["daily_totals"].control
    control.change(control.read(), Control())
    status, report = verify()
    assert (status, report["findings"]) == (3, [])
    assert "daily_totals has not been built yet" in report["unchecked"]["read-models"]
    assert [each["name"] for each in report["read_models"]] == ["account_summaries"]


def test_a_finding_counts_more_than_what_was_not_checked(
    ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.delete(C, 5)
    monkeypatch.setattr(ledger, "queries", _refusing(PlaceError("there is no lake")))
    status, report = verify()
    assert (status, list(report["unchecked"])) == (1, ["lake"])
    assert ("history", C, 5) in {(each["kind"], each["subject"], each["version"]) for each in report["findings"]}


def test_tables_that_do_not_answer(
    ledger: VerifiedLedger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = ledger.opened()
    monkeypatch.setattr(tables.receipts, "page", _refusing(ReadUnavailableError("throttled")))
    sizes = Sizes(Size(1, 1), Size(1, 1), Size(1, 1))
    monkeypatch.setattr(ledger, "ledger_tables", lambda place: LedgerTables(tables, lambda: sizes))
    assert ledger.verify() == 3
    assert "The ledger's tables cannot be read: throttled." in capsys.readouterr().err


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums are equal: nothing is looked into, which takes long."""
    monkeypatch.setattr(DRILL, _refusing(AssertionError("sums differ")))


# The log


def test_nothing_is_sealed_yet(ledger: VerifiedLedger, verify: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ledger.log_store = MemoryLogStore()
    ledger.log_index.clear()
    status, report = verify()
    assert (status, report["findings"], report["unchecked"], report["log"]) == (0, [], {}, None)
    assert ledger.verify() == 0
    assert "the log: nothing is sealed yet" in capsys.readouterr().out


def test_an_index_that_is_made_again_meanwhile(
    ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not in it again yet is no finding."""
    ledger.send_more(D)
    ledger.settle()
    index, heads = ledger.log_index, ledger.log_index.heads

    def forgotten(account_ids: Any) -> Any:
        index.clear()
        return heads(account_ids)

    monkeypatch.setattr(index, "heads", forgotten)
    ledger.now += timedelta(days=3)
    status, report = verify()
    assert (status, report["findings"], list(report["unchecked"])) == (3, [], ["log"])


def test_a_log_without_its_newest_checkpoint(ledger: VerifiedLedger, verify: Any) -> None:
    ledger.log_store.remove(CHECKPOINT)
    status, report = verify()
    assert (status, list(report["unchecked"])) == (1, ["log"])
    assert report["counts"] == {"log": 1}


def test_an_older_checkpoint_in_the_place_of_the_newest(ledger: VerifiedLedger, verify: Any) -> None:
    older = ledger.log_store.get(CHECKPOINT)
    ledger.send_more(D)
    ledger.settle()
    assert verify()[0] == 0
    assert older is not None
    ledger.log_store.put(CHECKPOINT, older.content)
    status, report = verify()
    assert (status, report["counts"]) == (1, {"log": 1})


@pytest.mark.parametrize("name", ["tile/0/000.p/45", "tile/entries/000.p/45", "checkpoints/00000000"])
def test_an_edited_object_of_the_log(ledger: VerifiedLedger, verify: Any, name: str) -> None:
    stored = ledger.log_store.get(name)
    assert stored is not None
    ledger.log_store.put(name, bytes([*stored.content[:40], stored.content[40] ^ 1, *stored.content[41:]]))
    status, report = verify()
    assert status == 1
    assert name in {each["subject"] for each in report["findings"]}


@pytest.mark.usefixtures("at_once")
def test_events_that_are_not_sealed_yet(ledger: VerifiedLedger, verify: Any) -> None:
    ledger.send_more(D)
    ledger.publish()
    ledger.fold()
    status, report = verify()
    assert (status, report["unsealed"]) == (0, 3)


def test_events_that_should_have_been_sealed(ledger: VerifiedLedger, verify: Any) -> None:
    ledger.send_more(D)
    ledger.fold()
    ledger.now += timedelta(days=2)
    ledger.clock = lambda: ledger.now  # type: ignore[assignment]
    ledger.bank._repository._executor._builder._clock = ledger.clock
    ledger.send(CreditAccount(amount=1), A)
    ledger.lake.arrive("2026-03-03", [_published(ledger, A)])
    ledger.fold()
    ledger.seal()
    status, report = verify()
    found = {(each["kind"], each["subject"], each["version"]) for each in report["findings"]}
    assert (status, found) == (1, {("lake", D, 1), ("log", D, 1)})


def _published(ledger: VerifiedLedger, account: str) -> Any:
    return domain_event(ledger.rows(account)[-1])


def test_after_a_restore(ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it revoked stands in the log and in the lake, and counts in neither; what came in its place does."""
    ledger.models = {}
    with monkeypatch.context() as patch:
        patch.setattr(DRILL, _refusing(AssertionError("sums differ")))
        ledger.revoke(C, 8)
        ledger.seal()
        assert verify()[:1] == (0,)
        for number in range(3):
            ledger.send(CreditAccount(amount=number + 50), C)
        ledger.publish()
        ledger.seal()
        status, report = verify()
    assert (status, report["findings"], report["log"]["size"]) == (0, [], 49)
    ledger.delete(C, 11)
    found = {(each["kind"], each["subject"], each["version"]) for each in verify()[1]["findings"]}
    assert found == {("lake", C, 11), ("log", C, 11)}


def test_a_restore_that_is_sealed_meanwhile(
    ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile() -> None:
        ledger.revoke(C, 8)
        ledger.seal()

    ledger.models = {}
    with _at_first_page(ledger, monkeypatch, meanwhile):
        status, report = verify(segments=1)
    assert (status, report["findings"]) == (3, [])
    assert "a restore" in report["unchecked"]["log"]


# A live system


@contextmanager
def _at_first_page(ledger: VerifiedLedger, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> Iterator[None]:
    """`act` happens when the event table is scanned first, after the terms were agreed."""
    done: list[bool] = []
    scan = ledger.client.scan

    def scanned(**request: Any) -> Any:
        if not done and request.get("Segment") is not None:
            done.append(True)
            act()
        return scan(**request)

    monkeypatch.setattr(ledger.client, "scan", scanned, raising=False)
    yield
    assert done


@pytest.mark.usefixtures("at_once")
def test_seals_go_on_meanwhile(ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile() -> None:
        ledger.send(CreditAccount(amount=3), A)
        ledger.send_more(D)
        ledger.settle()

    with _at_first_page(ledger, monkeypatch, meanwhile):
        status, report = verify(segments=1)
    assert (status, report["findings"], report["unchecked"]) == (0, [], {})
    assert (report["log"]["size"], report["unsealed"]) == (45, 4)


def test_traffic_goes_on_meanwhile(ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer, whose events are newer than the settled moment, a folder and a sealer beside several verifications."""
    ledger.clock._next = iter(range(5 * 3600, 10**6)).__next__
    ledger.page_rows = 3
    stop = threading.Event()
    failures: list[BaseException] = []
    written: list[int] = []

    def trade() -> None:
        try:
            while not stop.is_set():
                number = len(written)
                assert ledger.send(CreditAccount(amount=1 + number), (A, B, C)[number % 3], key=f"live-{number}")
                ledger.carry_out(A, f"live-{number}", {"type": "CreditAccount", "amount": 1})
                ledger.submit(B, f"AIDAEXAMPLE/waiting-{number}", {"type": "CreditAccount", "amount": 1}, at=ledger.now)
                if number % 5 == 0:
                    ledger.send_more(f"00000000-0000-4000-8000-{1000 + number:012x}")
                    ledger.publish()
                    ledger.seal()
                written.append(number)
        except BaseException as error:  # noqa: BLE001 - the test tells
            failures.append(error)

    ledger.models = {}
    thread = threading.Thread(target=trade)
    thread.start()
    try:
        verifications = 0
        while verifications < 3 or (len(written) <= 5 and thread.is_alive()):
            status, report = verify()
            assert (status, report["findings"], report["unchecked"]) == (0, [], {})
            verifications += 1
    finally:
        stop.set()
        thread.join()
    assert failures == []


def test_a_receipt_that_is_deleted_by_its_time_to_live(ledger: VerifiedLedger, verify: Any) -> None:
    ledger.now += timedelta(days=6, hours=12)
    for item in ledger.items(ledger.tables.receipts):
        key = {name: item[name] for name in ("scope", "key")}
        ledger.client.delete_item(TableName=ledger.tables.receipts, Key=key)
    status, report = verify()
    assert (status, report["findings"], report["receipts"]) == (0, [], 0)


def test_a_pending_command_that_ends_when_it_is_looked_at(
    ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.submit(C, "AIDAEXAMPLE/old", {"type": "CreditAccount", "amount": 1})
    ledger.now += timedelta(days=3)
    get = ledger.client.get_item

    def ended(**request: Any) -> Any:
        answer = get(**request)
        answer["Item"]["status"] = {"S": "SUCCEEDED"}
        return answer

    monkeypatch.setattr(ledger.client, "get_item", ended, raising=False)
    assert verify()[1]["counts"] == {}


def test_a_transaction_under_way_beside_the_scan(
    ledger: VerifiedLedger, verify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page lacks a row that a Query has: it is no finding."""
    scan = ledger.client.scan

    def scanned(**request: Any) -> Any:
        answer = scan(**request)
        items = [
            each for each in answer["Items"] if (each.get("stream_id"), each.get("version")) != ({"S": C}, {"N": "7"})
        ]
        return {**answer, "Items": items}

    monkeypatch.setattr(ledger.client, "scan", scanned, raising=False)
    ledger.models = {}
    status, report = verify()
    assert (status, report["findings"], report["events"]) == (0, [], 45)


# What it costs


def test_the_price_is_that_of_make_costs() -> None:
    assert float(read_prices().dollars("read_unit") / Decimal(10**6)) == estimating.READ_DOLLARS


def test_what_it_takes() -> None:
    sizes = Sizes(Size(1000, 409_600), Size(10, 4096), Size(20, 8192))
    cost = estimating.cost_of(sizes, accounts=100, read_models=2, segments=8)
    walk = 100 + 2 + 8
    assert cost.read_units == 3 * walk + (1 + 9 + 2 + 9 + 1) // 2 + 30 + 100 * 5


# Steps of a function


@pytest.mark.parametrize("page_rows", [1, 4])
def test_a_segment_that_is_gone_on_with_after_every_page(ledger: VerifiedLedger, page_rows: int) -> None:
    """Each page by a walker of its own, from what was kept as JSON: nothing is lost, and nothing counts twice."""
    ledger.page_rows = page_rows
    ledger.delete(B, 5)
    tables = replace(ledger.opened(), index=ledger.log_index)
    log = terms_of(ledger.log_store, ledger.log_index)
    agreed = terms(ledger.now, settle=timedelta(), pending=timedelta(days=1), log=log)
    kept = msgspec.json.encode(Progress(segment=0, segments=1))
    while not (progress := msgspec.json.decode(kept, type=Progress)).done:
        walker = SegmentWalker(tables, agreed, progress)
        walker.page(Deadline())
        kept = msgspec.json.encode(walker.progress)
    whole = walk_all(tables, agreed, segments=1)
    assert replace(progress.result, read_units=0.0) == replace(whole, read_units=0.0)
    assert (whole.accounts, whole.events, whole.findings.counts) == (3, 44, {"history": 1})
