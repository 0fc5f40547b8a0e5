"""Requests under an idempotency key, whose answers are texts that begin with an HTTP status."""

from __future__ import annotations

from collections.abc import Sequence

from lambdas.eventsourcing.decider import Committed, Idempotency, Replayed
from lambdas.eventsourcing.errors import PreconditionFailedError
from tests.support.tally import METADATA, OCCURRED_AT, Added, Tally, TallyError, TallyRepository

TTL = 3600


class NotThereError(TallyError):
    """There is no such tally: a rejection that is not remembered."""


def keyed(scope: str, *, key: str = "key", request: str = "request") -> Idempotency[Tally]:
    """A request under a key; its answers are texts that begin with an HTTP status."""
    return Idempotency(scope, key, request.encode(), TTL, _respond, _reject)


def _respond(committed: Committed[Tally]) -> str:
    totals = [stream.state.total if stream.state else None for stream in committed.streams]
    return f"200 at {committed.streams[0].version}: {totals}"


def _reject(error: Exception) -> str | None:
    if isinstance(error, PreconditionFailedError):
        return f"412 at {error.version}"
    return None if isinstance(error, NotThereError) else f"422 {error}"


def take(
    repo: TallyRepository,
    stream_id: str,
    amount: int,
    idempotency: Idempotency[Tally] | None = None,
    expected: frozenset[int] | None = None,
) -> str:
    """Take from a tally what it holds; gives the answer, with `again: ` before a replayed one."""

    def decide(state: Tally | None) -> Sequence[Sequence[Added]]:
        if state is None:
            raise NotThereError
        if state.total < amount:
            raise TallyError(f"{state.total} is less than {amount}")
        return ([Added(-amount)],)

    try:
        result = repo.execute(
            (stream_id,),
            decide,
            metadata=METADATA,
            occurred_at=OCCURRED_AT,
            expected=expected,
            idempotency=idempotency,
        )
    except (TallyError, PreconditionFailedError) as error:
        return _reject(error) or "404"
    return f"again: {result.receipt.response}" if isinstance(result, Replayed) else _respond(result)
