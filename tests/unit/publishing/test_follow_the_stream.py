"""The script that follows the local stream stops an account that it cannot go on with, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from docs.examples.follow_the_stream import follow
from lambdas.contracts.domain_events import NotPublishableError, domain_event, encode_domain_event
from lambdas.contracts.ledger_events import encode_ledger_event, restored_event
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError, ReadUnavailableError
from tests.support.event_rows import account_id, credited

FORKED, OTHER = account_id(1), account_id(2)
Record = tuple[str, bytes]


def record(account: str, version: int, **changed: str) -> Record:
    document = json.loads(encode_domain_event(domain_event(credited(version, account)))) | changed
    return account, json.dumps(document).encode()


class Reader:
    """Fails where an event is missing."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def read(self, _account: str, *, after: int, up_to: int) -> Iterator[Any]:
        if self._error and up_to > after:
            raise self._error
        return iter(())


def test_a_fork_stops_its_account_and_no_other() -> None:
    fork = record(FORKED, 1, rowhash="A" * 43 + "=")
    types, stopped, accounts = follow(
        [record(FORKED, 1), fork, record(OTHER, 1), record(FORKED, 2), record(OTHER, 2)], Reader()
    )
    assert (sum(types.values()), accounts) == (3, 2), "nothing after the fork is applied"
    assert list(stopped) == [FORKED]
    assert "of another history than version 1" in stopped[FORKED]


@pytest.mark.parametrize(
    "error",
    [
        NotPublishableError("it has no such type"),
        CorruptRowError(FORKED, 1, "it has no data"),
        InconsistentReadError(FORKED, 1),
    ],
)
def test_a_gap_that_cannot_be_filled_stops_its_account_and_no_other(error: Exception) -> None:
    types, stopped, _ = follow([record(FORKED, 2), record(OTHER, 1)], Reader(error))
    assert (sum(types.values()), stopped) == (1, {FORKED: str(error)})


def test_what_another_source_tells_is_counted() -> None:
    note = json.dumps({"source": "/daybook/ledger", "type": "daybook.ledger.Noted.v1"}).encode()
    types, stopped, _ = follow([(OTHER, note), record(OTHER, 1)], Reader())
    assert (types["daybook.ledger.Noted.v1"], sum(types.values()), stopped) == (1, 2, {})


def restored(account: str, good: int) -> Record:
    moment = datetime(2026, 3, 1, 9, 31, tzinfo=UTC)
    event = restored_event(account, last_good_version=good, restored_to=moment, generation=2, announced=moment)
    return account, encode_ledger_event(event)


SINCE = {"recordedtime": "2026-03-01T09:31:00.000Z", "rowhash": "A" * 43 + "="}


def test_what_a_restore_revoked_does_not_count() -> None:
    class Ledger(Reader):
        def read(self, account: str, *, after: int, up_to: int) -> Iterator[Any]:
            return (domain_event(credited(version, account)) for version in range(after + 1, up_to + 1))

    given = [record(OTHER, 1), record(OTHER, 2), record(OTHER, 3), restored(OTHER, 1), record(OTHER, 2, **SINCE)]
    types, stopped, accounts = follow(given, Ledger())
    assert (sum(types.values()), stopped, accounts) == (2, {}, 1)


def test_a_restore_sets_an_account_going_that_had_to_stop() -> None:
    """The gap cannot be filled, for the ledger does not hold it any more."""
    missing = Reader(InconsistentReadError(FORKED, 1))
    given = [record(FORKED, 3), record(FORKED, 4), restored(FORKED, 0), record(FORKED, 1, **SINCE)]
    types, stopped, accounts = follow(given, missing)
    assert (sum(types.values()), stopped, accounts) == (1, {}, 1)


def test_a_table_that_does_not_answer_ends_it() -> None:
    with pytest.raises(ReadUnavailableError):
        follow([record(FORKED, 2)], Reader(ReadUnavailableError("try again")))
