"""A user of tallies who takes from one, and remembers what each decision rested on."""

from __future__ import annotations

from collections.abc import Sequence

from lambdas.eventsourcing.decider import Committed
from tests.support.tally import METADATA, OCCURRED_AT, Added, Tally, TallyError, TallyRepository


class Taker:
    """Takes from a tally at most what it holds, and keeps the totals it decided on."""

    def __init__(self, repo: TallyRepository, stream_id: str) -> None:
        self.repo = repo
        self.stream_id = stream_id
        self.decided_on: list[int | None] = []

    def take(self, amount: int, *, expected: set[int] | None = None, opens: bool = False) -> int:
        """The version after it. Raises TallyError, PreconditionFailedError."""

        def decide(state: Tally | None) -> Sequence[Sequence[Added]]:
            self.decided_on.append(None if state is None else state.total)
            if state is None or state.total < amount:
                raise TallyError
            return ([Added(-amount)],)

        result = self.repo.execute(
            (self.stream_id,),
            decide,
            metadata=METADATA,
            occurred_at=OCCURRED_AT,
            expected=None if expected is None else frozenset(expected),
            opens=opens,
        )
        assert isinstance(result, Committed)
        return result.streams[0].version
