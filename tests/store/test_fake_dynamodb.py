"""The fake DynamoDB answers as moto does: the same calls of the real adapter are sent to both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.eventsourcing.errors import EventSourcingError
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import Commit, Completion, EventRow, Receipt
from lambdas.inbox import table
from tests.support.dynamodb_tables import KEYS, create_tables, moto_client, store_on
from tests.support.fake_dynamodb import FakeDynamoDB
from tests.support.inbox import BODY, TableInbox
from tests.support.runs import runs
from tests.support.stores import as_is

STREAMS = ("a", "b")


class ComparingClient:
    """Sends every call to both clients, and answers as the fake does once both agree."""

    def __init__(self, fake: Any, reference: Any) -> None:
        self._clients = (fake, reference)

    def __getattr__(self, operation: str) -> Any:
        def call(**kwargs: Any) -> Any:
            fake, reference = (_answer(getattr(client, operation), kwargs) for client in self._clients)
            assert _comparable(fake) == _comparable(reference), (operation, kwargs)
            if isinstance(fake, ClientError):
                raise fake
            return fake

        return call


def _answer(call: Any, kwargs: dict[str, Any]) -> Any:
    try:
        return call(**kwargs)
    except ClientError as error:
        return error


def _comparable(answer: Any) -> Any:
    """What the store reads of an answer, but for LastEvaluatedKey, which moto leaves out at the end of a range."""
    if not isinstance(answer, ClientError):
        return answer.get("Items"), answer.get("Item")
    response: Any = answer.response
    reasons = [(each["Code"], each.get("Item")) for each in response.get("CancellationReasons", [])]
    return response["Error"]["Code"], response.get("Item"), reasons


@pytest.fixture(scope="module")
def reference() -> Iterator[Any]:
    with moto_client() as client:
        yield client


rows = st.tuples(st.sampled_from(STREAMS), st.integers(1, 6))
places = st.tuples(st.sampled_from(STREAMS), st.sampled_from("xy"))
commits = st.tuples(
    st.just("commit"),
    st.lists(rows, max_size=4, unique=True),
    st.none() | st.tuples(places, st.integers(1, 5)),
    st.none() | places,
    st.integers(1, 5),
).filter(lambda commit: any(commit[1:4]))
submissions = st.tuples(st.just("submit"), st.sampled_from(STREAMS), st.sampled_from("xy"))
reads = st.tuples(
    st.just("read"), st.sampled_from(STREAMS), st.integers(0, 4), st.integers(1, 3), st.booleans(), st.integers(1, 4)
)


@given(steps=st.lists(commits | reads | submissions, max_size=15))
@settings(max_examples=runs(check=20, test=60, soak=1_000), deadline=None)
def test_same_answers_as_moto(reference: Any, steps: list[Any]) -> None:
    tables = create_tables(reference)
    fake = FakeDynamoDB(dict(zip(tables, KEYS.values(), strict=True)))
    client = ComparingClient(fake, reference)
    store, inbox = store_on(client, tables), TableInbox(client, tables.commands)
    for number, step in enumerate(steps):
        if step[0] == "read":
            _, stream_id, after, count, newest_first, limit = step
            bounds: dict[str, Any] = {"after": after, "up_to": after + count} if count < 3 else {"after": after}
            store.read(stream_id, newest_first=newest_first, limit=limit, deadline=Deadline(), **bounds)
        elif step[0] == "submit":
            inbox.submit(*step[1:])
        else:
            with suppress(EventSourcingError):
                store.commit(as_is(_commit(f"c{number}", *step[1:4]), made_at=step[4]), deadline=Deadline())
    for scope in STREAMS:
        for key in "xy":
            inbox.item(scope, key)


def _commit(
    commit_id: str,
    places: list[tuple[str, int]],
    receipt: tuple[tuple[str, str], int] | None,
    completed: tuple[str, str] | None,
) -> Commit:
    expected = {table.BODY: BODY if commit_id[-1] in "02468" else b"else", "absent": None}
    return Commit(
        commit_id,
        tuple(EventRow(s, v, commit_id, "T", 1, "{}", "{}", "", "", b"\x00\xff" * 16) for s, v in places),
        None if receipt is None else Receipt(*receipt[0], b"h", commit_id, 1, "r", receipt[1]),
        () if completed is None else (Completion(*completed, commit_id, "DONE", {"number": 7, "text": "t"}, expected),),
    )
