"""The example of the consumer's guide is run as it stands in its file, and shown as it is run."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from lambdas.contracts.domain_events import decode_domain_event, domain_event, encode_domain_event
from lambdas.contracts.event_examples import restored_example
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.contracts.ledger_events import encode_ledger_event, restored_event
from lambdas.eventsourcing.errors import InconsistentReadError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Commit
from lambdas.eventsourcing.store import Page
from lambdas.eventsourcing.timestamps import format_timestamp
from tests.support.event_rows import ACCOUNT, account_id, credited
from tests.support.publishing import EXAMPLE, GUIDE, guide_code, guide_consumer, guide_lines
from tests.support.stores import as_is

ROWS = [credited(version) for version in range(1, 7)]
LINES = [encode_domain_event(domain_event(row)) + b"\n" for row in ROWS]
NO_WAITING = Backoff(sleep=lambda _: None)


class LosingStore(InMemoryEventStore):
    """A store some of whose rows were removed."""

    def __init__(self, absent: tuple[int, ...]) -> None:
        super().__init__()
        self.absent = absent

    def read(self, *args: Any, **kwargs: Any) -> Page:
        page = super().read(*args, **kwargs)
        return Page([row for row in page.rows if row.version not in self.absent], more=page.more)


class Ledger:
    """The consumer over a ledger with six events, without the `absent` ones, and what it applied."""

    def __init__(self, *absent: int) -> None:
        store = LosingStore(absent)
        store.commit(as_is(Commit("c", tuple(ROWS))), deadline=Deadline())
        self.applied: list[dict[str, Any]] = []
        self.last: dict[str, tuple[int, str, str]] = {}
        self.restores: dict[str, set[tuple[int, str]]] = {}
        reader = DomainEventReader(store, backoff=NO_WAITING)
        self.consumer = guide_consumer()(self.applied.append, reader, self.last, self.restores)

    def take(self, *numbers: int) -> list[int]:
        """Feed it a record with these events; the versions applied so far."""
        self.consumer.take(b"".join(LINES[number - 1] for number in numbers))
        return self.versions()

    def versions(self) -> list[int]:
        """The versions applied so far; 0 where a restore was undone."""
        return [event.get("streamversion", 0) for event in self.applied]

    def checkpoint(self) -> dict[str, int]:
        """The version of each account's last event; what else is kept of it is that event's."""
        for account, (version, rowhash, recorded) in self.last.items():
            [event] = [each for each in self.applied if (each["subject"], each["streamversion"]) == (account, version)]
            assert (event["rowhash"], event["recordedtime"]) == (rowhash, recorded)
        return {account: version for account, (version, _, _) in self.last.items()}


def test_events_in_order_are_applied_as_they_come() -> None:
    ledger = Ledger()
    assert ledger.take(1, 2) == [1, 2]
    assert ledger.take(3) == [1, 2, 3]
    assert ledger.applied == [json.loads(line) for line in LINES[:3]]
    assert ledger.checkpoint() == {ACCOUNT: 3}


def test_a_duplicate_is_dropped() -> None:
    ledger = Ledger()
    ledger.take(1, 2, 3)
    assert ledger.take(2) == [1, 2, 3]
    assert ledger.take(1, 2, 3, 4) == [1, 2, 3, 4]


def test_a_gap_is_filled_and_late_events_are_dropped() -> None:
    ledger = Ledger()
    assert ledger.take(4) == [1, 2, 3, 4]
    assert ledger.take(2) == [1, 2, 3, 4]
    assert ledger.take(6, 5) == [1, 2, 3, 4, 5, 6]
    assert ledger.applied == [json.loads(line) for line in LINES]


def test_a_gap_that_cannot_be_filled_stops_the_account() -> None:
    ledger = Ledger(2)
    ledger.take(1)
    with pytest.raises(InconsistentReadError, match="no row at version 2"):
        ledger.take(3)
    assert [event["streamversion"] for event in ledger.applied] == [1]
    assert ledger.checkpoint() == {ACCOUNT: 1}


@pytest.mark.parametrize("found", [[], [3]])
def test_it_checks_the_version_itself(found: list[int]) -> None:
    class Forgetful:
        def read(self, *_: Any, **__: Any) -> list[Any]:
            return [domain_event(ROWS[number - 1]) for number in found]

    ledger = Ledger()
    ledger.take(1)
    ledger.consumer.reader = Forgetful()
    with pytest.raises(LookupError, match=f"{ACCOUNT}: no event 2"):
        ledger.take(4)
    assert [event["streamversion"] for event in ledger.applied] == [1]
    assert ledger.checkpoint() == {ACCOUNT: 1}


EARLIER, SAME, LATER = "2026-03-01T09:29:59.999Z", "2026-03-01T09:30:00.250Z", "2026-03-01T09:30:00.251Z"
REWRITTEN = "/".ljust(43, "A") + "="


@pytest.mark.parametrize(
    ("version", "change"),
    [
        pytest.param(3, {"rowhash": REWRITTEN}, id="the last one is another"),
        pytest.param(3, {"rowhash": REWRITTEN, "recordedtime": LATER}, id="restored to the one before, and gone on"),
        pytest.param(2, {"recordedtime": LATER}, id="restored to an earlier one, and gone on"),
        pytest.param(4, {"recordedtime": EARLIER}, id="the next one is from before the restore"),
        pytest.param(6, {"recordedtime": EARLIER}, id="one after a gap is from before the restore"),
    ],
)
def test_a_fork_stops_the_account_and_changes_nothing(version: int, change: dict[str, str]) -> None:
    ledger = Ledger()
    ledger.take(1, 2, 3)
    document = json.loads(LINES[version - 1]) | change
    with pytest.raises(Exception, match=f"{ACCOUNT}/{version} is of another history than version 3") as found:
        ledger.consumer.take(json.dumps(document).encode())
    assert type(found.value).__name__ == "ForkError"
    assert (ledger.versions(), ledger.checkpoint()) == ([1, 2, 3], {ACCOUNT: 3})


@pytest.mark.parametrize(("version", "recorded"), [(1, EARLIER), (2, SAME), (4, SAME), (4, LATER)])
def test_a_duplicate_or_the_next_is_no_fork(version: int, recorded: str) -> None:
    ledger = Ledger()
    ledger.take(1, 2, 3)
    document = json.loads(LINES[version - 1]) | {"recordedtime": recorded, "rowhash": REWRITTEN}
    ledger.consumer.take(json.dumps(document).encode())
    assert len(ledger.applied) == max(3, version)


def test_a_gap_that_is_filled_from_another_history_is_a_fork() -> None:
    """The ledger was restored to version 2 and has gone on, before the consumer that was at 3 sees anything of it."""
    ledger = Ledger()
    ledger.take(1, 2, 3)
    earlier = msgspec.structs.replace(domain_event(ROWS[3]), recordedtime=EARLIER)

    class Restored:
        def read(self, *_: Any, **__: Any) -> list[Any]:
            return [earlier]

    ledger.consumer.reader = Restored()
    with pytest.raises(Exception, match=f"{ACCOUNT}/4 is of another history"):
        ledger.take(5)
    assert ledger.checkpoint() == {ACCOUNT: 3}


ANNOUNCED = datetime(2026, 3, 1, 9, 31, tzinfo=UTC)


def restore(good: int, announced: datetime = ANNOUNCED, generation: int = 2) -> bytes:
    event = restored_event(
        ACCOUNT, last_good_version=good, restored_to=ANNOUNCED, generation=generation, announced=announced
    )
    return encode_ledger_event(event)


def after_the_restore(version: int, seconds: int = 0) -> bytes:
    """What was booked in the place of a revoked event, so long after the announcement."""
    moment = format_timestamp(ANNOUNCED + timedelta(seconds=seconds))
    document = json.loads(LINES[version - 1]) | {"recordedtime": moment, "rowhash": REWRITTEN}
    return json.dumps(document).encode()


def test_a_restore_is_undone_and_the_account_goes_on_from_its_last_good_version() -> None:
    ledger = Ledger()
    ledger.take(1, 2, 3, 4, 5)
    ledger.consumer.take(restore(3))
    assert ledger.applied[-1]["data"]["last_good_version"] == 3
    kept = domain_event(ROWS[2])
    assert ledger.last == {ACCOUNT: (3, kept.rowhash, kept.recordedtime)}
    ledger.consumer.take(after_the_restore(4))
    ledger.consumer.take(after_the_restore(5, 1))
    assert ledger.versions() == [1, 2, 3, 4, 5, 0, 4, 5]


def test_an_account_that_was_never_opened_begins_anew() -> None:
    ledger = Ledger()
    ledger.take(1, 2)
    ledger.consumer.take(restore(0))
    assert ledger.last == {}
    ledger.consumer.take(after_the_restore(1))
    assert ledger.last[ACCOUNT][0] == 1


@pytest.mark.parametrize("taken", [(1, 2), (1, 2, 3)])
def test_nothing_is_undone_where_nothing_is_beyond(taken: tuple[int, ...]) -> None:
    ledger = Ledger()
    ledger.take(*taken)
    before = dict(ledger.last)
    ledger.consumer.take(restore(3))
    assert (ledger.versions(), ledger.last) == (list(taken), before)
    assert ledger.consumer.skipped == {}


def test_it_may_be_told_again_and_again_and_so_may_what_it_revoked() -> None:
    """After the restore a revoked event is neither next, nor a gap, nor a fork."""
    ledger = Ledger()
    ledger.take(1, 2, 3, 4, 5)
    ledger.consumer.take(restore(3))
    ledger.take(4, 5, 6)
    assert ledger.last[ACCOUNT][0] == 3
    ledger.consumer.take(restore(3))
    ledger.consumer.take(after_the_restore(4))
    ledger.consumer.take(restore(3))
    ledger.take(3, 4, 5, 6)
    assert ledger.versions() == [1, 2, 3, 4, 5, 0, 4]
    assert sum(ledger.consumer.skipped.values()) == 6


def test_a_restore_that_cannot_be_read_changes_nothing_and_may_be_tried_again() -> None:
    ledger = Ledger(3)
    ledger.consumer.take(b"".join(LINES[:2]))
    ledger.consumer.take(LINES[2] + LINES[3])
    before = dict(ledger.last)
    with pytest.raises(InconsistentReadError):
        ledger.consumer.take(restore(3))
    assert (ledger.versions(), ledger.last, ledger.restores) == ([1, 2, 3, 4], before, {})


def test_each_of_several_restores_counts() -> None:
    """The second one goes back less far; what the first one revoked comes once more."""
    ledger = Ledger()
    later = ANNOUNCED + timedelta(seconds=9)
    ledger.take(1, 2, 3, 4)
    ledger.consumer.take(restore(2))
    for version in (3, 4, 5):
        ledger.consumer.take(after_the_restore(version, version))
    ledger.consumer.reader = Going([json.loads(after_the_restore(4, 4))])
    ledger.consumer.take(restore(4, later, 3))
    assert ledger.last[ACCOUNT][0] == 4
    ledger.take(3, 4, 5)
    ledger.consumer.take(after_the_restore(5, 5))
    assert ledger.last[ACCOUNT][0] == 4, "all of these are revoked by one or the other"
    ledger.consumer.take(after_the_restore(5, 9))
    assert ledger.last[ACCOUNT][0] == 5


def test_a_reader_of_the_old_table_fills_no_gap_with_what_is_revoked() -> None:
    ledger = Ledger()
    ledger.consumer.take(restore(3))
    with pytest.raises(LookupError, match="no event 4"):
        ledger.consumer.take(after_the_restore(6))
    assert ledger.last[ACCOUNT][0] == 3


class Going:
    """A reader that gives what it has, whatever is asked."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self._documents = documents

    def read(self, *_: Any, after: int, up_to: int) -> list[Any]:
        found = [decode_domain_event(json.dumps(each)) for each in self._documents]
        return [each for each in found if after < each.streamversion <= up_to]


def test_accounts_are_apart() -> None:
    ledger = Ledger()
    other = encode_domain_event(domain_event(credited(1, account_id(1))))
    ledger.consumer.take(LINES[0] + other)
    assert ledger.checkpoint() == {ACCOUNT: 1, account_id(1): 1}


def test_a_type_to_come_reaches_the_application_and_moves_on() -> None:
    ledger = Ledger()
    unknown = json.loads(LINES[0]) | {"type": "daybook.account.AccountFrozen.v1", "data": {}}
    ledger.consumer.take(json.dumps(unknown).encode())
    assert ledger.take(2) == [1, 2]


def test_a_document_of_another_source_without_a_version_is_skipped_and_counted() -> None:
    ledger = Ledger()
    ledger.take(1)
    other = {"specversion": "1.0", "id": "x/1", "source": "/daybook/ledger", "type": "daybook.ledger.Noted.v1"}
    for document in (other, {**other, "subject": ACCOUNT, "data": {}}):
        ledger.consumer.take(json.dumps(document).encode() + b"\n" + LINES[1])
    assert (ledger.versions(), ledger.checkpoint()) == ([1, 2], {ACCOUNT: 2})
    assert ledger.consumer.skipped == {"daybook.ledger.Noted.v1": 2}


def test_an_error_leaves_the_position_before_the_event() -> None:
    ledger = Ledger()

    def fail(_event: Any) -> None:
        raise RuntimeError("the database is away")

    ledger.consumer.apply = fail
    with pytest.raises(RuntimeError):
        ledger.take(1)
    assert ledger.last == {}


def test_the_guide_shows_all_of_the_code_that_is_run() -> None:
    heading, _, code = EXAMPLE.read_text("utf-8").partition('"""\n\n')
    assert heading.startswith('"""')
    assert guide_code() == code


def test_the_example_is_short_and_the_document_shown_is_a_real_one() -> None:
    assert guide_lines() <= 46
    shown = GUIDE.read_text("utf-8").partition("```json\n")[2].partition("```")[0]
    document = json.loads(shown)
    assert list(document) == list(json.loads(LINES[0]))
    assert document["id"] == f"{document['subject']}/{document['streamversion']}"
    told = GUIDE.read_text("utf-8").partition("### After a restore")[2].partition("```json\n")[2].partition("```")[0]
    assert json.loads(told) == json.loads(encode_ledger_event(restored_example()))
