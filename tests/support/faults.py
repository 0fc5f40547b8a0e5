"""A DynamoDB client on which things go wrong, on a schedule that a seed decides.

What can happen to one call: nothing; it never reaches the service; it is refused; it takes effect and the answer is
lost; it is held up on the way and takes effect later, when nobody waits for it any more.

Sources: botocore.httpsession (which exception means what); Amazon DynamoDB Developer Guide, "Error handling".
"""

from __future__ import annotations

import enum
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from lambdas.eventsourcing.transport import NoAnswerError
from tests.support.clocks import SimulatedTime
from tests.support.fake_dynamodb import client_error

URL = "https://dynamodb.invalid"
OPERATIONS = {
    "batch_get_item": "BatchGetItem",
    "batch_write_item": "BatchWriteItem",
    "delete_item": "DeleteItem",
    "get_item": "GetItem",
    "put_item": "PutItem",
    "query": "Query",
    "transact_write_items": "TransactWriteItems",
    "update_item": "UpdateItem",
}
CALLS_UNTIL_LATE = 12
"""A request that is held up arrives within so many calls."""


class Effect(enum.Enum):
    """When the service carries a request out."""

    NEVER = enum.auto()
    AT_ONCE = enum.auto()
    LATER = enum.auto()


Answer = Callable[[str, Mapping[str, Any]], Any]
"""From the operation and its parameters: what the client hears instead of the service's answer, maybe an exception."""


@dataclass(frozen=True)
class Mishap:
    """One way to go wrong. `seconds` pass until the client hears; `answer` None: it hears the service's answer.

    `in_doubt`: from what it hears, the client cannot know whether the request took effect.
    """

    name: str
    effect: Effect
    seconds: float
    answer: Answer | None
    in_doubt: bool = False


def _error(code: str, status: int = 400) -> Answer:
    return lambda operation, _: client_error(code, operation, status=status)


def _reason(code: str) -> Answer:
    """One action of a transaction is to blame; a single write says so in an error of its own."""

    def answer(operation: str, request: Mapping[str, Any]) -> Any:
        if operation != "TransactWriteItems":
            return client_error(f"{code}Exception", operation)
        reasons = [{"Code": "None"} for _ in request["TransactItems"]]
        reasons[-1] = {"Code": code}
        return client_error("TransactionCanceledException", operation, CancellationReasons=reasons)

    return answer


def _read_timeout(operation: str, request: Mapping[str, Any]) -> Any:
    return ReadTimeoutError(endpoint_url=URL)


def _closed(operation: str, request: Mapping[str, Any]) -> Any:
    return ConnectionClosedError(endpoint_url=URL)


def _tls(operation: str, request: Mapping[str, Any]) -> Any:
    return SSLError(endpoint_url=URL, error="bad record mac")


def _empty(operation: str, request: Mapping[str, Any]) -> Any:
    """A 200 of somebody else, with nothing in it that botocore knows."""
    return {"ResponseMetadata": {"HTTPStatusCode": 200}}


MISHAPS = (
    Mishap("slow", Effect.AT_ONCE, 1.9, None),
    Mishap("throttled", Effect.NEVER, 0.01, _error("ProvisionedThroughputExceededException")),
    Mishap("table throttled", Effect.NEVER, 0.01, _error("ThrottlingException")),
    Mishap("account throttled", Effect.NEVER, 0.01, _error("RequestLimitExceeded")),
    Mishap("transaction conflict", Effect.NEVER, 0.01, _reason("TransactionConflict")),
    Mishap("throttled in transaction", Effect.NEVER, 0.01, _reason("Throttling")),
    Mishap("no connection in time", Effect.NEVER, 1.0, lambda *_: ConnectTimeoutError(endpoint_url=URL)),
    Mishap("unreachable", Effect.NEVER, 0.01, lambda *_: EndpointConnectionError(endpoint_url=URL)),
    Mishap("failed before", Effect.NEVER, 0.1, _error("InternalServerError", 500), in_doubt=True),
    Mishap("failed after", Effect.AT_ONCE, 0.1, _error("InternalServerError", 500), in_doubt=True),
    Mishap("unavailable", Effect.NEVER, 0.1, _error("ServiceUnavailable", 503), in_doubt=True),
    Mishap("request lost", Effect.NEVER, 2.0, _read_timeout, in_doubt=True),
    Mishap("answer lost", Effect.AT_ONCE, 2.0, _read_timeout, in_doubt=True),
    Mishap("connected late, answer lost", Effect.AT_ONCE, 2.99, _read_timeout, in_doubt=True),
    Mishap("late", Effect.LATER, 2.0, _read_timeout, in_doubt=True),
    Mishap("reset before", Effect.NEVER, 0.1, _closed, in_doubt=True),
    Mishap("reset after", Effect.AT_ONCE, 0.1, _closed, in_doubt=True),
    Mishap("reset, late", Effect.LATER, 0.1, _closed, in_doubt=True),
    Mishap("TLS broken after", Effect.AT_ONCE, 0.1, _tls, in_doubt=True),
    Mishap("empty success before", Effect.NEVER, 0.1, _empty, in_doubt=True),
    Mishap("empty success after", Effect.AT_ONCE, 0.1, _empty, in_doubt=True),
    Mishap("empty success, late", Effect.LATER, 0.1, _empty, in_doubt=True),
    Mishap("garbled after", Effect.AT_ONCE, 0.1, lambda *_: NoAnswerError(error="no JSON"), in_doubt=True),
    Mishap("unreadable", Effect.AT_ONCE, 0.1, lambda *_: ResponseParserError("not JSON"), in_doubt=True),
)
"""A condition that fails without its item, or beside a conflict, is apart: it happens to answers, see FaultyClient."""


@dataclass(frozen=True)
class Attempt:
    """One call as the client saw it. `commit_id` is that of whatever is written; None for a query."""

    operation: str
    request: Mapping[str, Any]
    commit_id: str | None
    in_doubt: bool


Schedule = Iterator[Mishap | None]
"""What happens to each call, in order; None: nothing."""


def at_random(rng: random.Random, rate: float, mishaps: Sequence[Mishap] = MISHAPS) -> Schedule:
    """One of the mishaps with probability `rate`, for ever."""
    while True:
        yield rng.choice(mishaps) if rng.random() < rate else None


def as_told(*mishaps: Mishap | None) -> Schedule:
    """These, and then nothing goes wrong any more."""
    yield from mishaps
    while True:
        yield None


class FaultyClient:
    """A client on which things go wrong as `schedule` has it.

    With probability `bare` an answer about failed conditions is not whole: items are left out, and conflicts stand in
    place of conditions that fail, each for itself. `meanwhile` is called before and after each
    call, when others may act. All three may be changed at any time. `attempts` lists all calls.
    """

    def __init__(
        self,
        client: Any,
        rng: random.Random,
        time: SimulatedTime,
        *,
        schedule: Schedule,
        bare: float = 0.0,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        self._client = client
        self._rng = rng
        self._time = time
        self.schedule = schedule
        self.bare = bare
        self.meanwhile = meanwhile
        self._held_up: list[tuple[int, str, Mapping[str, Any]]] = []
        self.attempts: list[Attempt] = []

    def query(self, **request: Any) -> Any:
        """A Query, or a mishap."""
        return self._call("query", request)

    def put_item(self, **request: Any) -> Any:
        """A PutItem, or a mishap."""
        return self._call("put_item", request)

    def transact_write_items(self, **request: Any) -> Any:
        """A TransactWriteItems, or a mishap."""
        return self._call("transact_write_items", request)

    def update_item(self, **request: Any) -> Any:
        """An UpdateItem, or a mishap."""
        return self._call("update_item", request)

    def get_item(self, **request: Any) -> Any:
        """A GetItem, or a mishap."""
        return self._call("get_item", request)

    def batch_get_item(self, **request: Any) -> Any:
        """A BatchGetItem, or a mishap."""
        return self._call("batch_get_item", request)

    def batch_write_item(self, **request: Any) -> Any:
        """A BatchWriteItem, or a mishap."""
        return self._call("batch_write_item", request)

    def delete_item(self, **request: Any) -> Any:
        """A DeleteItem, or a mishap."""
        return self._call("delete_item", request)

    def settle(self) -> None:
        """Let everything that is held up arrive, in any order."""
        self._rng.shuffle(self._held_up)
        while self._held_up:
            self._arrive(self._held_up.pop())

    def _call(self, name: str, request: Mapping[str, Any]) -> Any:
        self._let_late_ones_arrive()
        self.meanwhile()
        mishap = next(self.schedule)
        in_doubt = mishap is not None and mishap.in_doubt
        self.attempts.append(Attempt(name, request, _commit_id(request), in_doubt))
        try:
            if mishap is None:
                return self._send(name, request)
            return self._go_wrong(mishap, name, request)
        finally:
            self.meanwhile()

    def _go_wrong(self, mishap: Mishap, name: str, request: Mapping[str, Any]) -> Any:
        self._time.sleep(mishap.seconds)
        if mishap.effect is Effect.LATER:
            self._held_up.append((self._rng.randrange(CALLS_UNTIL_LATE), name, request))
        elif mishap.effect is Effect.AT_ONCE and mishap.answer is None:
            return self._send(name, request)
        elif mishap.effect is Effect.AT_ONCE:
            self._arrive((0, name, request))
        assert mishap.answer is not None
        heard = mishap.answer(OPERATIONS[name], request)
        if isinstance(heard, Exception):
            raise heard
        return heard

    def _send(self, name: str, request: Mapping[str, Any]) -> Any:
        try:
            return getattr(self._client, name)(**request)
        except ClientError as error:
            if self._rng.random() < self.bare:
                _keep_back(error, self._rng)
            raise

    def _arrive(self, held_up: tuple[int, str, Mapping[str, Any]]) -> None:
        """Nobody hears the answer."""
        _, name, request = held_up
        try:
            getattr(self._client, name)(**request)
        except ClientError:
            return

    def _let_late_ones_arrive(self) -> None:
        due = [each for each in self._held_up if each[0] == 0]
        self._held_up = [(calls - 1, name, request) for calls, name, request in self._held_up if calls > 0]
        for each in due:
            self._arrive(each)


def _commit_id(request: Mapping[str, Any]) -> str | None:
    action: Any = next(iter(request["TransactItems"][0].values())) if "TransactItems" in request else request
    told, name = (action["Item"], "commit_id") if "Item" in action else (_values(action), ":commit_id")
    value = told.get(name)
    return None if value is None else str(value["S"])


def _values(action: Mapping[str, Any]) -> Mapping[str, Any]:
    values: Mapping[str, Any] = action.get("ExpressionAttributeValues", {})
    return values


def _keep_back(error: ClientError, rng: random.Random) -> None:
    """Each failed condition for itself: its item is left out, or a transaction under way is told in its place."""
    response: Any = error.response
    response.pop("Item", None)
    failed = [each for each in response.get("CancellationReasons", []) if each["Code"] == "ConditionalCheckFailed"]
    for reason in failed:
        what = rng.choice(("all", "no item", "conflict"))
        if what != "all":
            reason.pop("Item", None)
        if what == "conflict":
            reason["Code"] = "TransactionConflict"
