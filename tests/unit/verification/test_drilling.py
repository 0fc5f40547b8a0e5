"""Where sums differ, accounts and versions are named, and no more is looked into than fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from lambdas.verification.drilling import AT_ONCE, DRILLED, DRILLED_ACCOUNTS, Texts, Words, drill
from lambdas.verification.results import Progress, SegmentResult
from lambdas.verification.sums import BUCKETS, MODULUS, Sums, bucket_of, number_of

WORDS = Words(kind="lake", missing="missing", unknown="unknown", differs="differs", several="several", place="the lake")


class Side:
    """Events by account and version. It notes how many accounts it is asked for at a time."""

    def __init__(self, events: Mapping[str, Mapping[int, Sequence[str]]]) -> None:
        self.held = events
        self.asked: list[int] = []

    def accounts(self, buckets: frozenset[int]) -> Mapping[str, int]:
        return {each: total(events) for each, events in self.held.items() if bucket_of(each) in buckets}

    def events(self, account_ids: Sequence[str]) -> Texts:
        self.asked.append(len(account_ids))
        return {each: self.held[each] for each in account_ids if each in self.held}

    def sums(self) -> Sums:
        found = Sums()
        for account, events in self.held.items():
            found.add(account, total(events), len(events))
        return found


def total(events: Mapping[int, Sequence[str]]) -> int:
    return sum(number_of("salt", text) for texts in events.values() for text in texts) % MODULUS


def found(table: Side, other: Side) -> list[tuple[str, int, str]]:
    findings = drill(table, other, table.sums().differing(other.sums()), WORDS)
    assert findings.total == len(findings.named)
    return [(each.subject, each.version, each.text) for each in findings.named]


@pytest.mark.parametrize(
    ("mine", "its", "told"),
    [
        ({1: ["a"], 2: ["b"]}, {1: ["a"]}, (2, "missing")),
        ({1: ["a"]}, {1: ["a"], 2: ["b"]}, (2, "unknown")),
        ({1: ["a"]}, {1: ["x"]}, (1, "differs")),
        ({1: ["a"]}, {1: ["a", "x"]}, (1, "several")),
        ({1: ["a"]}, {1: ["a", "a"]}, (1, "several")),
        ({1: ["a"], 2: ["b"], 3: ["c"]}, {1: ["a"], 2: ["x"]}, (2, "differs (and 1 later versions differ)")),
    ],
)
def test_the_first_bad_version_is_named(
    mine: Mapping[int, Sequence[str]], its: Mapping[int, Sequence[str]], told: tuple[int, str]
) -> None:
    assert found(Side({"A": mine, "B": {1: ["z"]}}), Side({"A": its, "B": {1: ["z"]}})) == [("A", *told)]


def test_an_account_that_one_side_lacks() -> None:
    assert found(Side({"A": {1: ["a"]}}), Side({})) == [("A", 1, "missing")]
    assert found(Side({}), Side({"A": {1: ["a"]}})) == [("A", 1, "unknown")]


def test_what_is_equal_when_it_is_looked_at_is_no_finding() -> None:
    side = Side({"A": {1: ["a"]}})
    assert not drill(side, side, [bucket_of("A")], WORDS).total


def test_of_everything_only_so_much_is_looked_into() -> None:
    table, lake = Side({f"account {each}": {1: [f"{each}"]} for each in range(20_000)}), Side({})
    differing = table.sums().differing(lake.sums())
    findings = drill(table, lake, differing, WORDS)
    looked = len(table.accounts(frozenset(differing[:DRILLED])))
    assert looked < DRILLED_ACCOUNTS
    assert findings.total == looked + 1
    assert (
        findings.named[-1].text
        == f"{len(differing) - DRILLED:,} more of 4,096 groups of accounts differ and were not looked into"
    )
    assert max(table.asked) <= AT_ONCE


def test_of_a_bucket_only_so_many_accounts_are_looked_into() -> None:
    accounts = [each for each in map(str, range(3_000_000)) if each.endswith("7") and bucket_of(each) < 16][:1200]
    table, lake = Side({each: {1: [each]} for each in accounts}), Side({})
    findings = drill(table, lake, list(range(16)), WORDS)
    assert findings.total == DRILLED_ACCOUNTS + 1
    assert sum(table.asked) == DRILLED_ACCOUNTS


def test_sums_do_not_depend_on_order_and_are_kept_as_json() -> None:
    first, second = Sums(), Sums()
    for number in range(100):
        first.add(f"account {number}", MODULUS - number - 1)
        second.add(f"account {99 - number}", MODULUS - (99 - number) - 1)
    assert first == second
    second.subtract("account 1", MODULUS - 2)
    assert first.differing(second) == [bucket_of("account 1")]
    half = Sums()
    half.merge(second)
    half.add("account 1", MODULUS - 2)
    assert half == first
    assert all(0 <= each < MODULUS for each in first.buckets)
    assert len(first.buckets) == BUCKETS
    progress = Progress(segment=1, segments=2, result=SegmentResult(table={"lake": first}))
    assert msgspec.json.decode(msgspec.json.encode(progress), type=Progress) == progress
