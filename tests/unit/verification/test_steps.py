"""The verification in steps: the same findings as in one go, wherever it is killed, repeated or carried out twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.transparency.log_store import Stored
from lambdas.transparency.memory import MemoryLogStore
from lambdas.verification.beginning import terms
from lambdas.verification.errors import VerificationError
from lambdas.verification.in_process import walk_all
from lambdas.verification.lake import Lake
from lambdas.verification.log import Log, terms_of
from lambdas.verification.results import Progress, Report, SegmentResult, Terms
from lambdas.verification.steps import Agreed, Done, SettleStep, Verification, WalkStep
from lambdas.verification.verification import Conclusion
from lambdas.verification.walking import SegmentWalker, Tables
from tests.support.log_signer import verifies
from tests.support.runs import seeds
from tests.support.verified_ledger import A, B, C, D, VerifiedLedger, verified_ledger

RUN = "d32c5kddcf5bb8c3"
SEGMENTS = 3
SALT = "7" * 32


class KilledError(Exception):
    """The function was killed."""


@dataclass
class FrailStore(MemoryLogStore):
    """Kills whoever writes for the `dies`-th time, before the write or after it."""

    dies: int = 0
    after: bool = False
    writes: int = 0
    names_written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def replace(self, name: str, content: bytes, content_type: str, *, tag: str) -> bool:
        self.writes += 1
        dies = self.writes == self.dies
        if dies and not self.after:
            raise KilledError
        done = super().replace(name, content, content_type, tag=tag)
        self.names_written.append(name)
        if dies:
            raise KilledError
        return done


@dataclass
class World:
    """A ledger that was tampered with, and verifications of it."""

    ledger: VerifiedLedger
    begun: int = 0
    seen: SegmentResult | None = None

    def tables(self) -> Tables:
        return msgspec.structs.replace(self.ledger.opened(), index=self.ledger.log_index)

    def begin(self) -> Agreed:
        self.begun += 1
        log = terms_of(self.ledger.log_store, self.ledger.log_index)
        settle, pending = timedelta(hours=1), timedelta(hours=1)
        return Agreed(terms(self.ledger.now, settle=settle, pending=pending, log=log, new_salt=lambda: SALT))

    def conclude(self, agreed: Agreed, seen: SegmentResult) -> Report:
        conclusion = Conclusion(self.tables(), agreed.terms, seen, segments=SEGMENTS)
        conclusion.check_pointers()
        conclusion.check_lake(Lake(self.ledger.rows_of_sql, agreed.terms))
        assert agreed.terms.log is not None
        ledger = self.ledger
        conclusion.check_log(
            Log(
                ledger.log_store,
                agreed.terms.log,
                agreed.terms.salt,
                public_key=ledger.signer.public_key(),
                verify=verifies,
            )
        )
        return conclusion.report()

    def noted(self, agreed: Agreed, seen: SegmentResult) -> Report:
        """The report of what segments have seen, with nothing else asked; and that itself."""
        self.seen = seen
        return Conclusion(self.tables(), agreed.terms, seen).report()

    def walks(self, kept: MemoryLogStore, **options: Any) -> Verification:
        """Steps that end when the segments are walked."""
        return Verification(self.tables(), kept, begin=self.begin, conclude=self.noted, **options)

    def steps(self, kept: MemoryLogStore, **options: Any) -> Verification:
        return Verification(self.tables(), kept, begin=self.begin, conclude=self.conclude, **options)

    def in_one_go(self) -> Report:
        agreed = self.begin()
        return self.conclude(agreed, walk_all(self.tables(), agreed.terms, segments=SEGMENTS))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch, verified_ledger(patch, tmp_path_factory.mktemp("lake")) as ledger:
        ledger.page_rows = 5
        ledger.trade((A, B, C, D))
        ledger.settle()
        tamper(ledger)
        yield World(ledger)


def tamper(ledger: VerifiedLedger) -> None:
    """Something of every kind that segments, and comparisons, find."""
    rows = {each["version"]["N"]: each for each in ledger.items(ledger.tables.events) if each["stream_id"]["S"] == A}
    ledger.put(rows["7"] | {"data": {"S": rows["7"]["data"]["S"].replace('"amount":6', '"amount":60')}})
    ledger.delete(C, 4)
    ledger.submit(D, "AIDAEXAMPLE/late", {"type": "CloseAccount"})
    [first, *_] = ledger.items(ledger.tables.receipts)
    ledger.client.put_item(TableName=ledger.tables.receipts, Item=first | {"commit_id": {"S": "another"}})


def soon(ends: bool = True) -> Deadline:
    """A deadline that is over, or far away: a step begins one page, or all."""
    return Deadline(0.0 if ends else 900.0)


def far() -> Deadline:
    return Deadline(900.0)


def settled(verification: Verification, begin: Callable[[], Deadline] = far) -> Report:
    """All steps of a run, as the state machine takes them."""
    for segment in range(SEGMENTS):
        _until_done(lambda s=segment: verification.walk(WalkStep(RUN, s, SEGMENTS), begin(), far()))  # type: ignore[misc]
    report = _until_done(lambda: verification.settle(SettleStep(RUN), begin(), far())).report
    assert report is not None
    return report


def _until_done(step: Callable[[], Done]) -> Done:
    for _ in range(1000):
        if (done := step()).done:
            return done
    raise AssertionError("it does not end")


def told(report: Report) -> Any:
    """What does not depend on how often something was read."""
    document = msgspec.to_builtins(report)
    del document["read_units"]
    return document | {"findings": sorted(document["findings"], key=str)}


def seen_in_one_go(world: World) -> Any:
    """All that segments have seen."""
    return shown(walk_all(world.tables(), world.begin().terms, segments=SEGMENTS))


def walked(world: World, verification: Verification) -> Any:
    """All that segments have seen, in steps."""
    settled(verification)
    assert world.seen is not None
    return shown(world.seen)


def shown(seen: SegmentResult) -> Any:
    """What is done twice is paid twice."""
    document = msgspec.to_builtins(seen)
    del document["read_units"]
    return document


def test_in_steps_it_finds_what_it_finds_in_one_go(world: World) -> None:
    whole = world.in_one_go()
    assert {"history", "pending", "receipt"} <= whole.counts.keys()
    assert {(each.subject, each.version) for each in whole.findings if each.kind == "history"} == {(A, 7), (C, 4)}
    assert told(settled(world.steps(FrailStore()))) == told(whole)


def test_a_step_of_one_page_each_goes_on_inside_an_account(world: World) -> None:
    store = FrailStore()
    settled(world.walks(store), soon)
    assert world.seen is not None
    assert shown(world.seen) == seen_in_one_go(world)
    assert len(store.names_written) > 15, "pages are of five rows, and accounts of more than ten"


@pytest.mark.parametrize("after", [False, True], ids=["before a write", "after a write"])
def test_killed_at_any_write_it_goes_on(world: World, after: bool) -> None:
    undisturbed = FrailStore()
    expected = walked(world, world.walks(undisturbed, kept_after_pages=2))
    assert expected == seen_in_one_go(world)
    for dies in range(1, undisturbed.writes + 1):
        store = FrailStore(dies=dies, after=after)
        with pytest.raises(KilledError):
            settled(world.walks(store, kept_after_pages=2))
        assert walked(world, world.walks(store, kept_after_pages=2)) == expected


@pytest.mark.parametrize("seed", seeds(check=2, test=10, soak=200))
def test_killed_between_pages_in_any_order_of_steps_it_goes_on(world: World, seed: int) -> None:
    """Segments in turns, each killed now and then in the middle of a step, some carried out twice at once."""
    random, store = Random(seed), FrailStore()
    kills = _Kills(random)
    open_segments = list(range(SEGMENTS))
    while open_segments:
        segment = random.choice(open_segments)
        verification = Verification(
            kills.tables(world.tables()), store, begin=world.begin, conclude=world.noted, kept_after_pages=2
        )
        try:
            if verification.walk(WalkStep(RUN, segment, SEGMENTS), soon(random.random() < 0.5), far()).done:
                open_segments.remove(segment)
        except KilledError:
            continue
    assert walked(world, world.walks(store)) == seen_in_one_go(world)


class _Kills:
    """Walks that kill at some pages."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def tables(self, tables: Tables) -> Tables:
        return msgspec.structs.replace(tables, walk=_Killing(tables.walk, self._random))


@dataclass
class _Killing:
    walk: Any
    random: Random

    def page(self, *where: Any) -> Any:
        if self.random.random() < 0.15:
            raise KilledError
        return self.walk.page(*where)


def test_who_is_overtaken_puts_nothing_back(world: World) -> None:
    """A step that is carried out twice, the first time by somebody very slow."""
    store = FrailStore()
    verification = world.walks(store, kept_after_pages=1)
    step = WalkStep(RUN, 0, SEGMENTS)
    verification.walk(step, soon(), far())
    passed: list[Stored | None] = []

    class Overtaken(MemoryLogStore):
        """Before its first write, somebody else carries out the step."""

        def get(self, name: str) -> Stored | None:
            return store.get(name)

        def replace(self, name: str, content: bytes, content_type: str, *, tag: str) -> bool:
            if not passed:
                _until_done(lambda: verification.walk(step, far(), far()))
                passed.append(store.get(name))
            return store.replace(name, content, content_type, tag=tag)

    assert not world.walks(Overtaken(), kept_after_pages=1).walk(step, far(), far()).done
    assert store.get(f"verification/{RUN}/0000.json") == passed[0]
    assert verification.walk(step, far(), far()) == Done(done=True)


def test_who_is_overtaken_while_walking_puts_nothing_back(world: World) -> None:
    """Somebody else comes further between this one's reading of the progress and its writing."""
    store = FrailStore()
    verification = world.walks(store, kept_after_pages=1)
    step = WalkStep(RUN, 0, SEGMENTS)
    verification.walk(step, soon(), far())
    passed: list[Stored | None] = []

    class Meanwhile(Deadline):
        def allows_attempt(self) -> bool:
            if not passed:
                _until_done(lambda: verification.walk(step, far(), far()))
                passed.append(store.get(f"verification/{RUN}/0000.json"))
            return False

    assert not verification.walk(step, Meanwhile(), far()).done
    assert store.get(f"verification/{RUN}/0000.json") == passed[0]


def test_settling_first_walks_what_is_left(world: World) -> None:
    verification = world.walks(FrailStore())
    verification.walk(WalkStep(RUN, 0, SEGMENTS), far(), far())
    done = [verification.settle(SettleStep(RUN), far(), far()) for _ in range(SEGMENTS)]
    assert [each.done for each in done] == [False, False, True]
    assert world.seen is not None
    assert shown(world.seen) == seen_in_one_go(world)


def test_all_steps_of_a_run_go_by_what_the_first_has_fixed(world: World) -> None:
    begun, store = world.begun, FrailStore()
    settled(world.walks(store))
    assert world.begun == begun + 1
    world.walks(store).walk(WalkStep("another-run", 0, SEGMENTS), far(), far())
    assert world.begun == begun + 2


def test_two_first_steps_at_once_go_by_the_same(world: World) -> None:
    store = FrailStore()

    def late() -> Agreed:
        """While it begins, another step of the run has begun."""
        world.walks(store).walk(WalkStep(RUN, 1, SEGMENTS), far(), far())
        mine = world.begin()
        return Agreed(msgspec.structs.replace(mine.terms, salt="8" * 32))

    Verification(world.tables(), store, begin=late, conclude=world.noted).walk(WalkStep(RUN, 0, SEGMENTS), far(), far())
    assert walked(world, world.walks(store)) == seen_in_one_go(world)


def test_a_complete_report_is_final_and_another_is_made_anew(world: World) -> None:
    store = FrailStore()
    first = settled(world.walks(store))
    assert first.unchecked == {}
    asked: list[Terms] = []

    def conclude(agreed: Agreed, seen: SegmentResult) -> Report:
        asked.append(agreed.terms)
        return world.noted(agreed, seen)

    again = Verification(world.tables(), store, begin=world.begin, conclude=conclude)
    assert again.settle(SettleStep(RUN), far(), far()) == Done(done=True, report=first)
    assert asked == []
    name = f"verification/{RUN}/findings.json"
    found = store.get(name)
    assert found is not None
    partly = msgspec.structs.replace(first, unchecked={"lake": "no answer"})
    store.replace(name, msgspec.json.encode(partly), "application/json", tag=found.tag)
    assert again.settle(SettleStep(RUN), far(), far()).report == first
    assert len(asked) == 1


@pytest.mark.parametrize("run", ["", "../x", "a/b", ".hidden", "x" * 129, "a b"])
def test_a_run_is_a_name_and_no_path(run: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"step": "settle", "rebuild": run}, WalkStep | SettleStep)


def test_nothing_was_walked(world: World) -> None:
    with pytest.raises(VerificationError, match="not walked over anything"):
        world.walks(FrailStore()).settle(SettleStep(RUN), far(), far())


def test_what_is_kept_is_whole_after_a_page(world: World) -> None:
    """All of it comes back: sums, findings, and the account that a page has cut."""
    agreed = world.begin()
    walker = SegmentWalker(world.tables(), agreed.terms, Progress(segment=0, segments=1))
    while not walker.progress.done:
        walker.page(far())
        kept = msgspec.json.encode(walker.progress)
        assert msgspec.json.encode(msgspec.json.decode(kept, type=Progress)) == kept
        walker = SegmentWalker(world.tables(), agreed.terms, msgspec.json.decode(kept, type=Progress))


def test_a_folder_of_a_run(world: World, tmp_path: Path) -> None:
    store = FrailStore()
    settled(world.walks(store))
    assert sorted(store.names("")) == [
        f"verification/{RUN}/{name}.json" for name in ("0000", "0001", "0002", "findings", "terms")
    ]


def test_a_segment_of_which_a_part_was_walked_is_not_done_and_is_not_settled(world: World) -> None:
    verification = world.walks(FrailStore())
    for segment in range(SEGMENTS):
        assert not verification.walk(WalkStep(RUN, segment, SEGMENTS), soon(), far()).done
    assert not verification.settle(SettleStep(RUN), soon(), far()).done
