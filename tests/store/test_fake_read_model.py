"""The fake of a read model's table answers as moto does: the same calls of the real adapter are sent to both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Control
from lambdas.projections.errors import ProjectionError
from lambdas.projections.read_model import AccountRow
from lambdas.projections.segments import Segment
from tests.support.account_rows import BOOKED, row
from tests.support.dynamodb_tables import create_read_model_table, moto_client
from tests.support.fake_read_model import FakeReadModelDynamoDB
from tests.support.read_models import TablePorts, table_ports
from tests.support.runs import runs


class ComparingClient:
    """Sends every call to both clients, and answers as the fake does once both agree."""

    def __init__(self, fake: Any, reference: Any) -> None:
        self._clients = (fake, reference)

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            fake, reference = (_answer(getattr(client, operation), request) for client in self._clients)
            assert _comparable(fake) == _comparable(reference), (operation, request)
            if isinstance(fake, ClientError):
                raise fake
            return fake

        return call


def _answer(call: Any, request: Mapping[str, Any]) -> Any:
    try:
        return call(**request)
    except ClientError as error:
        return error


def _comparable(answer: Any) -> Any:
    """What the adapter reads of an answer: batches in no order, and no LastEvaluatedKey, which moto leaves out."""
    if not isinstance(answer, ClientError):
        batch = [sorted(items, key=str) for items in answer.get("Responses", {}).values()]
        return answer.get("Items"), answer.get("Item"), batch
    response: Any = answer.response
    reasons = [(each["Code"], each.get("Item")) for each in response.get("CancellationReasons", [])]
    return response["Error"]["Code"], response.get("Item"), reasons


@pytest.fixture(scope="module")
def reference() -> Iterator[Any]:
    with moto_client() as client:
        yield client


statuses = st.sampled_from(["open", "closed"])
accounts, generations, keys = st.sampled_from("abcd"), st.integers(1, 2), st.sampled_from(["EUR#1", "EUR#2", "USD#1"])
additions = st.dictionaries(keys, st.dictionaries(st.sampled_from("xy"), st.integers(-9, 9), min_size=1), max_size=3)
steps = st.one_of(
    st.tuples(st.just("save"), generations, accounts, st.integers(0, 2), additions, st.booleans(), statuses),
    st.tuples(st.just("defer"), generations, accounts),
    st.tuples(st.just("undefer"), generations, accounts),
    st.tuples(st.just("control"), st.sampled_from(["start", "settle", "build", "drop"]), st.booleans()),
    st.tuples(st.just("segment"), generations, st.integers(0, 2)),
    st.tuples(st.just("drop"), generations),
    st.tuples(st.just("read"), generations, keys, keys),
)  # fmt: skip


@given(taken=st.lists(steps, max_size=15))
@settings(max_examples=runs(check=5, test=25, soak=500), deadline=None)
def test_same_answers_as_moto(reference: Any, taken: list[Any]) -> None:
    name = create_read_model_table(reference)
    ports = table_ports(ComparingClient(FakeReadModelDynamoDB(name), reference), name, ACCOUNT_SUMMARIES)
    for step, *arguments in taken:
        with suppress(ProjectionError):
            TAKEN[step](ports, *arguments)
    for generation in (1, 2):
        _read(ports, generation, "EUR#1", "USD#1")


def _save(
    ports: TablePorts, generation: int, account: str, behind: int, added: Any, stopped: bool, status: str
) -> None:
    before = ports.rows.load(generation, account, Deadline())
    after = row(account, before.gate.version + 1, status=status, stopped="why" if stopped else "")
    old = AccountRow[Any](account) if behind == 1 else replace(before, gate=row(account, 7 * behind).gate)
    ports.rows.save(generation, old if behind else before, after, added, Deadline())


def _control(ports: TablePorts, change: str, late: bool) -> None:
    before = ports.control.read()
    after = {
        "start": lambda: before.started("rebuild", segments=1, at=BOOKED),
        "settle": lambda: before.settling("rebuild"),
        "build": lambda: before.built("rebuild"),
        "drop": before.dropped,
    }[change]()
    ports.control.change(Control() if late else before, after)


def _read(ports: TablePorts, generation: int, first: str, last: str) -> None:
    rows = ports.rows
    rows.shared_rows(generation, first, last)
    rows.rows(generation, "abcd")
    assert list(rows.stopped(generation)) == sorted(rows.stopped(generation), key=lambda each: each.account_id)
    list(rows.deferred(generation))
    ports.segments.all(generation)


TAKEN: dict[str, Any] = {
    "save": _save,
    "control": _control,
    "read": _read,
    "defer": lambda ports, generation, account: ports.rows.defer(generation, account, "rebuild", Deadline()),
    "undefer": lambda ports, generation, account: ports.rows.undefer(generation, account),
    "drop": lambda ports, generation: ports.segments.drop(generation),
    "segment": lambda ports, generation, number: ports.segments.save(
        Segment(generation=generation, number=number, rebuild="rebuild")
    ),
}
