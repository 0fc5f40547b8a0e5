"""The files of a table: the sizes of their column chunks, and local copies of their rows for DuckDB."""

import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from local.athena.scanning import DataFile, hive_types

_MOST_BATCHES = 20


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


@dataclass(frozen=True)
class Snapshot:
    """The files of a table at one moment, and local `paths` of files that hold all their rows."""

    files: list[DataFile]
    paths: list[Path]

    @property
    def relation(self) -> str:
        """DuckDB's table function over the rows. There must be at least one file; its folder may name no partition."""
        paths = ", ".join(f"'{path}'" for path in self.paths)
        return f"read_parquet([{paths}], union_by_name = true{hive_types(self.files[0].partition)})"


@dataclass(frozen=True)
class _Batch:
    """Objects of one partition by key, and the file that holds the rows of all of them."""

    files: Mapping[str, DataFile]
    path: Path


class Footers:
    """The objects below a prefix in S3. They never change, so each is fetched once and cached.

    The objects that one call fetches become one file for each partition: the emulator's Firehose writes an object for
    each record, and reading thousands of them for every query would take seconds. Such a file is written once, under a
    unique name, and is never removed, so that a running query can read it although objects are added or deleted.
    """

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self._batches: dict[str, list[_Batch]] = defaultdict(list)
        self._kept = Path(tempfile.mkdtemp(prefix="daybook-lake-"))
        self._written = 0

    def snapshot(self, location: str) -> Snapshot:
        """All files under `s3://bucket/prefix/`, whose folders are named `column=value`."""
        place = urlsplit(location)
        prefix = place.path.strip("/") + "/"
        listed = self._listed(place.netloc, prefix)
        for folder, keys in listed.items():
            partition = dict(each.split("=", 1) for each in folder.split("/") if "=" in each)
            self._bring_up(folder, keys, partition)
        batches = [each for folder in sorted(listed) for each in self._batches[folder]]
        files = {key: file for each in batches for key, file in each.files.items()}
        return Snapshot([files[key] for key in sorted(files)], [each.path for each in batches])

    def _listed(self, bucket: str, prefix: str) -> dict[str, set[str]]:
        """Keys by folder, the bucket's name before it."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found: dict[str, set[str]] = defaultdict(set)
        for each in (each for page in pages for each in page.get("Contents", []) if not each["Key"].endswith("/")):
            found[f"{bucket}/{each['Key'].rpartition('/')[0]}"].add(each["Key"])
        return found

    def _bring_up(self, folder: str, keys: set[str], partition: Mapping[str, str]) -> None:
        """Cache exactly these objects of a folder. A batch with a deleted object is not read any more."""
        batches = [each for each in self._batches[folder] if each.files.keys() <= keys]
        new = sorted(keys - {key for batch in batches for key in batch.files})
        if new:
            batches.append(self._fetch(folder, new, partition))
        if len(batches) > _MOST_BATCHES:
            files = {key: file for batch in batches for key, file in batch.files.items()}
            batches = [_Batch(files, self._merge(folder, [batch.path for batch in batches]))]
        self._batches[folder] = batches

    def _fetch(self, folder: str, keys: list[str], partition: Mapping[str, str]) -> _Batch:
        with tempfile.TemporaryDirectory(prefix="daybook-footers-") as fetched:
            paths = {key: Path(fetched) / f"{number}.parquet" for number, key in enumerate(keys)}
            for key, path in paths.items():
                content = self._s3.get_object(Bucket=folder.partition("/")[0], Key=key)["Body"].read()
                path.write_bytes(content)
            sizes = column_sizes(list(paths.values()))
            merged = self._merge(folder, list(paths.values()))
        return _Batch({key: DataFile(partition, sizes[path]) for key, path in paths.items()}, merged)

    def _merge(self, folder: str, paths: list[Path]) -> Path:
        self._written += 1
        merged = self._kept / folder / f"{self._written}.parquet"
        merged.parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            rows = connection.read_parquet([str(path) for path in paths], union_by_name=True, hive_partitioning=False)
            rows.write_parquet(str(merged))
        return merged
