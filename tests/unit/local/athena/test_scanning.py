"""Bytes scanned: only the columns, the fields of structs and the partitions that a statement needs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest

from local.athena.footers import Footers, Snapshot, column_sizes
from local.athena.scanning import DataFile, bytes_scanned
from local.athena.tables import Table

TABLE = Table(
    "db", "events", {"id": "string", "n": "bigint", "data": "struct<amount:bigint,text:string>", "dt": "string"}, "s3://x/"
)  # fmt: skip
SIZES = {"id": 1000, "n": 100, "data.amount": 10, "data.text": 1}
FILES = [DataFile({"dt": f"2026-03-0{day}"}, SIZES) for day in (1, 2, 2, 3)]


@pytest.mark.parametrize(
    ("sql", "scanned"),
    [
        ("SELECT id FROM {}", 4 * 1000),
        ("SELECT * FROM {}", 4 * 1111),
        ("SELECT data.amount FROM {}", 4 * 10),
        ("SELECT data FROM {}", 4 * 11),
        ("SELECT sum(a) FROM (SELECT data.amount AS a, id FROM {})", 4 * 10),
        ("SELECT n FROM {} WHERE dt = '2026-03-02'", 2 * 100),
        ("SELECT n FROM {} WHERE dt BETWEEN '2026-03-02' AND '2026-03-09'", 3 * 100),
        ("SELECT n FROM {} WHERE dt > '2027'", 0),
        ("SELECT n FROM {} WHERE id = 'x'", 4 * 1100),
        (
            (
                "SELECT n FROM (SELECT *, row_number() OVER (PARTITION BY id) AS d FROM {} WHERE dt < '2026-03-02')"
                " WHERE d = 1"
            ),
            1100,
        ),
        ("SELECT a.n FROM {0} AS a JOIN {0} AS b ON a.n = b.n", 2 * 4 * 100),
        ("SELECT dt FROM {}", 0),
    ],
)
def test_bytes_scanned(sql: str, scanned: int) -> None:
    assert bytes_scanned(TABLE, FILES, sql.format) == scanned


def test_a_table_without_partitions_is_read_as_a_whole(tmp_path: Path) -> None:
    table = Table("db", "flat", {"id": "string", "n": "bigint"}, "s3://x/")
    files = [DataFile({}, {"id": 1000, "n": 100})] * 2
    assert bytes_scanned(table, files, "SELECT n FROM {}".format) == 200
    path = tmp_path / "year=2026" / "a.parquet"
    path.parent.mkdir()
    duckdb.execute(f"COPY (SELECT 1 AS n) TO '{path}' (FORMAT parquet)")
    relation = Snapshot([DataFile({}, {})], [path]).relation
    assert duckdb.execute(f"SELECT * FROM {relation}").fetchall() == [(1,)]


def test_nothing_is_scanned_in_a_table_without_files() -> None:
    assert bytes_scanned(TABLE, [], lambda _: pytest.fail("there is nothing to plan")) == 0


def test_sizes_are_those_in_the_footers(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = "SELECT range AS n, {'amount': range, 'text': 'x'} AS data FROM range(1000)"
    duckdb.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    sizes = column_sizes([path])[path]
    assert set(sizes) == {"n", "data.amount", "data.text"}
    assert sizes["n"] > sizes["data.text"] > 0
    assert sum(sizes.values()) < path.stat().st_size
    assert column_sizes([]) == {}


class Bucket:
    """As much of S3 as is used. `fetched` are the keys that were read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.fetched: list[str] = []

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, **_: str) -> list[dict[str, Any]]:
        keys = sorted(str(path.relative_to(self._folder)) for path in self._folder.rglob("*.parquet"))
        return [{"Contents": [{"Key": key}]} for key in keys]

    def get_object(self, *, Key: str, **_: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.fetched.append(Key)
        return {"Body": BytesIO((self._folder / Key).read_bytes())}


class Lake:
    """A lake of one table: the number in each object, and the rows that a query would see."""

    location = "s3://lake/events/"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bucket = Bucket(folder)
        self.footers = Footers(self.bucket)

    def object(self, day: str, name: str) -> Path:
        return self._folder / "events" / f"dt={day}" / f"{name}.parquet"

    def put(self, day: str, name: str, *, column: str = "n", value: int = 7) -> None:
        path = self.object(day, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        duckdb.execute(f"COPY (SELECT {value} AS {column}) TO '{path}' (FORMAT parquet)")

    def rows(self) -> list[tuple[Any, ...]]:
        relation = self.footers.snapshot(self.location).relation
        return duckdb.execute(f"SELECT dt, count(*) FROM {relation} GROUP BY dt ORDER BY dt").fetchall()


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Lake(tmp_path / "s3")


def test_each_object_is_fetched_once_and_its_rows_are_kept(lake: Lake) -> None:
    lake.put("2026-03-01", "a")
    lake.put("2026-03-01", "b")
    lake.put("2026-03-02", "a")
    assert lake.rows() == [("2026-03-01", 2), ("2026-03-02", 1)]
    lake.put("2026-03-02", "b", column="added_later")
    assert lake.rows() == [("2026-03-01", 2), ("2026-03-02", 2)]
    assert len(lake.bucket.fetched) == len(set(lake.bucket.fetched)) == 4
    assert [file.partition for file in lake.footers.snapshot(lake.location).files] == [
        {"dt": "2026-03-01"}, {"dt": "2026-03-01"}, {"dt": "2026-03-02"}, {"dt": "2026-03-02"}
    ]  # fmt: skip


def test_a_query_that_runs_reads_what_it_was_given(lake: Lake) -> None:
    lake.put("2026-03-01", "a")
    running = lake.footers.snapshot(lake.location)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in running.paths}
    for number in range(25):  # more than are kept as they are
        lake.put("2026-03-01", f"b{number:02}")
        lake.footers.snapshot(lake.location)
    lake.object("2026-03-01", "a").unlink()
    lake.footers.snapshot(lake.location)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in running.paths} == before
    assert duckdb.execute(f"SELECT count(*) FROM {running.relation}").fetchall() == [(1,)]


def test_many_small_fetches_do_not_become_many_files(lake: Lake) -> None:
    for number in range(25):
        lake.put("2026-03-01", f"{number:02}", value=number)
        found = lake.footers.snapshot(lake.location)
    assert len(found.paths) <= 20
    assert len(found.files) == len(lake.bucket.fetched) == 25
    assert duckdb.execute(f"SELECT sum(n), count(*) FROM {found.relation}").fetchall() == [(sum(range(25)), 25)]


def test_rows_of_a_deleted_object_are_gone_and_those_fetched_with_it_stay(lake: Lake) -> None:
    for day in ("2026-03-01", "2026-03-02"):
        for name in ("a", "b", "c"):
            lake.put(day, name)
    lake.rows()
    lake.object("2026-03-01", "b").unlink()
    assert lake.rows() == [("2026-03-01", 2), ("2026-03-02", 3)]
    for name in ("a", "c"):
        lake.object("2026-03-01", name).unlink()
    assert lake.rows() == [("2026-03-02", 3)]
    assert len(lake.footers.snapshot(lake.location).files) == 3


def test_a_fetch_that_breaks_off_leaves_no_row_out_and_none_twice(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("2026-03-01", "2026-03-02", "2026-03-03"):
        lake.put(day, "a")
        lake.put(day, "b")
    fetch = lake.bucket.get_object
    broken = {"events/dt=2026-03-02/b.parquet"}

    def get_object(*, Key: str, **_: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        if Key in broken:
            raise ConnectionError(Key)
        return fetch(Key=Key)

    monkeypatch.setattr(lake.bucket, "get_object", get_object)
    with pytest.raises(ConnectionError):
        lake.rows()
    broken.clear()
    assert lake.rows() == [("2026-03-01", 2), ("2026-03-02", 2), ("2026-03-03", 2)]
    assert [key for key in lake.bucket.fetched if "03-01" in key] == [
        "events/dt=2026-03-01/a.parquet",
        "events/dt=2026-03-01/b.parquet",
    ], "what was fetched to the end is known"
