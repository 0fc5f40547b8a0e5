"""An auditor: compares what clients were told with what stands in the history, and lists every contradiction.

It knows the domain's rules only through `decide` and `evolve`, and nothing of how the store works.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from lambdas.accounts.commands import Transfer
from lambdas.accounts.decider import decide, decide_transfer
from lambdas.accounts.errors import DomainError
from lambdas.accounts.events import AccountEvent, BalanceCredited, BalanceWithdrawn
from lambdas.accounts.state import Account, evolve
from lambdas.eventsourcing.chain import row_hash
from lambdas.eventsourcing.errors import (
    ContentionError,
    NotAppliedError,
    OutcomeUnknownError,
    StoredCommandMissingError,
)
from lambdas.eventsourcing.rows import EventRow
from lambdas.inbox import table
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.bank import PRECONDITION_FAILED, Accepted, Answer, Ended, Failed, Order, Rejected, transfer_id

FOREVER = 1 << 62
_FAILURES = {Failed(ContentionError), Failed(NotAppliedError), Failed(OutcomeUnknownError)}


@dataclass(frozen=True)
class Append:
    """Rows that became visible together, at some tick from `earliest` to `latest`."""

    earliest: int
    latest: int
    rows: tuple[EventRow, ...]


@dataclass(frozen=True)
class _Stream:
    rows: list[EventRow]
    events: list[AccountEvent]
    states: list[Account | None]
    """One more than rows: states[v] is the state at version v."""
    windows: list[tuple[int, int]]
    """windows[v] are the ticks between which version v may have been the newest."""


class Audit:
    """The histories of streams, the times of their appends, and the answers. `violations` should be empty."""

    def __init__(
        self, histories: Mapping[str, Sequence[EventRow]], appends: Sequence[Append], answers: Sequence[Answer]
    ) -> None:
        times = {(row.stream_id, row.version): append for append in appends for row in append.rows}
        self._streams = {stream_id: _stream(rows, times) for stream_id, rows in histories.items()}
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        for answer in answers:
            self._answers[answer.order.label].append(answer)
        self._appended: dict[str, list[EventRow]] = defaultdict(list)
        for row in itertools.chain.from_iterable(histories.values()):
            self._appended[msgspec.json.decode(row.metadata)["command_id"]].append(row)

    def violations(self) -> list[str]:
        """All contradictions found, as sentences."""
        return list(itertools.chain(self._in_history(), self._in_answers()))

    def _in_history(self) -> Iterator[str]:
        money = 0
        for stream_id, stream in self._streams.items():
            for version, row in enumerate(stream.rows, 1):
                if row.version != version:
                    yield f"{stream_id}: version {row.version} stands in place {version}"
            for earlier, later in itertools.pairwise(stream.rows):
                if later.recorded_at < earlier.recorded_at:
                    yield f"{stream_id}: version {later.version} was booked before the one before it"
                if later.hash != row_hash(earlier.hash, later):
                    yield f"{stream_id}: the hash of version {later.version} does not follow"
            for version, state in enumerate(stream.states):
                if state is not None and state.balance < -state.overdraft_limit:
                    yield f"{stream_id}: balance {state.balance} at version {version} is below the limit"
            newest = stream.states[-1]
            money += newest.balance if newest is not None else 0
            money -= sum(e.amount for e in stream.events if isinstance(e, BalanceCredited))
            money += sum(e.amount for e in stream.events if isinstance(e, BalanceWithdrawn))
        if money:
            yield f"money is not conserved: {money} too much"
        yield from (f"{label} was never asked for" for label in self._appended.keys() - self._answers.keys())

    def _in_answers(self) -> Iterator[str]:
        for label, answers in self._answers.items():
            yield from (f"{label}: {text}" for text in self._of_order(answers[0].order, answers))

    def _of_order(self, order: Order, answers: Sequence[Answer]) -> Iterator[str]:
        rows = self._appended.get(order.label, [])
        accepted = {answer.outcome for answer in answers if isinstance(answer.outcome, Accepted)}
        commits = {row.commit_id for row in rows}
        if len(commits) > 1 or len(rows) not in {0, len(order.account_ids)}:
            yield f"in history as {sorted((row.stream_id, row.version) for row in rows)}"
        if rows and not accepted and not any(_in_doubt(answer) for answer in answers):
            yield f"in history, but answered {[answer.outcome for answer in answers]}"
        if len(accepted) > 1:
            yield f"acknowledged in different ways: {accepted}"
        for answer in answers:
            yield from self._of_answer(order, answer, answers, rows)

    def _of_answer(
        self, order: Order, answer: Answer, answers: Sequence[Answer], rows: Sequence[EventRow]
    ) -> Iterator[str]:
        outcome = answer.outcome
        first_sent = min(each.started for each in answers)
        if isinstance(outcome, Accepted):
            yield from self._acknowledged(order, answer, outcome, rows)
        elif isinstance(outcome, Rejected):
            if rows and (order.stored or outcome.code != "account-not-found"):
                yield f"rejected ({outcome.code}) and in history"
            elif not self._was_true(order, outcome, first_sent, answer.ended):
                yield f"{outcome}, which was never true between {first_sent} and {answer.ended}: {order}"
        elif isinstance(outcome, Ended):
            if not order.stored or bool(rows) != (outcome.status == table.SUCCEEDED):
                yield f"told that it had {outcome.status}, with {len(rows)} rows in history"
        elif outcome not in _FAILURES | ({Failed(StoredCommandMissingError)} if order.stored else set()):
            yield f"failed with {outcome.error.__name__}"

    def _acknowledged(self, order: Order, answer: Answer, outcome: Accepted, rows: Sequence[EventRow]) -> Iterator[str]:
        places = {(row.stream_id, row.version) for row in rows}
        if places != set(zip(order.account_ids, outcome.versions, strict=True)):
            yield f"acknowledged at {outcome.versions}, in history at {sorted(places)}"
            return
        streams = [self._streams[stream_id] for stream_id in order.account_ids]
        before = [stream.states[version - 1] for stream, version in zip(streams, outcome.versions, strict=True)]
        events = [stream.events[version - 1] for stream, version in zip(streams, outcome.versions, strict=True)]
        if _decide(order, before) != events:
            yield f"its events {events} do not follow from {before}"
        if order.expected is not None and outcome.versions[0] - 1 not in order.expected | {0}:
            yield f"acknowledged at {outcome.versions}, but expected at {sorted(order.expected)}"
        if any(s.windows[v][0] > answer.ended for s, v in zip(streams, outcome.versions, strict=True)):
            yield "acknowledged before it was there"

    def _was_true(self, order: Order, rejected: Rejected, started: int, ended: int) -> bool:
        """Whether the order had to be rejected at some moment, and whether what was said was true of versions then.

        Streams are read one after the other. So the reason may be true of the one stream at one moment (no funds)
        and hide, by the order of the rules, behind another that was true then (the receiver was not open yet).
        """
        candidates = [self._newest_between(stream_id, started, ended) for stream_id in order.account_ids]
        choices = list(itertools.product(*candidates))
        at_one_moment = [choice for choice in choices if self._stood_together(order, choice)]
        return any(self._justifies(order, rejected, choice) for choice in choices) and any(
            self._justifies(order, None, choice) for choice in at_one_moment
        )

    def _stood_together(self, order: Order, versions: Sequence[int]) -> bool:
        windows = [self._window(s, v) for s, v in zip(order.account_ids, versions, strict=True)]
        return max(low for low, _ in windows) <= min(high for _, high in windows)

    def _justifies(self, order: Order, rejected: Rejected | None, versions: Sequence[int]) -> bool:
        """Whether these versions justify this rejection; None: any rejection."""
        unexpected = order.expected is not None and versions[0] not in order.expected
        if rejected is not None and rejected.code == PRECONDITION_FAILED:
            return unexpected and rejected.version == versions[0]
        decision = _decide(order, [self._state(s, v) for s, v in zip(order.account_ids, versions, strict=True)])
        if rejected is None:
            return unexpected or isinstance(decision, str)
        return decision == rejected.code

    def _newest_between(self, stream_id: str, started: int, ended: int) -> list[int]:
        if stream_id not in self._streams:
            return [0]
        windows = self._streams[stream_id].windows
        return [version for version, (low, high) in enumerate(windows) if low <= ended and high >= started]

    def _window(self, stream_id: str, version: int) -> tuple[int, int]:
        return self._streams[stream_id].windows[version] if stream_id in self._streams else (0, FOREVER)

    def _state(self, stream_id: str, version: int) -> Account | None:
        return self._streams[stream_id].states[version] if stream_id in self._streams else None


def _stream(rows: Sequence[EventRow], times: Mapping[tuple[str, int], Append]) -> _Stream:
    events: list[AccountEvent] = [ACCOUNT_DECIDER.codec.decode(row.type, row.schema, row.data) for row in rows]
    states: list[Account | None] = [None]
    for event in events:
        states.append(evolve(states[-1], event))
    appends = [times[row.stream_id, row.version] for row in rows]
    begins = [0, *(append.earliest for append in appends)]
    ends = [*(append.latest for append in appends), FOREVER]
    return _Stream(list(rows), events, states, list(zip(begins, ends, strict=True)))


def _decide(order: Order, states: Sequence[Account | None]) -> list[AccountEvent] | str:
    """The events, or the code of the rejection."""
    command: Any = order.command
    try:
        if isinstance(command, Transfer):
            return list(decide_transfer(command, states[0], states[1], transfer_id(order.label)))
        return list(decide(command, states[0]))
    except DomainError as error:
        return error.code


def _in_doubt(answer: Answer) -> bool:
    return answer.outcome == Failed(OutcomeUnknownError)
