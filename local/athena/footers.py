"""Sizes of column chunks from the footers of Parquet files, read once for each object of the lake."""

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from local.athena.scanning import DataFile


def column_sizes(files: list[Path]) -> dict[Path, dict[str, int]]:
    """For each Parquet file, the compressed bytes of each column; fields of a struct as `struct.field`."""
    if not files:
        return {}
    found: dict[Path, dict[str, int]] = {path: {} for path in files}
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT file_name, path_in_schema, sum(total_compressed_size) FROM parquet_metadata(?) GROUP BY ALL",
            [[str(path) for path in files]],
        ).fetchall()
    for name, column, size in rows:
        found[Path(name)][column.replace(", ", ".")] = int(size)
    return found


class Footers:
    """The files below a place in S3. Objects never change, so each is fetched once, and kept for the queries.

    What one call fetches becomes one file a partition: the emulator's Firehose writes a file for each record, and
    reading thousands of them for every query would take seconds.
    """

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self._known: dict[str, DataFile] = {}
        self._kept = Path(tempfile.mkdtemp(prefix="daybook-lake-"))
        self._batches = 0

    def files(self, location: str) -> list[DataFile]:
        """All files under `s3://bucket/prefix/`, whose folders are named `column=value`."""
        place = urlsplit(location)
        prefix = place.path.strip("/") + "/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=prefix)
        keys = [each["Key"] for page in pages for each in page.get("Contents", []) if not each["Key"].endswith("/")]
        self._fetch(place.netloc, prefix, [key for key in keys if f"{place.netloc}/{key}" not in self._known])
        return [self._known[f"{place.netloc}/{key}"] for key in keys]

    def relation(self, location: str, partition: list[str]) -> str:
        """DuckDB's table function over the rows of all files that were fetched."""
        place = urlsplit(location)
        folder = self._kept / place.netloc / place.path.strip("/")
        types = ", ".join(f"'{name}': VARCHAR" for name in partition)
        return f"read_parquet('{folder}/**/*.parquet', union_by_name = true, hive_types = {{{types}}})"

    def _fetch(self, bucket: str, prefix: str, keys: list[str]) -> None:
        with tempfile.TemporaryDirectory(prefix="daybook-footers-") as folder:
            paths = {key: Path(folder) / f"{number}.parquet" for number, key in enumerate(keys)}
            for key, path in paths.items():
                path.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            sizes = column_sizes(list(paths.values()))
            for place in {key.rpartition("/")[0] for key in keys}:
                self._keep(bucket, place, [path for key, path in paths.items() if key.rpartition("/")[0] == place])
            for key, path in paths.items():
                folders = [part.split("=", 1) for part in key.removeprefix(prefix).split("/")[:-1] if "=" in part]
                self._known[f"{bucket}/{key}"] = DataFile({name: value for name, value in folders}, sizes[path])  # noqa: C416

    def _keep(self, bucket: str, place: str, paths: list[Path]) -> None:
        self._batches += 1
        folder = self._kept / bucket / place
        folder.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            rows = connection.read_parquet([str(path) for path in paths], union_by_name=True)
            rows.write_parquet(str(folder / f"{self._batches}.parquet"))
