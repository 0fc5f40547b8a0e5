"""What a seal takes of an account: new versions, holes, forks, and restores."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import pytest

from lambdas.transparency.deciding import Restore, SealableRow, decide
from lambdas.transparency.errors import TransparencyError
from lambdas.transparency.findings import Findings, Fork, Hole
from lambdas.transparency.index import Head
from lambdas.transparency.leaves import Leaf, RowLeaf, encode_leaf

DUE = "2026-03-01T10:00:00.000Z"


def hashed(text: str) -> bytes:
    return sha256(text.encode()).digest()


def text(of: str) -> str:
    return b64encode(hashed(of)).decode()


def row(what: str, hour: int = 9, account: str = "a", dt: str = "2026-03-01") -> SealableRow:
    """`8'` is another row at version 8."""
    return SealableRow(account, int(what.rstrip("'x")), text(what), dt, f"2026-03-01T{hour:02}:00:00.000Z")


def restore(generation: int, last_good: int, hour: int, account: str = "a") -> Restore:
    return Restore(account, generation, last_good, f"2026-03-01T{hour:02}:00:00.000Z")


class Log:
    """Heads, and hashes of `1`, `2`, … at the versions below; `other` names another row that stands there."""

    def __init__(self, *, other: Mapping[int, str] | None = None, **heads: int | tuple[int, int]) -> None:
        self._other = other or {}
        self._heads = heads
        self.asked: list[Sequence[str]] = []

    def heads(self, account_ids: Sequence[str]) -> Mapping[str, Head]:
        self.asked.append(account_ids)
        return {each: self._head(self._heads[each]) for each in account_ids if each in self._heads}

    def _head(self, given: int | tuple[int, int]) -> Head:
        version, restored = given if isinstance(given, tuple) else (given, 0)
        return Head(version, 0, self._hash(version), 0, restored)

    def _hash(self, version: int) -> bytes:
        return hashed(self._other.get(version, str(version)))

    def read_ahead(self, versions: Mapping[str, tuple[int, int]], heads: Mapping[str, Head]) -> None:
        assert all(first <= last < heads[account_id].version for account_id, (first, last) in versions.items())

    def other_than(self, leaf: RowLeaf, head: Head) -> bytes | None:
        assert leaf.version < head.version
        found = self._hash(leaf.version)
        return None if found == leaf.hash else found


def decided(
    rows: Iterable[SealableRow], restores: Iterable[Restore] = (), log: Log | None = None
) -> tuple[list[str], Findings]:
    """The leaves in short, `8'` or `R2`, and the findings."""
    findings = Findings(DUE)
    rows = sorted(rows, key=lambda each: (each.account_id, each.version, each.hash))
    names = {each.hash: f"{each.version}{tick}" for each in rows for tick in ("", "'", "''", "x")
             if each.hash == text(f"{each.version}{tick}")}  # fmt: skip
    leaves = list(
        decide(rows, sorted(restores, key=lambda each: (each.account_id, each.generation)), log or Log(), findings)
    )
    return [_short(each, names) for each in leaves], findings


def _short(leaf: Leaf, names: Mapping[str, str]) -> str:
    account = "" if leaf.account_id == "a" else leaf.account_id
    if isinstance(leaf, RowLeaf):
        return account + names[b64encode(leaf.hash).decode()]
    return f"{account}R{leaf.generation}"


def rows(*what: str, hour: int = 9) -> list[SealableRow]:
    return [row(each, hour) for each in what]


def test_what_comes_after_the_head_is_new_and_what_stands_is_compared() -> None:
    assert decided(rows("3", "4", "5", "6", "7"), log=Log(a=5))[0] == ["6", "7"]
    assert decided(rows("1", "2"))[0] == ["1", "2"]
    assert decided(rows("4", "5"), log=Log(a=5))[0] == []


def test_accounts_come_in_order_and_each_for_itself() -> None:
    mixed = [row("1", account="b"), row("2", account="a"), row("1", account="c"), row("1", account="a")]
    leaves, findings = decided([*mixed, row("3", account="c", dt="2026-02-28")])
    assert leaves == ["1", "2", "b1", "c1"]
    assert findings.holes == [Hole("c", 2, "2026-03-01T09:00:00.000Z")]


def test_what_comes_after_a_hole_waits_and_keeps_the_window_open() -> None:
    waiting = [row("7", 10, dt="2026-03-01"), row("8", 11, dt="2026-02-27"), row("9", 12, dt="2026-02-26")]
    assert decided([*rows("6"), *waiting], log=Log(a=5))[0] == ["6", "7", "8", "9"]
    leaves, findings = decided([*rows("5"), *waiting], log=Log(a=5))
    assert leaves == []
    assert findings.holes == [Hole("a", 6, "2026-03-01T10:00:00.000Z")]
    assert (findings.hole_count, findings.overdue_count, findings.oldest_dt) == (1, 0, "2026-02-26")


def test_a_hole_is_overdue_after_a_while() -> None:
    assert decided(rows("7", hour=9), log=Log(a=5))[1].overdue_count == 1
    assert decided(rows("7", hour=10), log=Log(a=5))[1].overdue_count == 0


@pytest.mark.parametrize("where", ["5", "4", "3"])
def test_another_hash_at_the_head_or_deeper_is_a_fork_and_nothing_is_sealed(where: str) -> None:
    forked = [each for each in rows("3", "4", "5", "6") if each.version != int(where)]
    late = row(f"{where}'", dt="2026-02-20")
    leaves, findings = decided([*forked, late, row("1", account="b")], log=Log(a=5))
    assert leaves == ["b1"]
    assert findings.forks == [Fork("a", int(where), text(where), text(f"{where}'"))]
    assert (findings.fork_count, findings.oldest_dt) == (1, "2026-02-20")


def test_the_true_row_beside_another_one_hides_no_fork() -> None:
    for where in ("5", "4"):
        leaves, findings = decided([*rows("4", "5", "6"), row(f"{where}'")], log=Log(a=5))
        assert leaves == []
        assert findings.fork_count == 1


def test_two_hashes_of_a_new_version_are_a_fork_and_what_stands_before_is_sealed() -> None:
    leaves, findings = decided([*rows("6", "7", "7'"), row("8", dt="2026-02-01")], log=Log(a=5))
    assert leaves == ["6"]
    (fork,) = findings.forks
    assert (fork.version, {fork.expected, fork.found}) == (7, {text("7"), text("7'")})
    assert findings.oldest_dt == "2026-02-01"


@pytest.mark.parametrize("bad", ["", "x", "é", "A" * 44, text("6")[:-2] + "=", text("6") + "\n", text("6")[:-2] + "9="])
def test_a_text_that_is_no_hash_is_a_fork(bad: str) -> None:
    for version in (5, 6):
        broken = SealableRow("a", version, bad, "2026-03-01", "2026-03-01T09:00:00.000Z")
        leaves, findings = decided([broken], log=Log(a=5))
        assert leaves == []
        assert findings.forks[0].found == bad[:44]


@pytest.mark.parametrize("account", ["a/b", "a b", "", "log", "a\nb"])
def test_an_id_that_the_log_cannot_hold_is_held(account: str) -> None:
    leaves, findings = decided([row("1", account=account), row("1", account="z")])
    assert leaves == ["z1"]
    assert findings.fork_count == 1


def test_a_restore_is_told_after_what_stands_and_before_what_came_after() -> None:
    lake = [*rows("6", "7"), *rows("8'", "9'", hour=13)]
    assert decided(lake, [restore(2, 7, 12)], Log(a=5))[0] == ["6", "7", "R2", "8'", "9'"]
    assert decided(lake, [restore(2, 7, 12)], Log(a=9))[0] == ["R2", "8'", "9'"]
    assert decided(rows("6", "7"), [restore(2, 7, 12)], Log(a=9))[0] == ["R2"]
    assert decided([], [restore(2, 7, 12)], Log(a=9))[0] == ["R2"]
    assert decided([], [restore(2, 7, 12)], Log(a=7))[0] == ["R2"]


def test_what_a_restore_revoked_is_neither_sealed_nor_a_fork_even_if_the_rows_were_read_before() -> None:
    assert decided(rows("6", "7", "8", "9"), [restore(2, 7, 12)], Log(a=5))[0] == ["6", "7", "R2"]
    assert decided(rows("8x", hour=11), [restore(2, 7, 12)], Log(a=(7, 2)))[0] == []


def test_a_restore_is_told_once() -> None:
    assert decided(rows("8'", hour=13), [restore(2, 7, 12)], Log(a=(7, 2)))[0] == ["8'"]
    assert decided([], [restore(2, 7, 12)], Log(a=(9, 2)))[0] == []
    assert decided([], [restore(2, 7, 12), restore(3, 6, 14)], Log(a=(9, 2)))[0] == ["R3"]


def test_all_is_revoked() -> None:
    assert decided([], [restore(2, 0, 12)], Log(a=5))[0] == ["R2"]
    assert decided(rows("1'", "2'", hour=13), [restore(2, 0, 12)], Log(a=5))[0] == ["R2", "1'", "2'"]


def test_an_account_without_anything_in_the_log() -> None:
    """A restore is told with the account's first leaf: told later, it would revoke what came after it."""
    assert decided([], [restore(2, 3, 12)])[0] == []
    assert decided([], [restore(2, 0, 12)])[0] == []
    assert decided(rows("1'", hour=13), [restore(2, 0, 12)])[0] == ["R2", "1'"]
    assert decided([*rows("1", "2"), *rows("3'", hour=13)], [restore(2, 2, 12)])[0] == ["1", "2", "R2", "3'"]
    assert decided(rows("1", "2"), [restore(2, 2, 12)])[0] == ["1", "2", "R2"]
    for hole in (rows("2'", hour=13), [*rows("1'", "1x", hour=13)]):
        assert decided(hole, [restore(2, 0, 12)])[0] == []


def test_a_restore_waits_for_what_stands_before_it() -> None:
    leaves, findings = decided(rows("9'", hour=13), [restore(2, 8, 12)], Log(a=6))
    assert leaves == []
    assert findings.holes == [Hole("a", 7, "2026-03-01T13:00:00.000Z")]
    leaves, findings = decided(rows("7"), [restore(2, 8, 9)], Log(a=6))
    assert leaves == ["7"]
    assert findings.holes == [Hole("a", 8, "2026-03-01T09:00:00.000Z")]


def test_a_restore_is_told_before_a_hole_behind_it() -> None:
    leaves, findings = decided(rows("9'", hour=13), [restore(2, 7, 12)], Log(a=9))
    assert leaves == ["R2"]
    assert findings.holes == [Hole("a", 8, "2026-03-01T13:00:00.000Z")]


@pytest.mark.parametrize(
    ("lake", "first", "second", "head", "expected"),
    [
        ([*rows("8'", "9'", hour=13), *rows("10''", hour=15)], 7, 9, 9, ["R2", "8'", "9'", "R3", "10''"]),
        ([*rows("8'", hour=13), *rows("9''", hour=15)], 7, 8, 9, ["R2", "8'", "R3", "9''"]),
        (rows("6''", "7''", hour=15), 7, 5, 9, ["R2", "R3", "6''", "7''"]),
        ([*rows("5"), *rows("6''", "7''", hour=15)], 7, 5, 4, ["5", "R2", "R3", "6''", "7''"]),
        (rows("8''", hour=15), 7, 7, 9, ["R2", "R3", "8''"]),
        (rows("1''", hour=15), 3, 0, 0, ["R2", "R3", "1''"]),
    ],
)
def test_two_restores(lake: list[SealableRow], first: int, second: int, head: int, expected: list[str]) -> None:
    log = Log(a=head) if head else Log()
    assert decided(lake, [restore(2, first, 12), restore(3, second, 14)], log)[0] == expected


def test_a_fork_holds_a_restore_too() -> None:
    leaves, findings = decided(rows("4'"), [restore(2, 7, 12)], Log(a=9))
    assert leaves == []
    assert findings.fork_count == 1


def test_heads_are_read_for_many_accounts_at_a_time_and_once_each() -> None:
    log = Log()
    many = [row("1", account=f"{number:05}") for number in range(2500)]
    leaves, _ = decided([*many, *(row("2", account=each.account_id) for each in many)], log=log)
    assert len(leaves) == 5000
    assert [len(each) for each in log.asked] == [500] * 5


def test_only_a_hundred_holes_and_forks_are_named() -> None:
    forks = [row(what, account=f"f{number:03}") for number in range(120) for what in ("1", "1'")]
    holes = [row("2", account=f"h{number:03}") for number in range(130)]
    _, findings = decided([*forks, *holes])
    assert (len(findings.forks), findings.fork_count) == (100, 120)
    assert (len(findings.holes), findings.hole_count, findings.overdue_count) == (100, 130, 130)


def test_rows_out_of_order_are_refused() -> None:
    for lake in (rows("2", "1"), [row("1", account="b"), row("1", account="a")]):
        with pytest.raises(TransparencyError, match="not in order"):
            list(decide(lake, [], Log(), Findings(DUE)))
    with pytest.raises(TransparencyError, match="not in order"):
        list(decide([], [restore(3, 1, 9), restore(2, 1, 9)], Log(), Findings(DUE)))


def test_a_leaf_is_a_line() -> None:
    (leaf,) = decide(rows("1"), [], Log(), Findings(DUE))
    assert encode_leaf(leaf) == f"a/1 {text('1')}".encode()
