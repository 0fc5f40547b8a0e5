"""Result files as Athena writes them, from those of the emulator.

Athena writes `<place of results>/<query>.csv`, quotes every value and leaves NULL empty. The emulator names that place,
writes to `<query>.csv/<query>.csv`, quotes what it must, and writes values as Python does; an empty text is lost there:
it becomes NULL. Source: Athena user guide, "Find query output files in Amazon S3"; pyathena.dev, "NULL and Empty String
Handling".
"""

import csv
import io
from typing import Any
from urllib.parse import urlsplit

from local.athena.answers import value_text


class ResultFiles:
    """Puts result files where the answers of the emulator say that they are, each once."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self._written: set[str] = set()

    def write(self, location: str) -> None:
        """The file of a query that succeeded, at `s3://bucket/key`."""
        if location in self._written:
            return
        place = urlsplit(location)
        bucket, key = place.netloc, place.path.lstrip("/")
        theirs = f"{key}/{key.rpartition('/')[2]}"
        content, kinds = self._read(bucket, theirs), self._read(bucket, f"{theirs}.metadata")
        self._s3.put_object(Bucket=bucket, Key=key, Body=athenas(content, kinds), ContentType="text/csv")
        self._written.add(location)

    def _read(self, bucket: str, key: str) -> str:
        content: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content.decode()


def athenas(content: str, metadata: str) -> bytes:
    """The emulator's result file in Athena's form. `metadata` is the file beside it: names of columns, and types."""
    kinds = metadata.splitlines()[-1].split(",")
    names, *rows = csv.reader(io.StringIO(content, newline=""))
    lines = [_line(names)]
    lines += [_line([_text(kind, each) for kind, each in zip(kinds, row, strict=True)]) for row in rows]
    return "".join(lines).encode()


def _text(kind: str, value: str) -> str:
    return value.lower() if kind == "boolean" else value_text(kind, value)


def _line(values: list[str]) -> str:
    quoted = ('"' + value.replace('"', '""') + '"' if value else "" for value in values)
    return ",".join(quoted) + "\n"
