"""The example of the consumer's guide is run as it stands in its file, and shown as it is run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.errors import InconsistentReadError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Commit
from lambdas.eventsourcing.store import Page
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
        self.last: dict[str, int] = {}
        self.consumer = guide_consumer()(self.applied.append, DomainEventReader(store, backoff=NO_WAITING), self.last)

    def take(self, *numbers: int) -> list[int]:
        """Feed it a record with these events; the versions applied so far."""
        self.consumer.take(b"".join(LINES[number - 1] for number in numbers))
        return [event["streamversion"] for event in self.applied]


def test_events_in_order_are_applied_as_they_come() -> None:
    ledger = Ledger()
    assert ledger.take(1, 2) == [1, 2]
    assert ledger.take(3) == [1, 2, 3]
    assert ledger.applied == [json.loads(line) for line in LINES[:3]]
    assert ledger.last == {ACCOUNT: 3}


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
    assert ledger.last == {ACCOUNT: 1}


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
    assert ledger.last == {ACCOUNT: 1}


def test_accounts_are_apart() -> None:
    ledger = Ledger()
    other = encode_domain_event(domain_event(credited(1, account_id(1))))
    ledger.consumer.take(LINES[0] + other)
    assert ledger.last == {ACCOUNT: 1, account_id(1): 1}


def test_a_type_to_come_reaches_the_application_and_moves_on() -> None:
    ledger = Ledger()
    unknown = json.loads(LINES[0]) | {"type": "daybook.account.AccountFrozen.v1", "data": {}}
    ledger.consumer.take(json.dumps(unknown).encode())
    assert ledger.take(2) == [1, 2]


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
    assert guide_lines() <= 20
    shown = GUIDE.read_text("utf-8").partition("```json\n")[2].partition("```")[0]
    document = json.loads(shown)
    assert list(document) == list(json.loads(LINES[0]))
    assert document["id"] == f"{document['subject']}/{document['streamversion']}"
