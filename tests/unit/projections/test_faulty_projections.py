"""A projection that is wrong about one account stops that account, whatever it is wrong in; the others go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.projections import NoGaps
from lambdas.contracts.domain_events import AccountDomainEvent, domain_event
from lambdas.contracts.ledger_events import restored_event
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Control
from lambdas.projections.folding import steps
from lambdas.projections.folding.fold_check import MOST_KEPT_BYTES
from lambdas.projections.projection import NOTHING, AnyProjection, Folded, Place, Projection
from lambdas.projections.read_model import Revoked
from lambdas.projections.stream.projector import Projector, Stopped
from tests.support.clocks import START
from tests.support.event_rows import account_id, credited
from tests.support.projections.ledger import LongHistory
from tests.support.read_models import Ports, fake_ports, places

BAD, GOOD = account_id(1), account_id(2)
BATCH = {each: [domain_event(credited(version, each)) for version in (1, 2, 3)] for each in (BAD, GOOD)}
LAST = 3


class Kept(Struct, frozen=True):
    events: int = 0
    bad: bool = False
    note: str = ""
    anything: Any = None


def fold(kept: Kept | None, event: AccountDomainEvent) -> Folded[Kept]:
    bad = event.subject == BAD and event.streamversion == LAST
    return Folded(Kept(1 if kept is None else kept.events + 1, bad), {"all": {"events": 1}})


def place(kept: Kept) -> Place:
    return Place("all", "")


RIGHT = Projection(name="right", summary="Right.", keeps=Kept, fold=fold, place=place, groups=("all",))


def wrong_place(wrong: Callable[[], Place]) -> AnyProjection:
    return replace(RIGHT, place=lambda kept: wrong() if kept.bad else place(kept))


def wrong_fold(change: Callable[[Folded[Any]], Any]) -> AnyProjection:
    def folded(kept: Kept | None, event: AccountDomainEvent) -> Folded[Kept]:
        found = fold(kept, event)
        answer: Folded[Kept] = change(found) if found.kept.bad else found
        return answer

    return replace(RIGHT, fold=folded)


def fails() -> Place:
    raise LookupError("no place")


def fails_with_bad_text(_: Folded[Any]) -> Folded[Any]:
    raise ValueError("\ud800")


WRONG: dict[str, AnyProjection] = {
    "fold raises": wrong_fold(lambda _: 1 // 0),
    "fold raises bad text": wrong_fold(fails_with_bad_text),
    "fold gives nothing": wrong_fold(lambda _: None),
    "place raises": wrong_place(fails),
    "place in no group": wrong_place(lambda: Place("none", "")),
    "place with a separator": wrong_place(lambda: Place("all", "a#b")),
    "order that is too long": wrong_place(lambda: Place("all", "o" * 961)),
    "order that is no text": wrong_place(lambda: Place("all", 7)),  # type: ignore[arg-type]
    "kept is another struct": wrong_fold(lambda found: replace(found, kept=Place("all", ""))),
    "kept is too large for a row": wrong_fold(lambda found: replace(found, kept=Kept(note="x" * MOST_KEPT_BYTES))),
    "kept cannot be written": wrong_fold(lambda found: replace(found, kept=Kept(anything=object()))),
    "kept has bad text": wrong_fold(lambda found: replace(found, kept=Kept(note="\ud800"))),
    "kept cannot be read again": wrong_fold(lambda found: replace(found, kept=Kept(events="many"))),  # type: ignore[arg-type]
    "kept is read as something else": wrong_fold(lambda found: replace(found, kept=Kept(anything=(1,)))),
    "a measure has 39 digits": wrong_fold(lambda found: replace(found, additions={"all": {"events": 10**38}})),
    "a measure is no whole number": wrong_fold(lambda found: replace(found, additions={"all": {"events": 0.5}})),
    "a measure has the name of a key": wrong_fold(lambda found: replace(found, additions={"all": {"pk": 1}})),
    "a shared row has no key": wrong_fold(lambda found: replace(found, additions={"": {"events": 1}})),
    "a shared row has too long a key": wrong_fold(lambda found: replace(found, additions={"k" * 1025: {"events": 1}})),
    "a shared row has no measure": wrong_fold(lambda found: replace(found, additions={"all": {}})),
    "too many shared rows": wrong_fold(
        lambda found: replace(found, additions={str(number): {"events": 1} for number in range(91)})
    ),
    "additions are no mapping": wrong_fold(lambda found: replace(found, additions=NOTHING.keys())),
}


def on_fake(projection: AnyProjection) -> Ports:
    return fake_ports(projection)


def in_memory(projection: AnyProjection) -> Ports:
    with places("memory") as new:
        return new(projection)


@pytest.mark.parametrize("ports_of", [on_fake, in_memory])
@pytest.mark.parametrize("wrong", WRONG)
def test_it_stops_that_account_before_the_event_and_no_other(
    wrong: str, ports_of: Callable[[AnyProjection], Ports]
) -> None:
    ports = ports_of(WRONG[wrong])
    ports.control.change(Control(), Control(live=1, newest=1))
    projector = Projector(WRONG[wrong], ports.rows, ports.control, NoGaps())
    taking = projector.take(BATCH, Deadline(60))
    assert (taking.waiting, taking.failed) == ((), "")
    [stopped] = taking.stopped
    assert (stopped.account_id, stopped.version) == (BAD, LAST - 1)
    rows = ports.rows.rows(1, [BAD, GOOD])
    assert {each: row.gate.version for each, row in rows.items()} == {BAD: LAST - 1, GOOD: LAST}
    assert rows[BAD].kept == Kept(LAST - 1)
    assert ports.rows.shared_rows(1, "", "~") == {"all": {"events": 2 * LAST - 1}}


LARGEST = 10**38 - 1
HUGE = replace(RIGHT, fold=lambda kept, event: Folded(fold(kept, event).kept, {event.subject: {"events": LARGEST}}))


@pytest.mark.parametrize("batches", [[[1, 2, 3]], [[1], [2, 3]], [[1], [2], [3]]])
def test_what_the_table_does_not_add_stops_that_account_and_no_other(batches: list[list[int]]) -> None:
    """Before the request of which it refused a part: what it holds is then as before."""
    projection = replace(RIGHT, fold=lambda kept, event: (HUGE if event.subject == BAD else RIGHT).fold(kept, event))
    ports = fake_ports(projection)
    ports.control.change(Control(), Control(live=1, newest=1))
    projector = Projector(projection, ports.rows, ports.control, NoGaps())
    stopped: list[Stopped] = []
    for versions in batches:
        batch = {each: [events[version - 1] for version in versions] for each, events in BATCH.items()}
        taking = projector.take(batch, Deadline(60))
        assert (taking.waiting, taking.failed) == ((), "")
        stopped += taking.stopped
    [found] = stopped
    assert (found.account_id, found.version) == (BAD, 1 if len(batches) > 1 else 0)
    assert found.reason.startswith("Nothing can be added to the row 1#shared#")
    assert ports.rows.rows(1, [GOOD])[GOOD].gate.version == LAST
    totals = ports.rows.shared_rows(1, "", "~")
    assert totals.get(BAD, {"events": 0}) == {"events": LARGEST * found.version}


def test_what_the_table_does_not_add_ends_a_long_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a fold of many steps, and of a gap that is filled."""
    monkeypatch.setattr(steps, "STEP_EVENTS", 1)
    ports, history = fake_ports(HUGE), LongHistory(BAD, 5)
    ports.control.change(Control(), Control(live=1, newest=1))
    projector = Projector(HUGE, ports.rows, ports.control, history)
    [stopped] = projector.take({BAD: [history.event(5)]}, Deadline(60)).stopped
    assert (stopped.version, ports.rows.load(1, BAD, Deadline()).kept) == (1, Kept(1))
    assert ports.rows.shared_rows(1, "", "~") == {BAD: {"events": LARGEST}}


def test_a_restore_stays_known_when_the_table_does_not_add() -> None:
    ports, history = fake_ports(HUGE), LongHistory(BAD, 3)
    ports.control.change(Control(), Control(live=1, newest=1))
    restored = restored_event(BAD, last_good_version=3, restored_to=START, generation=1, announced=START)
    taking = Projector(HUGE, ports.rows, ports.control, history).take({BAD: [restored]}, Deadline(60))
    gate = ports.rows.load(1, BAD, Deadline()).gate
    assert [each.reason for each in taking.stopped] == [gate.stopped]
    assert gate.revoked == Revoked(3, restored.recordedtime)
