"""What is to be sealed, asked of a lake of real files in Athena's dialect, and read from result files."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lambdas.athena.errors import AthenaUnavailableError
from lambdas.athena.queries import Athena
from lambdas.athena.result_file import ResultFiles
from lambdas.transparency.deciding import Restore, SealableRow, decide
from lambdas.transparency.findings import Findings
from lambdas.transparency.lake_rows import LakeRows
from lambdas.transparency.leaves import RestoredLeaf
from local.athena.results import athenas
from tests.unit.analytics.lake import Lake, event, restored, revocation
from tests.unit.transparency.test_deciding import Log

A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
EUR: dict[str, Any] = {"currency": "EUR", "amount": 1}


class AthenaOnFiles:
    """Clients of Athena and of S3: a statement runs when it is started, and its result is a file of Athena's form."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.started: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self._files: dict[str, bytes] = {}

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        self.before(request["QueryString"])
        self.started.append(request["QueryString"])
        rows = self.lake.sql(request["QueryString"])
        execution = str(len(self.started))
        self._files[f"q/{execution}.csv"] = athenas(*_emulators(rows))
        return {"QueryExecutionId": execution}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
        place = {"OutputLocation": f"s3://results/q/{QueryExecutionId}.csv"}
        return {"QueryExecution": {"Status": {"State": "SUCCEEDED"}, "ResultConfiguration": place}}

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        content = self._files[Key]
        return {"Body": io.BytesIO(content), "ETag": "1", "ContentRange": f"bytes 0-{len(content)}/{len(content)}"}


def _emulators(rows: list[dict[str, Any]]) -> tuple[str, str]:
    """A result file and the one beside it, as the emulator writes them."""
    names = list(rows[0]) if rows else ["nothing"]
    kinds = ["timestamp" if isinstance(each, datetime) else "varchar" for each in (rows[0].values() if rows else [""])]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([names, *(each.values() for each in rows)])
    return out.getvalue(), f"{','.join(names)}\n{','.join(kinds)}"


@pytest.fixture
def athena(tmp_path: Path) -> AthenaOnFiles:
    return AthenaOnFiles(Lake(tmp_path))


def sealable(
    athena: AthenaOnFiles, from_dt: str = "0000", through: str = "2026-03-09T00:00:00.000Z", from_account: str = ""
) -> Any:
    client: Any = athena
    lake = LakeRows(Athena(client, workgroup="sealing", database="lake"), ResultFiles(client))
    rows, restores = lake.sealable(from_dt=from_dt, from_account=from_account, through=through, time_left=lambda: 60.0)
    return list(rows), list(restores)


def row(account: str, version: int, dt: str, recorded: str) -> SealableRow:
    return SealableRow(
        account, version, b64encode(sha256(f"{account}/{version}".encode()).digest()).decode(), dt, recorded
    )


def test_rows_come_in_order_each_content_once_with_the_first_day_of_its_arrival(athena: AthenaOnFiles) -> None:
    first = event("AccountCreated", B, 1, "2026-03-01 08:00:00.007", overdraft_limit=0, currency="EUR")
    ten = event("BalanceCredited", A, 10, "2026-03-01 08:00:00", **EUR)
    nine = event("BalanceCredited", A, 9, "2026-03-01 08:00:00", **EUR)
    athena.lake.arrive("2026-03-02", [first, ten, ten])
    athena.lake.arrive("2026-03-01", [nine, ten])
    rows, restores = sealable(athena)
    assert rows == [
        row(A, 9, "2026-03-01", "2026-03-01T08:00:00.000Z"),
        row(A, 10, "2026-03-01", "2026-03-01T08:00:00.000Z"),
        row(B, 1, "2026-03-02", "2026-03-01T08:00:00.007Z"),
    ]
    assert restores == []


def test_two_hashes_of_a_version_are_two_rows(athena: AthenaOnFiles) -> None:
    one = event("BalanceCredited", A, 1, "2026-03-01 08:00:00", **EUR)
    other = msgspec.structs.replace(one, rowhash=b64encode(bytes(32)).decode())
    athena.lake.arrive("2026-03-01", [one, other])
    assert sorted(each.hash for each in sealable(athena)[0]) == sorted([one.rowhash, other.rowhash])


def test_only_days_from_one_on_and_moments_up_to_one(athena: AthenaOnFiles) -> None:
    for day in (1, 2, 3):
        athena.lake.arrive(f"2026-03-0{day}", [event("BalanceCredited", A, day, f"2026-03-0{day} 08:00:00.000", **EUR)])
    assert [each.version for each in sealable(athena, from_dt="2026-03-02")[0]] == [2, 3]
    assert [each.version for each in sealable(athena, through="2026-03-02T08:00:00.000Z")[0]] == [1, 2]
    assert [each.version for each in sealable(athena, through="2026-03-02T07:59:59.999Z")[0]] == [1]


def test_only_accounts_from_one_on(athena: AthenaOnFiles) -> None:
    athena.lake.arrive(
        "2026-03-01", [event("BalanceCredited", each, 1, "2026-03-01 08:00:00", **EUR) for each in (A, B)]
    )
    assert [each.account_id for each in sealable(athena, from_account=B)[0]] == [B]
    assert [each.account_id for each in sealable(athena, from_account=A)[0]] == [A, B]


def test_what_is_revoked_is_left_out_and_restores_are_told(athena: AthenaOnFiles) -> None:
    events = [event("BalanceCredited", A, version, "2026-03-01 08:00:00", **EUR) for version in (1, 2, 3)]
    athena.lake.arrive("2026-03-01", [*events, restored(A, 1, "2026-03-02 10:00:00")])
    athena.lake.revoke(revocation(B, 0, "2026-03-02 10:00:00.123"), revocation(A, 1, "2026-03-02 10:00:00.123"))
    athena.lake.revoke(revocation(A, 7, "2026-03-03 10:00:00", generation=10))
    rows, restores = sealable(athena)
    assert [each.version for each in rows] == [1]
    assert restores == [
        Restore(A, 2, 1, "2026-03-02T10:00:00.123Z"),
        Restore(A, 10, 7, "2026-03-03T10:00:00.000Z"),
        Restore(B, 2, 0, "2026-03-02T10:00:00.123Z"),
    ]
    leaves = list(decide(rows, restores, Log(), Findings("")))
    assert [isinstance(each, RestoredLeaf) for each in leaves] == [False, True]


def test_what_is_no_event_of_an_account_is_left_out(athena: AthenaOnFiles) -> None:
    """Somebody who may write to the lake's bucket cannot stop the sealer with such rows."""
    events = [event("BalanceCredited", A, version, "2026-03-01 08:00:00", **EUR) for version in (1, 2, 3, 4)]
    for changed, expression in (
        ("subject", "NULL"),
        ("streamversion", "NULL"),
        ("streamversion", "0"),
        ("rowhash", "NULL"),
    ):
        athena.lake.edit(athena.lake.arrive("2026-03-01", events), **{changed: expression})
    assert sealable(athena) == ([], [])


def test_restores_are_asked_for_after_the_rows_were_found(athena: AthenaOnFiles) -> None:
    """One that is announced between the two questions is known: its account's rows are held against it."""
    athena.lake.arrive("2026-03-01", [event("BalanceCredited", A, v, "2026-03-01 08:00:00", **EUR) for v in (1, 2)])

    def announce(sql: str) -> None:
        if athena.started:
            athena.lake.revoke(revocation(A, 1, "2026-03-02 10:00:00"))

    athena.before = announce
    rows, restores = sealable(athena)
    assert [each.version for each in rows] == [1, 2]
    assert len(restores) == 1
    assert [getattr(each, "version", "R") for each in decide(rows, restores, Log(), Findings(""))] == [1, "R"]


@pytest.mark.parametrize("changed", [{"version": "x"}, {"recorded_at": ""}, {"recorded_at": "soon"}, {"arrived": None}])
def test_another_answer_than_that_of_the_query(
    changed: dict[str, str | None], athena: AthenaOnFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"account_id": A, "version": "1", "rowhash": "x", "arrived": "d", "recorded_at": "2026-03-01 08:00:00"}
    answer = {name: value for name, value in {**given, **changed}.items() if value is not None}
    monkeypatch.setattr(athena.lake, "sql", lambda _: [answer])
    with pytest.raises(AthenaUnavailableError, match="is not that of sealable"):
        sealable(athena)
