"""A DynamoDB that misbehaves: nothing acknowledged is lost, nothing is applied twice, and errors mean what they say."""

from __future__ import annotations

import random

import pytest
from botocore.exceptions import ClientError

from lambdas.eventsourcing.dynamodb import MAX_ATTEMPTS
from lambdas.eventsourcing.errors import (
    CommitInvalidError,
    NotAppliedError,
    OutcomeUnknownError,
    ReadUnavailableError,
    StoredCommandMissingError,
)
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.inbox import table
from tests.support.audit import Audit
from tests.support.bank import Accepted, Ended, Failed, Order, Outcome, Recorder, Rejected, new_bank
from tests.support.clocks import SimulatedTime
from tests.support.dynamodb_tables import moto_client, store_on
from tests.support.ends import ends
from tests.support.fake_dynamodb import client_error
from tests.support.faults import MISHAPS, Effect, FaultyClient, Mishap, as_told
from tests.support.inbox import TableInbox
from tests.support.observed import observed_client, observed_fake
from tests.support.recording import whole_history
from tests.support.runs import seeds
from tests.support.simulation import REQUEST_SECONDS, UNCERTAIN, play
from tests.support.workloads import accounts, as_stored, credit, opening, transfer, withdrawal

SEEDS = seeds(check=50, test=500, soak=50_000)
ENOUGH = 200
"""In so many runs every outcome is met."""
MOTO_SEEDS = seeds(check=1, test=2, soak=100)


@pytest.mark.thousands
def test_seeded_runs() -> None:
    """Repeat one run with DAYBOOK_TEST_SEED=<seed> DAYBOOK_TEST_RUNS=1."""
    seen: set[Outcome] = set()
    for seed in SEEDS:
        seen.update(play(observed_fake(), seed))
    if len(SEEDS) >= ENOUGH:
        assert seen >= UNCERTAIN
        assert {type(outcome) for outcome in seen} == {Accepted, Rejected, Failed, Ended}


@pytest.mark.generated
def test_seeded_runs_on_moto() -> None:
    for seed in MOTO_SEEDS:
        with moto_client() as client:
            play(observed_client(client), seed)


A, B = accounts(2)
ORDERS_OF_ALL_SHAPES = {
    "one row": credit("order", A, 1),
    "row and receipt": withdrawal("order", A, 1, keyed=True),
    "two rows": transfer("order", A, B, 1),
    "two rows and receipt": transfer("order", A, B, 1, keyed=True),
    "receipt": withdrawal("order", A, 1000, keyed=True),
    "row and completion": as_stored(credit("order", A, 1)),
    "two rows and completion": as_stored(transfer("order", A, B, 1)),
    "completion": as_stored(withdrawal("order", A, 1000)),
}
REJECTED_SHAPES = {"receipt", "completion"}
READS_FIRST: dict[str, list[Mishap | None]] = {
    shape: [None] if shape in REJECTED_SHAPES else [] for shape in ORDERS_OF_ALL_SHAPES
}
"""What is known from a cache rejects nothing: the account is read before the rejection is written."""
REJECTED = Rejected("insufficient-funds")


class Story:
    """Two accounts with 100 each at version 2, and one process on which things go wrong as told."""

    def __init__(self, *mishaps: Mishap | None) -> None:
        self.observed, self.time = observed_fake(), SimulatedTime()
        self.recorder = Recorder(self.observed.ticks)
        self.store = store_on(self.observed.client, self.observed.tables)
        self.elsewhere = new_bank(self.store, self.time.wall)
        for order in (opening(A), opening(B), credit("a", A, 100), credit("b", B, 100)):
            self.recorder.send(self.elsewhere, order)
        self.inbox = TableInbox(self.observed.client, self.observed.tables.commands)
        self.inbox.submit(A, "order")
        self.client = FaultyClient(self.observed.client, random.Random(0), self.time, schedule=as_told())
        backoff = Backoff(sleep=self.time.sleep, uniform=lambda low, high: high)
        self.bank = new_bank(
            store_on(self.client, self.observed.tables, backoff=backoff),
            self.time.wall,
            backoff=backoff,
            new_deadline=lambda: Deadline(monotonic=self.time.monotonic),
        )
        self.bank.account(A)
        self.bank.account(B)
        self.client.attempts.clear()
        self.client.schedule = as_told(*mishaps)

    def send(self, order: Order) -> Outcome:
        """Send, and check that it was done in time."""
        began = self.time.monotonic()
        outcome = self.recorder.send(self.bank, order)
        assert self.time.monotonic() - began < REQUEST_SECONDS
        return outcome

    def check(self) -> None:
        """Everything arrives, and the history agrees with the answers."""
        self.client.settle()
        histories = {account: whole_history(self.store, account) for account in (A, B)}
        assert Audit(histories, self.observed.appends, self.recorder.answers).violations() == []
        certain = [answer for answer in self.recorder.answers if answer.outcome not in UNCERTAIN]
        assert ends(certain, histories, self.inbox.find) == []

    def in_history(self, order: Order) -> int:
        """So many rows are from this order."""
        rows = [row for account in (A, B) for row in whole_history(self.store, account)]
        return sum(f'"{order.label}"' in row.metadata for row in rows)


def _by_name(mishap: Mishap) -> str:
    return mishap.name


LATE = next(mishap for mishap in MISHAPS if mishap.name == "late")
LOST = next(mishap for mishap in MISHAPS if mishap.name == "request lost")
THROTTLED = next(mishap for mishap in MISHAPS if mishap.name == "throttled")


@pytest.mark.parametrize("shape", ORDERS_OF_ALL_SHAPES)
@pytest.mark.parametrize("mishap", MISHAPS, ids=_by_name)
def test_one_mishap_is_not_noticed(mishap: Mishap, shape: str) -> None:
    order = ORDERS_OF_ALL_SHAPES[shape]
    story = Story(*READS_FIRST[shape], mishap)

    outcome = story.send(order)

    story.check()
    assert outcome == REJECTED if shape in REJECTED_SHAPES else isinstance(outcome, Accepted)
    assert story.in_history(order) == (0 if shape in REJECTED_SHAPES else len(order.account_ids))


@pytest.mark.parametrize("shape", ORDERS_OF_ALL_SHAPES)
@pytest.mark.parametrize("mishap", [each for each in MISHAPS if each.answer], ids=_by_name)
def test_a_mishap_without_end_is_called_by_its_name(mishap: Mishap, shape: str) -> None:
    order = ORDERS_OF_ALL_SHAPES[shape]
    story = Story(*READS_FIRST[shape], *[mishap] * 50)

    outcome = story.send(order)

    assert outcome == Failed(OutcomeUnknownError if mishap.in_doubt else NotAppliedError)
    assert len(story.client.attempts) <= MAX_ATTEMPTS + len(READS_FIRST[shape])
    story.check()
    if outcome == Failed(NotAppliedError):
        assert story.in_history(order) == 0
        assert not order.stored or story.inbox.find(A, "order") == {table.STATUS: table.PENDING}


@pytest.mark.parametrize("late", [True, False], ids=["late ones arrive first", "late ones arrive last"])
@pytest.mark.parametrize("shape", [shape for shape, order in ORDERS_OF_ALL_SHAPES.items() if order.keyed])
@pytest.mark.parametrize("mishap", [each for each in MISHAPS if each.answer], ids=_by_name)
def test_a_key_makes_it_safe_to_send_again(mishap: Mishap, shape: str, late: bool) -> None:
    order = ORDERS_OF_ALL_SHAPES[shape]
    story = Story(*READS_FIRST[shape], *[mishap] * 50)
    story.send(order)
    story.recorder.send(story.elsewhere, credit("meanwhile", A, 5000))
    if late:
        story.client.settle()

    story.client.schedule = as_told()
    outcomes = {story.send(order), story.recorder.send(story.elsewhere, order)}

    story.check()
    assert len(outcomes) == 1
    assert story.in_history(order) == (len(order.account_ids) if isinstance(outcomes.pop(), Accepted) else 0)


@pytest.mark.parametrize("late", [True, False], ids=["late ones arrive first", "late ones arrive last"])
@pytest.mark.parametrize("shape", [shape for shape, order in ORDERS_OF_ALL_SHAPES.items() if order.stored])
@pytest.mark.parametrize("mishap", [each for each in MISHAPS if each.answer], ids=_by_name)
def test_a_stored_command_may_be_tried_again(mishap: Mishap, shape: str, late: bool) -> None:
    """By the same processor or another; by then even what was rejected at first could succeed."""
    order = ORDERS_OF_ALL_SHAPES[shape]
    story = Story(*READS_FIRST[shape], *[mishap] * 50)
    story.send(order)
    story.recorder.send(story.elsewhere, credit("meanwhile", A, 5000))
    if late:
        story.client.settle()

    story.client.schedule = as_told()
    first, second = story.send(order), story.recorder.send(story.elsewhere, order)

    story.check()
    status = story.inbox.find(A, "order")[table.STATUS]
    assert second == Ended(str(status))
    assert isinstance(first, Accepted) or first == Ended(str(status))
    assert story.in_history(order) == (len(order.account_ids) if status == table.SUCCEEDED else 0)


@pytest.mark.parametrize("shape", [shape for shape, order in ORDERS_OF_ALL_SHAPES.items() if order.stored])
def test_an_answer_that_was_lost_is_found_by_the_commit_id(shape: str) -> None:
    """The second attempt finds the end that the first has written, and so knows its own success or rejection."""
    lost = next(mishap for mishap in MISHAPS if mishap.name == "answer lost")
    order = ORDERS_OF_ALL_SHAPES[shape]
    story = Story(*READS_FIRST[shape], lost)

    outcome = story.send(order)

    operation = "update_item" if shape == "completion" else "transact_write_items"
    assert [each.operation for each in story.client.attempts if each.commit_id] == [operation] * 2
    assert outcome == REJECTED if shape == "completion" else isinstance(outcome, Accepted)
    story.check()


@pytest.mark.parametrize("shape", [shape for shape, order in ORDERS_OF_ALL_SHAPES.items() if order.stored])
def test_a_row_that_is_gone_leaves_doubt(shape: str) -> None:
    """After an unknown outcome, that nothing is shown does not say that nothing was done."""
    order = ORDERS_OF_ALL_SHAPES[shape]
    for mishaps, error in (([LOST], OutcomeUnknownError), ([], StoredCommandMissingError)):
        story = Story(*READS_FIRST[shape], *mishaps)
        story.observed.client.tables[story.observed.tables.commands].delete(A, "order")

        assert story.send(order) == Failed(error)
        assert story.in_history(order) == 0


def test_a_late_write_finds_its_place_taken() -> None:
    """Lost, so it seems; somebody else takes the version; decided again at the next one; then the first arrives."""
    order = credit("order", A, 1)
    story = Story(LATE)
    rivals = iter([credit("rival", A, 1)])

    def meanwhile() -> None:
        for rival in rivals if story.client.attempts else ():
            story.recorder.send(story.elsewhere, rival)

    story.client.meanwhile = meanwhile

    assert story.send(order) == Accepted((4,))
    story.check()
    assert story.in_history(order) == 1


def test_doubt_outlives_a_refusal() -> None:
    """The first attempt may have taken effect, so that the others were throttled says nothing."""
    story = Story(LATE, *[THROTTLED] * 50)

    assert story.send(credit("order", A, 1)) == Failed(OutcomeUnknownError)


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDeniedException", ClientError), ("ValidationException", CommitInvalidError)]
)
def test_a_fault_of_ours_is_not_hidden(code: str, error: type[Exception]) -> None:
    wrong = Mishap("wrong", Effect.NEVER, 0.0, lambda operation, _: client_error(code, operation))

    with pytest.raises(error, match=code):
        Story(wrong).send(credit("order", A, 1))

    assert Story(LOST, wrong).send(credit("order", A, 1)) == Failed(OutcomeUnknownError)


@pytest.mark.parametrize("mishap", [each for each in MISHAPS if each.answer], ids=_by_name)
def test_a_read_that_keeps_failing(mishap: Mishap) -> None:
    """A question is unavailable; a command that could not read is certainly not applied."""
    story = Story(*[mishap] * 50)
    with pytest.raises(ReadUnavailableError):
        story.bank.account(A)
    assert len(story.client.attempts) <= MAX_ATTEMPTS

    story = Story(*[mishap] * 50)
    assert story.send(credit("order", accounts(3)[2], 1)) == Failed(NotAppliedError)


def test_a_condition_without_its_item_settles_nothing_when_in_doubt() -> None:
    story = Story(LOST)
    story.recorder.send(story.elsewhere, credit("rival", A, 1))
    story.client.bare = 1.0

    assert story.send(credit("order", A, 1)) == Failed(OutcomeUnknownError)
    story.check()


def test_a_receipt_that_is_not_shown_is_no_answer() -> None:
    story = Story()
    rejected = withdrawal("order", A, 1000, keyed=True)
    story.recorder.send(story.elsewhere, rejected)
    story.client.bare = 1.0

    assert story.send(rejected) == Failed(NotAppliedError)
    story.client.bare = 0.0
    assert story.send(rejected) == REJECTED
    story.check()
