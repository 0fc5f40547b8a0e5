"""A model of how long DynamoDB takes, by which ways of writing are compared: arithmetic, not a measurement of AWS.

A request takes a round trip, and a transaction may take a little more for each of its actions.
"""

from __future__ import annotations

from typing import Any

from lambdas.eventsourcing.limits import MAX_RUN_COMMANDS
from tests.support.clocks import SimulatedTime
from tests.support.command_world import TABLES, FakeInbox
from tests.support.commands import always, command_item, command_record, new_processor
from tests.support.dynamodb_tables import store_on
from tests.support.event_rows import account_id

ROUND_TRIP = 0.005
"""Seconds, as the README assumes."""

ACTION = ROUND_TRIP / 50
"""Seconds for each action of a transaction, if a large one is not as quick as a small one: an assumption, too."""

BATCH = 100
"""Commands that the processor is invoked with."""


class SlowClient:
    """A low-level client whose calls take simulated time, in seconds."""

    def __init__(
        self, client: Any, time: SimulatedTime, *, round_trip: float = ROUND_TRIP, action: float = 0.0
    ) -> None:
        self._client = client
        self._time = time
        self._round_trip = round_trip
        self._action = action

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def slow(**request: Any) -> Any:
            self._time.sleep(self._round_trip + self._action * len(request.get("TransactItems", ())))
            return call(**request)

        return slow


def hot_account_rate(most_commands: int = MAX_RUN_COMMANDS, *, action: float = 0.0, commands: int = 1_000) -> float:
    """Stored commands a second of one account, in batches of `BATCH`, in the model.

    With `most_commands` 1 each is a transaction of its own, as it was before runs.
    """
    time, dynamodb, account = SimulatedTime(), FakeInbox(), account_id(1)
    client = SlowClient(dynamodb, time, action=action)
    processor = new_processor(store_on(client, TABLES), time.wall, most_commands=most_commands, workers=10)
    bodies: list[Any] = [
        {"type": "OpenAccount", "currency": "EUR"},
        *[{"type": "CreditAccount", "amount": 1}] * commands,
    ]
    items = [command_item(account, f"c{number}", body) for number, body in enumerate(bodies)]
    for item in items:
        dynamodb.put_item(TableName=TABLES.commands, Item=item)
    opening, *records = [command_record(item, number) for number, item in enumerate(items)]
    processor.process([opening], always)
    began = time.monotonic()
    for start in range(0, commands, BATCH):
        if processor.process(records[start : start + BATCH], always).succeeded != BATCH:
            raise RuntimeError("a stored command did not succeed")
    return commands / (time.monotonic() - began)
