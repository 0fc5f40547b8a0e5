"""Bytes scanned: only the columns, the fields of structs and the partitions that a statement needs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest

from local.athena.footers import Footers, column_sizes
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


def test_each_object_is_fetched_once_and_its_rows_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bucket = Bucket(tmp_path / "s3")
    footers = Footers(bucket)

    def put(day: str, name: str, column: str) -> None:
        place = tmp_path / "s3" / "events" / f"dt={day}"
        place.mkdir(parents=True, exist_ok=True)
        duckdb.execute(f"COPY (SELECT 7 AS {column}) TO '{place / name}.parquet' (FORMAT parquet)")

    def rows() -> list[tuple[Any, ...]]:
        footers.files("s3://lake/events/")
        relation = footers.relation("s3://lake/events/", ["dt"])
        return duckdb.execute(f"SELECT dt, count(*) FROM {relation} GROUP BY dt ORDER BY dt").fetchall()

    put("2026-03-01", "a", "n")
    put("2026-03-01", "b", "n")
    put("2026-03-02", "a", "n")
    assert rows() == [("2026-03-01", 2), ("2026-03-02", 1)]
    put("2026-03-02", "b", "added_later")
    assert rows() == [("2026-03-01", 2), ("2026-03-02", 2)]
    assert len(bucket.fetched) == len(set(bucket.fetched)) == 4
    assert footers.files("s3://lake/events/")[0].partition == {"dt": "2026-03-01"}
