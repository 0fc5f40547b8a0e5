"""Athena's result files: parts, line ends inside of values, and a sentence for each way to fail."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lambdas.athena.errors import AthenaUnavailableError
from lambdas.athena.result_file import ResultFiles

WHERE = "s3://results/some/place/1.csv"
FILE = '"a","b"\n"1","é, ""x""\n2"\n"",\n"€","z"\n'.encode()
ROWS = [{"a": "1", "b": 'é, "x"\n2'}, {"a": None, "b": None}, {"a": "€", "b": "z"}]


class Bucket:
    """A client of S3 with one object."""

    def __init__(self, content: bytes, failure: Exception | None = None) -> None:
        self.content = content
        self.failure = failure
        self.asked: list[dict[str, Any]] = []

    def get_object(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if self.failure:
            raise self.failure
        first, last = (int(each) for each in request["Range"].removeprefix("bytes=").split("-"))
        if first >= len(self.content):
            raise ClientError({"Error": {"Code": "InvalidRange", "Message": "no"}}, "GetObject")
        part = self.content[first : last + 1]
        where = f"bytes {first}-{first + len(part) - 1}/{len(self.content)}"
        return {"Body": io.BytesIO(part), "ETag": '"1"', "ContentRange": where}


@pytest.mark.parametrize("part_bytes", [1, 2, 3, 7, len(FILE) - 1, len(FILE), 1000])
def test_rows_whatever_the_parts_are(part_bytes: int) -> None:
    bucket = Bucket(FILE)
    assert list(ResultFiles(bucket, part_bytes=part_bytes).rows(WHERE)) == ROWS
    assert len(bucket.asked) == -(-len(FILE) // part_bytes)
    assert all((each["Bucket"], each["Key"]) == ("results", "some/place/1.csv") for each in bucket.asked)
    assert all(each["IfMatch"] == '"1"' for each in bucket.asked[1:])


def test_a_part_is_read_when_its_rows_are_wanted() -> None:
    bucket = Bucket(b'"a"\n' + b'"1"\n' * 100)
    rows = ResultFiles(bucket, part_bytes=40).rows(WHERE)
    assert next(rows) == {"a": "1"}
    assert len(bucket.asked) == 1


@pytest.mark.parametrize("content", [b"", b'"a","b"\n'])
def test_no_rows(content: bytes) -> None:
    assert list(ResultFiles(Bucket(content)).rows(WHERE)) == []


@pytest.mark.parametrize(
    "content", [b'"a","b"\n"1"\n', b'"a"\n"1', b'"a"\n"1"x\n', b'"a"\n"\xff"\n', b'"a"\n"\xe2\x82']
)
def test_what_athena_would_not_write(content: bytes) -> None:
    with pytest.raises(AthenaUnavailableError, match="is not as Athena writes it"):
        list(ResultFiles(Bucket(content)).rows(WHERE))


def test_a_file_that_cannot_be_read() -> None:
    missing = ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
    for failure in (missing, EndpointConnectionError(endpoint_url="x")):
        with pytest.raises(AthenaUnavailableError, match="cannot be read"):
            list(ResultFiles(Bucket(FILE, failure)).rows(WHERE))
