"""Reads the file that Athena writes of a query's result, in flat memory. The API's pages hold a thousand rows each.

The file is CSV, in UTF-8, with the columns' names in the first line. Values are quoted, NULL is an empty field without
quotes. Source: Athena user guide, "Work with query results and recent queries"; PyAthena, "NULL and Empty String
Handling" (pyathena.dev), which tells what Athena's files look like.
"""

from __future__ import annotations

import csv
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.athena.errors import AthenaUnavailableError
from lambdas.athena.queries import Row

PART_BYTES: Final = 8 * 1024 * 1024
"""Bytes of the file that are in memory at a time."""

_EMPTY: Final = "InvalidRange"


class ResultFiles:
    """Reads result files, a part at a time: whoever takes rows may take hours, and no connection waits meanwhile."""

    def __init__(self, s3: Any, *, part_bytes: int = PART_BYTES) -> None:
        self._s3 = s3
        self._part_bytes = part_bytes

    def rows(self, location: str) -> Iterator[Row]:
        """The rows of the file at `s3://bucket/key`, lazily. An empty text is read as NULL.

        Raises AthenaUnavailableError while it is iterated over.
        """
        lines = csv.reader(self._lines(location), strict=True)
        try:
            columns = next(lines, [])
            for values in lines:
                yield {name: value or None for name, value in zip(columns, values, strict=True)}
        except (csv.Error, ValueError) as error:
            raise AthenaUnavailableError(f"the result file {location} is not as Athena writes it: {error}") from error

    def _lines(self, location: str) -> Iterator[str]:
        """Lines with their ends, as `csv` wants them: a quoted value may hold line ends."""
        rest = ""
        for text in self._texts(location):
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                yield f"{line}\n"
        if rest:
            yield rest

    def _texts(self, location: str) -> Iterator[str]:
        decode = getincrementaldecoder("utf-8")().decode
        for part in self._parts(location):
            yield decode(part)
        decode(b"", final=True)

    def _parts(self, location: str) -> Iterator[bytes]:
        place = urlsplit(location)
        request: dict[str, Any] = {"Bucket": place.netloc, "Key": place.path.lstrip("/")}
        start, size = 0, 1
        while start < size:
            span = f"bytes={start}-{start + self._part_bytes - 1}"
            try:
                answer = self._s3.get_object(**request, Range=span)
                content = answer["Body"].read()
            except ClientError as error:
                if start == 0 and error.response["Error"].get("Code") == _EMPTY:
                    return
                raise AthenaUnavailableError(f"the result file {location} cannot be read: {error}") from error
            except BotoCoreError as error:
                raise AthenaUnavailableError(f"the result file {location} cannot be read: {error}") from error
            request["IfMatch"] = answer["ETag"]
            size = int(answer["ContentRange"].rpartition("/")[2])
            start += len(content)
            yield content
