"""The walk over the accounts of a generation, and sets of accounts in a memory that does not grow."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.comparison.account_walk import BUCKETS, AccountSet, AccountWalk, TableAccounts
from lambdas.projections.control import Control
from lambdas.projections.errors import ReadModelUnavailableError
from lambdas.projections.memory import MemoryAccounts, MemoryReadModel, MemoryTable
from lambdas.projections.read_model import AccountRow, Gate
from tests.support.account_rows import row
from tests.support.dynamodb_tables import create_read_model_table, moto_client
from tests.support.event_rows import account_id
from tests.support.fake_dynamodb import client_error
from tests.support.read_models import table_ports
from tests.support.rebuilding import AT

IDS = [account_id(number) for number in range(30)]


def fill(rows: Any) -> None:
    """Two generations, of which the number of the other begins with that of the first."""
    for generation, ids in ((1, IDS), (12, [account_id(99)])):
        for each in ids:
            after = row(each, 1)
            rows.save(generation, AccountRow(each), after, {"EUR#x": {"n": 1}}, Deadline())
    nothing = account_id(98)
    rows.save(1, AccountRow(nothing), AccountRow(nothing, Gate(stopped="at its first event")), {}, Deadline())


@pytest.fixture(params=["memory", "moto"])
def walk(request: pytest.FixtureRequest) -> Iterator[AccountWalk]:
    if request.param == "memory":
        table = MemoryTable()
        fill(MemoryReadModel(table))
        yield MemoryAccounts(table)
        return
    with moto_client() as client:
        name = create_read_model_table(client)
        ports = table_ports(client, name, ACCOUNT_SUMMARIES)
        fill(ports.rows)
        ports.control.change(Control(), Control().started("first", segments=1, at=AT))
        assert ports.rows.defer(1, account_id(50), "first", Deadline())
        yield TableAccounts(client, name)


@pytest.mark.parametrize("segments", [1, 3])
def test_every_account_of_the_generation_comes_once(walk: AccountWalk, segments: int) -> None:
    """And nothing else that stands in the table."""
    found = [each for segment in range(segments) for page in walk.pages(1, segment, segments) for each in page]
    assert sorted(found) == IDS


def test_pages_are_read_to_the_end() -> None:
    answers = [
        {"Items": [{"pk": {"S": "1#a"}}], "LastEvaluatedKey": {"pk": {"S": "1#a"}}},
        {"Items": [], "LastEvaluatedKey": {"pk": {"S": "1#b"}}},
        {"Items": [{"pk": {"S": "1#c"}}]},
    ]
    starts: list[Any] = []

    class Paged:
        def scan(self, **request: Any) -> Any:
            starts.append(request.get("ExclusiveStartKey", {}).get("pk", {}).get("S"))
            return answers[len(starts) - 1]

    assert list(TableAccounts(Paged(), "table").pages(1, 0, 1)) == [["a"], [], ["c"]]
    assert starts == [None, "1#a", "1#b"]


def test_what_the_table_does_not_answer_is_told() -> None:
    class Denying:
        def scan(self, **_: Any) -> Any:
            raise client_error("AccessDenied", "Scan")

    with pytest.raises(ReadModelUnavailableError, match="AccessDenied"):
        list(TableAccounts(Denying(), "table").pages(1, 0, 1))


def a_set(ids: list[str]) -> AccountSet:
    found = AccountSet()
    for each in ids:
        found.add(each)
    return found


class TestAccountSets:
    """Sums in buckets."""

    def test_equal_sets_have_no_bucket_that_differs(self) -> None:
        shuffled = random.Random(1).sample(IDS, len(IDS))
        assert a_set(IDS).differing(a_set(shuffled)) == frozenset()

    def test_sets_in_parts_are_the_whole(self) -> None:
        whole = a_set(IDS[:7])
        whole.merge(a_set(IDS[7:]))
        assert not whole.differing(a_set(IDS))

    @pytest.mark.parametrize("without", range(len(IDS)))
    def test_one_that_is_not_in_both_is_within_the_buckets_that_differ(self, without: int) -> None:
        buckets = a_set(IDS).differing(a_set(IDS[:without] + IDS[without + 1 :]))
        assert len(buckets) == 1
        assert IDS[without] in set(AccountSet.within(buckets, IDS))

    def test_another_in_its_place_in_the_same_bucket_is_noticed(self) -> None:
        """The number of both is the same."""
        (bucket,) = a_set([IDS[0]]).differing(AccountSet())
        other = next(each for each in map(account_id, range(1000, 40 * BUCKETS)) if a_set_of_one_is_in(bucket, each))
        assert a_set([IDS[0]]).differing(a_set([other])) == {bucket}


def a_set_of_one_is_in(bucket: int, account: str) -> bool:
    return bool(list(AccountSet.within(frozenset([bucket]), [account])))
