"""What attackers may do to the ledger's parts, and what `daybook verify --all` finds: each deed planted once.

A test is named after the attacker and the deed; the table of docs/proof.md points at these. What is done to the log
itself is in tests/unit/transparency.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.rows import EventRow
from lambdas.inbox import table
from lambdas.projections.dynamodb import table as read_model
from tests.support.envelopes import printed
from tests.support.verified_ledger import DAY, A, B, C, D, VerifiedLedger
from tests.unit.analytics.lake import event

Found = set[tuple[str, str, int]]


@pytest.fixture
def found(ledger: VerifiedLedger, capsys: pytest.CaptureFixture[str]) -> Any:
    """What is found, as kind, subject and version. Everything must have been checked."""

    def verify() -> Found:
        capsys.readouterr()
        status = ledger.verify("--json")
        document = printed("verify", capsys)["data"]["everything"]
        assert document["unchecked"] == {}
        assert status == (1 if document["findings"] else 0)
        return {(each["kind"], each["subject"], each["version"]) for each in document["findings"]}

    return verify


def _rechain(rows: list[EventRow]) -> list[EventRow]:
    """With the hashes that a clever attacker computes."""
    previous, made = GENESIS, []
    for row in rows:
        made.append(replace(row, hash=row_hash(previous, row)))
        previous = made[-1].hash
    return made


def _write(ledger: VerifiedLedger, rows: list[EventRow]) -> None:
    for row in rows:
        ledger.put(row_to_item(row))


def _richer(row: EventRow) -> EventRow:
    data = json.loads(row.data)
    return replace(row, data=json.dumps({**data, "amount": data["amount"] + 1}, separators=(",", ":")))


def test_nobody_and_nothing(found: Any) -> None:
    assert found() == set()


# The event table


def test_clerk_with_table_access_edits_a_row(ledger: VerifiedLedger, found: Any) -> None:
    _write(ledger, [_richer(ledger.rows(A)[4])])
    assert {("history", A, 5), ("lake", A, 5)} <= found()


def test_clerk_with_table_access_deletes_a_row(ledger: VerifiedLedger, found: Any) -> None:
    ledger.delete(C, 4)
    assert {("history", C, 4), ("lake", C, 4), ("log", C, 4)} <= found()


def test_clerk_with_table_access_deletes_the_first_row(ledger: VerifiedLedger, found: Any) -> None:
    ledger.delete(C, 1)
    assert {("history", C, 1), ("lake", C, 1), ("log", C, 1)} <= found()


def test_clerk_with_table_access_deletes_an_account(ledger: VerifiedLedger, found: Any) -> None:
    for row in ledger.rows(C):
        ledger.delete(C, row.version)
    assert found() >= {("lake", C, 1), ("log", C, 1), ("read-model", C, 0)}


def test_clerk_with_table_access_inserts_a_row_at_the_end(ledger: VerifiedLedger, found: Any) -> None:
    last = ledger.rows(C)[-1]
    forged = replace(last, version=last.version + 1, state=None, state_schema=None)
    _write(ledger, [replace(forged, hash=row_hash(last.hash, forged))])
    assert ("lake", C, last.version + 1) in found()


def test_clerk_with_table_access_inserts_a_row_of_the_future(ledger: VerifiedLedger, found: Any) -> None:
    last = ledger.rows(C)[-1]
    recorded_at = "2027-03-01T09:00:00.000Z"
    forged = replace(last, version=last.version + 1, recorded_at=recorded_at, state=None, state_schema=None)
    _write(ledger, [replace(forged, hash=row_hash(last.hash, forged))])
    ledger.settle()  # it is published like any other row; the sealer leaves it, and all after it, for next year
    assert ("history", C, last.version + 1) in found()


@pytest.mark.parametrize("version", ["0", "-3", "0.5", "3.5"])
def test_clerk_with_table_access_inserts_a_row_out_of_place(ledger: VerifiedLedger, found: Any, version: str) -> None:
    item = row_to_item(ledger.rows(C)[0])
    ledger.put(item | {"version": {"N": version}})
    expected = {"0": 0, "-3": -3, "0.5": 1, "3.5": 4}[version]
    assert ("history", C, expected) in found()


def test_clerk_with_table_access_swaps_two_rows(ledger: VerifiedLedger, found: Any) -> None:
    fourth, fifth = ledger.rows(C)[3:5]
    _write(ledger, [replace(fourth, version=5), replace(fifth, version=4)])
    assert {("history", C, 4), ("lake", C, 4), ("log", C, 4)} <= found()


def test_clerk_with_table_access_cuts_the_tail(ledger: VerifiedLedger, found: Any) -> None:
    for version in (12, 13):
        ledger.delete(C, version)
    result = found()
    assert {("lake", C, 12), ("log", C, 12)} <= result
    assert not [each for each in result if each[0] == "history"]


def test_operator_who_may_deploy_rewrites_a_whole_account(ledger: VerifiedLedger, found: Any) -> None:
    rows = ledger.rows(C)
    rows[4] = _richer(rows[4])
    _write(ledger, _rechain([replace(row, state=None, state_schema=None) for row in rows]))
    result = found()
    assert {("lake", C, 1), ("log", C, 1)} <= result
    assert not [each for each in result if each[0] == "history"]


def test_operator_who_may_deploy_rewrites_an_account_from_a_version_on(ledger: VerifiedLedger, found: Any) -> None:
    rows = ledger.rows(C)
    rows[7] = _richer(rows[7])
    rows[10] = replace(rows[10], state=None, state_schema=None)
    _write(ledger, _rechain(rows))
    result = found()
    assert {("lake", C, 8), ("log", C, 8)} <= result
    assert not [each for each in result if each[0] == "history"]


def test_clerk_with_table_access_edits_a_snapshot_only(ledger: VerifiedLedger, found: Any) -> None:
    snapshot = ledger.rows(C)[10]
    assert snapshot.state is not None
    _write(ledger, [replace(snapshot, state=snapshot.state.replace('"balance":', '"balance":9'))])
    assert found() == {("history", C, 11)}


def test_operator_who_may_deploy_edits_a_snapshot_and_recomputes_the_chain(ledger: VerifiedLedger, found: Any) -> None:
    rows = ledger.rows(C)
    assert rows[10].state is not None
    rows[10] = replace(rows[10], state=rows[10].state.replace('"balance":', '"balance":9'))
    _write(ledger, _rechain(rows))
    assert {("history", C, 11), ("lake", C, 11), ("log", C, 11)} <= found()


def test_operator_who_may_deploy_sets_a_time_back(ledger: VerifiedLedger, found: Any) -> None:
    rows = ledger.rows(C)
    rows[6] = replace(rows[6], recorded_at="2026-03-01T08:00:00.000Z")
    _write(ledger, _rechain(rows))
    assert {("history", C, 7), ("lake", C, 7), ("log", C, 7)} <= found()


def test_clerk_with_table_access_spoils_a_row(ledger: VerifiedLedger, found: Any) -> None:
    item = row_to_item(ledger.rows(C)[2])
    del item["commit_id"]
    ledger.put(item)
    assert {("history", C, 3), ("lake", C, 3), ("log", C, 3)} <= found()


def test_clerk_with_table_access_edits_two_accounts(ledger: VerifiedLedger, found: Any) -> None:
    _write(ledger, [_richer(ledger.rows(A)[4]), _richer(ledger.rows(B)[8])])
    assert {("history", A, 5), ("history", B, 9), ("lake", A, 5), ("lake", B, 9)} <= found()


# Receipts


def _receipt(ledger: VerifiedLedger, key: str) -> dict[str, Any]:
    (item,) = [each for each in ledger.items(ledger.tables.receipts) if each["key"]["S"].endswith(f"/{key}")]
    return item


def test_clerk_with_table_access_points_a_receipt_at_another_event(ledger: VerifiedLedger, found: Any) -> None:
    item = _receipt(ledger, "k1") | {"version": {"N": "3"}}
    ledger.client.put_item(TableName=ledger.tables.receipts, Item=item)
    assert ("receipt", A, 3) in found()


def test_clerk_with_table_access_points_a_receipt_at_no_event(ledger: VerifiedLedger, found: Any) -> None:
    item = _receipt(ledger, "k1") | {"version": {"N": "99"}}
    ledger.client.put_item(TableName=ledger.tables.receipts, Item=item)
    assert ("receipt", A, 99) in found()


def test_clerk_with_table_access_forges_a_receipt(ledger: VerifiedLedger, found: Any) -> None:
    item = _receipt(ledger, "k1") | {"key": {"S": "AIDAEXAMPLE/forged"}, "commit_id": {"S": "forged"}}
    ledger.client.put_item(TableName=ledger.tables.receipts, Item=item)
    assert found() == {("receipt", A, 14)}


def test_clerk_with_table_access_copies_a_receipt_to_another_key(ledger: VerifiedLedger, found: Any) -> None:
    item = _receipt(ledger, "k1") | {"key": {"S": "AIDAEXAMPLE/copied"}}
    ledger.client.put_item(TableName=ledger.tables.receipts, Item=item)
    assert found() == {("receipt", A, 14)}


def test_clerk_with_table_access_deletes_a_receipt_so_that_a_payment_can_be_repeated(
    ledger: VerifiedLedger, found: Any
) -> None:
    item = _receipt(ledger, "k3")
    key = {name: item[name] for name in ("scope", "key")}
    ledger.client.delete_item(TableName=ledger.tables.receipts, Key=key)
    assert found() == {("receipt", A, 15)}


def test_clerk_with_table_access_spoils_a_receipt(ledger: VerifiedLedger, found: Any) -> None:
    item = _receipt(ledger, "k2")
    del item["commit_id"]
    ledger.client.put_item(TableName=ledger.tables.receipts, Item=item)
    assert found() == {("receipt", A, 0)}


# Commands


def _command(ledger: VerifiedLedger, key: str) -> dict[str, Any]:
    (item,) = [each for each in ledger.items(ledger.tables.commands) if each["command_id"]["S"].endswith(f"/{key}")]
    return item


def _put_command(ledger: VerifiedLedger, key: str, **changed: Any) -> None:
    item = _command(ledger, key)
    for name, value in changed.items():
        if value is None:
            item.pop(name, None)
        else:
            item[name] = value
    ledger.client.put_item(TableName=ledger.tables.commands, Item=item)


def test_clerk_with_table_access_points_a_command_at_another_event(ledger: VerifiedLedger, found: Any) -> None:
    _put_command(ledger, "c1", version={"N": "2"})
    assert {("command", A, 2), ("command", A, 16)} == found()


def test_clerk_with_table_access_points_a_command_at_no_event(ledger: VerifiedLedger, found: Any) -> None:
    _put_command(ledger, "c1", version={"N": "99"})
    assert {("command", A, 99), ("command", A, 16)} == found()


def test_clerk_with_table_access_gives_a_command_another_commit(ledger: VerifiedLedger, found: Any) -> None:
    _put_command(ledger, "c1", commit_id={"S": "forged"})
    assert found() == {("command", A, 16)}


def test_clerk_with_table_access_says_that_a_rejected_command_succeeded(ledger: VerifiedLedger, found: Any) -> None:
    _put_command(ledger, "c2", status={"S": table.SUCCEEDED}, version={"N": "3"}, problem=None)
    assert found() == {("command", B, 3)}


def test_clerk_with_table_access_says_that_a_command_was_rejected(ledger: VerifiedLedger, found: Any) -> None:
    _put_command(ledger, "c1", status={"S": table.REJECTED}, version=None, balance=None, problem={"S": "{}"})
    assert found() == {("command", A, 16)}


def test_clerk_with_table_access_sets_a_command_back_so_that_it_is_repeated(ledger: VerifiedLedger, found: Any) -> None:
    _put_command(ledger, "c3", status={"S": table.PENDING}, version=None, balance=None, completed_at=None)
    assert found() == {("command", A, 17)}


def test_clerk_with_table_access_deletes_a_command(ledger: VerifiedLedger, found: Any) -> None:
    item = _command(ledger, "c1")
    key = {name: item[name] for name in ("account_id", "command_id")}
    ledger.client.delete_item(TableName=ledger.tables.commands, Key=key)
    assert found() == {("command", A, 16)}


def test_a_command_that_is_pending_for_too_long(ledger: VerifiedLedger, found: Any) -> None:
    ledger.submit(C, "AIDAEXAMPLE/old", {"type": "CreditAccount", "amount": 1})
    assert found() == set()
    ledger.now = ledger.now.replace(day=3)
    assert ("pending", C, 0) in found()


# Read models


def test_clerk_with_table_access_edits_a_balance_of_a_read_model(ledger: VerifiedLedger, found: Any) -> None:
    model = ledger.models["account_summaries"]
    (item,) = [
        each for each in ledger.items(model.table)
        if each["pk"]["S"].endswith(C) and read_model.KEPT in each
    ]  # fmt: skip
    item[read_model.KEPT] = {"S": item[read_model.KEPT]["S"].replace('"balance":', '"balance":9')}
    ledger.client.put_item(TableName=model.table, Item=item)
    assert found() == {("read-model", C, 0)}


def test_clerk_with_table_access_deletes_an_account_of_a_read_model(ledger: VerifiedLedger, found: Any) -> None:
    model = ledger.models["account_summaries"]
    (item,) = [
        each for each in ledger.items(model.table)
        if each["pk"]["S"].endswith(C) and read_model.KEPT in each
    ]  # fmt: skip
    ledger.client.delete_item(TableName=model.table, Key={name: item[name] for name in ("pk", "sk")})
    assert found() == {("read-model", C, 0)}


# The lake


def test_clerk_with_lake_access_edits_a_column_and_keeps_its_rowhash(ledger: VerifiedLedger, found: Any) -> None:
    (file,) = (ledger.lake.folder / "events").glob("*/*.parquet")
    ledger.lake.edit(
        file, correlationid=f"CASE WHEN subject = '{C}' AND streamversion = 6 THEN 'other' ELSE correlationid END"
    )
    assert found() == {("lake", C, 6)}


def test_clerk_with_lake_access_edits_an_amount(ledger: VerifiedLedger, found: Any) -> None:
    (file,) = (ledger.lake.folder / "events").glob("*/*.parquet")
    ledger.lake.edit(
        file,
        data=f"CASE WHEN subject = '{B}' AND streamversion = 3 THEN struct_update(data, amount := 999) ELSE data END",
    )
    assert found() == {("lake", B, 3)}


def test_clerk_with_lake_access_deletes_a_file(ledger: VerifiedLedger, found: Any) -> None:
    ledger.send_more(D)
    file = ledger.publish("2026-03-02")
    ledger.fold()
    ledger.seal()
    assert found() == set()
    assert file is not None
    file.unlink()
    assert found() == {("lake", D, 1)}


def test_clerk_with_lake_access_adds_an_event(ledger: VerifiedLedger, found: Any) -> None:
    ledger.lake.arrive(DAY, [event("BalanceCredited", C, 14, "2026-03-01 12:00:00", amount=5, currency="EUR")])
    assert found() == {("lake", C, 14)}


def test_clerk_with_lake_access_adds_an_account(ledger: VerifiedLedger, found: Any) -> None:
    ledger.lake.arrive(DAY, [event("AccountCreated", D, 1, "2026-03-01 12:00:00", overdraft_limit=0, currency="EUR")])
    assert found() == {("lake", D, 1)}


def test_clerk_with_lake_access_adds_a_second_content(ledger: VerifiedLedger, found: Any) -> None:
    ledger.lake.arrive(DAY, [event("BalanceCredited", C, 5, "2026-03-01 10:00:00", amount=5, currency="EUR")])
    assert found() == {("lake", C, 5)}


def test_clerk_with_lake_access_adds_an_event_of_next_year(ledger: VerifiedLedger, found: Any) -> None:
    ledger.lake.arrive(DAY, [event("BalanceCredited", C, 14, "2027-03-01 12:00:00", amount=5, currency="EUR")])
    assert found() == {("lake", C, 14)}


def test_clerk_with_lake_access_moves_an_event_to_next_year(ledger: VerifiedLedger, found: Any) -> None:
    (file,) = (ledger.lake.folder / "events").glob("*/*.parquet")
    ledger.lake.edit(
        file,
        recordedtime=f"CASE WHEN subject = '{C}' AND streamversion = 13 "
        "THEN TIMESTAMP '2027-01-01 00:00:00' ELSE recordedtime END",
    )
    assert found() == {("lake", C, 13)}


def test_clerk_with_lake_access_delivers_an_event_again(ledger: VerifiedLedger, found: Any) -> None:
    ledger._published.discard((C, 3))
    ledger.publish("2026-03-04")
    assert found() == set()


# What is not sealed


def test_operator_who_may_deploy_stops_the_sealer(ledger: VerifiedLedger, found: Any) -> None:
    ledger.send_more(D)
    ledger.publish()
    ledger.fold()
    assert found() == set()
    ledger.now += timedelta(days=2)
    assert found() == {("log", D, 1)}
    ledger.seal()
    assert found() == set()
