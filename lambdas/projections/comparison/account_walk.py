"""Walks the accounts that stand in one generation of a read model, and finds those that should not.

Only operators walk, no function may. A Scan is charged for the whole table, of all generations: half a read unit for
4 KB, since it is eventually consistent. Source: Amazon DynamoDB Developer Guide, "Scanning tables".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, Protocol

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.projections.dynamodb import table
from lambdas.projections.errors import ReadModelUnavailableError

BUCKETS: Final = 1 << 14


class AccountWalk(Protocol):
    """The accounts of which something is kept in a generation. Safe to use from several threads."""

    def pages(self, generation: int, segment: int, segments: int) -> Iterator[list[str]]:
        """Their ids, a page at a time, of one segment of the table. Raises ReadModelUnavailableError."""
        ...


class TableAccounts:
    """An AccountWalk on the table of a read model, by Scan, with a client that retries by itself."""

    def __init__(self, client: Any, table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def pages(self, generation: int, segment: int, segments: int) -> Iterator[list[str]]:
        """See AccountWalk.pages."""
        request: dict[str, Any] = {
            "TableName": self._table_name,
            "Segment": segment,
            "TotalSegments": segments,
            "ReturnConsumedCapacity": "TOTAL",
            "ProjectionExpression": "#pk",
            "FilterExpression": "begins_with(#pk, :generation) AND attribute_exists(#kept)",
            "ExpressionAttributeNames": {"#pk": table.HASH_KEY, "#kept": table.KEPT},
            "ExpressionAttributeValues": {":generation": {"S": f"{generation}#"}},
        }
        while True:
            answer = self._scan(request)
            yield [table.account_of(item[table.HASH_KEY]["S"]) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _scan(self, request: Mapping[str, Any]) -> Any:
        try:
            return self._client.scan(**request)
        except FAILURES as error:
            raise ReadModelUnavailableError(f"The read model cannot be scanned: {error}") from error


class AccountSet:
    """What tells whether two sets of accounts are equal, and about where not, in a memory that does not grow.

    Accounts are spread over buckets by their SHA-256; of each bucket the number of accounts and the sum of their hashes
    are kept. Sets that differ have a bucket that differs, but for one chance in 2^64.
    """

    def __init__(self) -> None:
        self._sums = [0] * BUCKETS

    def add(self, account_id: str) -> None:
        """Each account once."""
        bucket, number = _place(account_id)
        self._sums[bucket] += (1 << 64) + number

    def merge(self, other: AccountSet) -> None:
        """Add all accounts of another set, which has none in common with this one."""
        self._sums = [mine + its for mine, its in zip(self._sums, other._sums, strict=True)]

    def differing(self, other: AccountSet) -> frozenset[int]:
        """The buckets in which the sets differ."""
        return frozenset(
            bucket for bucket, (mine, its) in enumerate(zip(self._sums, other._sums, strict=True)) if mine != its
        )

    @staticmethod
    def within(buckets: frozenset[int], account_ids: Iterable[str]) -> Iterator[str]:
        """Those of the accounts that stand in one of the buckets."""
        return (each for each in account_ids if _place(each)[0] in buckets)


def _place(account_id: str) -> tuple[int, int]:
    digest = sha256(account_id.encode()).digest()
    return int.from_bytes(digest[:2]) % BUCKETS, int.from_bytes(digest[8:16])
