"""What every index of the log does: runs and heads, restores, seals that come again, and how far the log is done."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from lambdas.transparency.index import AccountRuns, Head, LogIndex, Progress, Run
from lambdas.transparency.memory import MemoryLogIndex
from tests.support.log_places import NewIndex, index_names, indexes
from tests.support.runs import seeds

A, B = "11111111-2222-4333-8444-555555555555", "11111111-2222-4333-8444-666666666666"
SEEDS = seeds(check=3, test=15, soak=1_000)


@pytest.fixture(scope="module", params=index_names())
def new_index(request: pytest.FixtureRequest) -> Iterator[NewIndex]:
    with indexes(request.param) as new:
        yield new


@pytest.fixture
def index(new_index: NewIndex) -> LogIndex:
    return new_index()


def rowhash(account_id: str, version: int, restored: int = 0) -> bytes:
    return f"{account_id[-3:]}/{version}/{restored}".encode().ljust(32, b".")


def run(account_id: str, first: int, count: int, leaf: int, seal: int, restored: int = 0) -> Run:
    return Run(first, leaf, count, seal, rowhash(account_id, first + count - 1, restored))


def change(
    account_id: str, *runs: Run, restored: int = 0, revoked_after: int | None = None, seal: int | None = None
) -> AccountRuns:
    """The newest run's end is the head."""
    last = runs[-1]
    head = Head(
        last.first_version + last.count - 1,
        last.first_leaf + last.count - 1,
        last.hash,
        last.seal if seal is None else seal,
        restored,
    )
    return AccountRuns(account_id, revoked_after, runs, head)


def test_index_of_a_new_log_is_empty(index: LogIndex) -> None:
    assert index.heads([A, B]) == {}
    assert index.run_of(A, 1) is None
    assert index.runs(A, first=1, last=10**15) == []
    assert index.progress() is None


def test_runs_and_heads(index: LogIndex) -> None:
    first, second = run(A, 1, 3, 0, 0), run(A, 4, 1, 7, 1)

    index.apply([change(A, first), change(B, run(B, 1, 4, 3, 0))], seal=0)
    index.apply([change(A, second)], seal=1)

    assert index.heads([A, "nobody", B, A]) == {
        A: Head(4, 7, rowhash(A, 4), 1),
        B: Head(4, 6, rowhash(B, 4), 0),
    }
    assert [index.run_of(A, version) for version in (1, 3, 4, 5)] == [first, first, second, None]
    assert list(index.runs(A, first=1, last=4)) == [first, second]
    assert list(index.runs(A, first=3, last=3)) == [first]
    assert list(index.runs(A, first=4, last=9)) == [second]
    assert list(index.runs(A, first=5, last=9)) == []


def test_heads_of_many_accounts(index: LogIndex) -> None:
    accounts = [f"account-{number:03}" for number in range(230)]

    index.apply([change(each, run(each, 1, 1, place, 0)) for place, each in enumerate(accounts)], seal=0)

    assert index.heads(accounts) == {each: Head(1, place, rowhash(each, 1), 0) for place, each in enumerate(accounts)}
    assert index.heads([]) == {}


def test_seal_that_comes_again_changes_nothing(index: LogIndex) -> None:
    changes = [change(A, run(A, 1, 3, 0, 0)), change(B, run(B, 1, 4, 3, 0))]

    for _ in range(2):
        index.apply(changes, seal=0)

    assert list(index.runs(A, first=1, last=9)) == [run(A, 1, 3, 0, 0)]
    assert index.heads([A, B]).keys() == {A, B}


def test_account_that_a_later_seal_has_changed_is_left_as_it_is(index: LogIndex) -> None:
    old = [change(A, run(A, 1, 3, 0, 0)), change(B, run(B, 1, 4, 3, 0))]
    index.apply(old[:1], seal=0)
    index.apply([change(A, run(A, 4, 1, 7, 1))], seal=1)

    index.apply(old, seal=0)

    assert index.heads([A, B]) == {A: Head(4, 7, rowhash(A, 4), 1), B: Head(4, 6, rowhash(B, 4), 0)}


def restore(seal: int = 2) -> AccountRuns:
    """Of the versions 1-3, 4-6, 7-9 of an account, 1-5 stand; a new 6 and 7 came after it."""
    return change(A, run(A, 4, 2, 3, 1), run(A, 6, 2, 10, seal, restored=1), restored=1, revoked_after=5)


def nine_versions(index: LogIndex) -> None:
    for seal, first in enumerate((1, 4, 7)):
        index.apply([change(A, run(A, first, 3, first - 1, seal))], seal=seal)


def test_restore_takes_away_what_came_after(index: LogIndex) -> None:
    nine_versions(index)

    for _ in range(2):
        index.apply([restore(), change(B, run(B, 1, 1, 12, 2))], seal=2)

    assert list(index.runs(A, first=1, last=99)) == [
        run(A, 1, 3, 0, 0),
        run(A, 4, 2, 3, 1),
        run(A, 6, 2, 10, 2, restored=1),
    ]
    assert index.heads([A, B]) == {A: Head(7, 11, rowhash(A, 7, 1), 2, restored=1), B: Head(1, 12, rowhash(B, 1), 2)}
    assert index.run_of(A, 8) is None


def test_restore_of_an_old_seal_takes_nothing_away(index: LogIndex) -> None:
    nine_versions(index)
    index.apply([restore()], seal=2)
    newer = run(A, 8, 5, 20, 3)
    index.apply([change(A, newer, restored=1)], seal=3)

    index.apply([restore()], seal=2)

    assert index.run_of(A, 9) == newer
    assert index.heads([A])[A].version == 12


def test_restore_to_the_beginning(index: LogIndex) -> None:
    nine_versions(index)
    nothing = AccountRuns(A, 0, (), Head(0, 12, bytes(32), 3, restored=1))

    index.apply([nothing], seal=3)

    assert index.runs(A, first=1, last=99) == []
    assert index.heads([A]) == {A: nothing.head}


def test_restore_of_more_runs_than_a_transaction_takes(index: LogIndex) -> None:
    for seal in range(250):
        index.apply([change(A, run(A, seal + 1, 1, seal, seal))], seal=seal)

    index.apply([change(A, run(A, 3, 1, 250, 250, restored=1), restored=1, revoked_after=2)], seal=250)

    assert [each.first_version for each in index.runs(A, first=1, last=999)] == [1, 2, 3]
    assert index.heads([A])[A].leaf == 250


def test_restore_of_many_runs_that_a_slow_sealer_applies_again(index: LogIndex) -> None:
    """What came after it has more runs than a transaction takes: none of them goes."""
    for seal in range(5):
        index.apply([change(A, run(A, seal + 1, 1, seal, seal))], seal=seal)
    restore = change(A, run(A, 3, 1, 5, 5, restored=1), restored=1, revoked_after=2)
    index.apply([restore], seal=5)
    for seal in range(6, 126):
        index.apply([change(A, run(A, seal - 2, 1, seal, seal), restored=1)], seal=seal)
    before = index.runs(A, first=1, last=999)

    index.apply([restore], seal=5)

    assert len(before) == 123
    assert index.runs(A, first=1, last=999) == before


def test_progress_goes_on_by_one_seal_and_never_back(index: LogIndex) -> None:
    index.advance(Progress(1, 60))
    assert index.progress() is None

    index.advance(Progress(0, 0))
    index.advance(Progress(2, 70))
    assert index.progress() == Progress(0, 0)

    index.advance(Progress(1, 60))
    index.advance(Progress(0, 0))

    assert index.progress() == Progress(1, 60)
    assert index.heads([A]) == {}


def test_index_that_is_forgotten_is_made_again(index: LogIndex) -> None:
    accounts = [f"account-{number:03}" for number in range(60)]
    changes = [change(each, run(each, 1, 1, place, 0)) for place, each in enumerate(accounts)]
    index.apply(changes, seal=0)
    index.apply([change(A, run(A, 1, 5, 60, 1))], seal=1)
    for progress in (Progress(0, 60), Progress(1, 65)):
        index.advance(progress)

    index.clear()

    assert index.progress() is None
    assert index.heads([A, *accounts]) == {}
    assert index.runs(A, first=1, last=9) == []
    index.apply(changes, seal=0)
    assert len(index.heads([A, *accounts])) == 60


@pytest.mark.generated
@pytest.mark.parametrize("seed", SEEDS)
def test_all_places_answer_alike(index: LogIndex, seed: int) -> None:
    """Seals of several accounts with restores in any place, some applied again: what is read is as in memory."""
    rng = random.Random(seed)
    memory = MemoryLogIndex()
    heads = dict.fromkeys((A, B, "c"), Head(0, 0, b"", 0))
    sealed: list[list[AccountRuns]] = []
    leaf = 0
    for seal in range(12):
        changes = []
        for account_id in rng.sample(sorted(heads), rng.randrange(1, 4)):
            each = _next(rng, memory, account_id, heads[account_id], leaf, seal)
            heads[account_id] = each.head
            leaf = each.head.leaf + 1
            changes.append(each)
        sealed.append(changes)
        for which in [*rng.sample(range(seal), min(seal, 2)), seal, *([seal] if rng.random() < 0.5 else [])]:
            for each_index in (index, memory):
                each_index.apply(sealed[which], seal=which)
        for account_id in heads:
            for version in range(1, 8):
                assert index.run_of(account_id, version) == memory.run_of(account_id, version)
            first, last = sorted(rng.choices(range(1, 40), k=2))
            assert list(index.runs(account_id, first=first, last=last)) == list(
                memory.runs(account_id, first=first, last=last)
            )
        assert index.heads(list(heads)) == memory.heads(list(heads))


def _next(rng: random.Random, memory: MemoryLogIndex, account_id: str, head: Head, leaf: int, seal: int) -> AccountRuns:
    if head.version and rng.random() < 0.3:
        good = rng.randrange(head.version + 1)
        spans = memory.run_of(account_id, good) if good else None
        kept = (
            ()
            if spans is None
            else (Run(spans.first_version, spans.first_leaf, good - spans.first_version + 1, spans.seal, bytes(32)),)
        )
        restored = head.restored + 1
        after = run(account_id, good + 1, rng.randrange(1, 4), leaf + 1, seal, restored)
        return change(account_id, *kept, after, restored=restored, revoked_after=good)
    return change(
        account_id, run(account_id, head.version + 1, rng.randrange(1, 5), leaf, seal), restored=head.restored
    )
