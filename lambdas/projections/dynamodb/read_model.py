"""A read model in a DynamoDB table: conditional writes through the gate, and consistent reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final, Generic

import msgspec
from botocore.exceptions import ClientError
from msgspec import Struct

from lambdas.contracts.ledger_events import LedgerEvent, Restored, RestoredEvent
from lambdas.eventsourcing.dynamodb_faults import cancellation_reasons
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.table_requests import ConditionFailedError, Item, Request, TableClient, in_parallel
from lambdas.projections.dynamodb import table
from lambdas.projections.dynamodb.control import ControlItem, walks
from lambdas.projections.dynamodb.items import AccountItems, addition, decoded, key_of, measures_of, string, text_of
from lambdas.projections.dynamodb.listings import Listings
from lambdas.projections.dynamodb.positions import PositionItems
from lambdas.projections.dynamodb.requests import Requests, in_index, partition
from lambdas.projections.dynamodb.segments import SegmentItems
from lambdas.projections.errors import AdditionRefusedError, RowChangedError
from lambdas.projections.projection import Additions, K, Projection
from lambdas.projections.read_model import MOST_SHARED_ROWS, AccountRow, Gate, Units

_NO_ROW: Final[Request] = {
    "ConditionExpression": "attribute_not_exists(#pk)",
    "ExpressionAttributeNames": {"#pk": table.HASH_KEY},
}

_restores: Final = msgspec.json.Decoder(LedgerEvent[Restored])


def open_table(client: TableClient, table_name: str, projection: Projection[K]) -> ReadModelTable[K]:
    """The read model of a projection in the named table. The client is one as `dynamodb_client()` makes it."""
    return ReadModelTable(Requests(client, table_name), projection)


class Standing(Struct, Generic[K], frozen=True):
    """A row, and where it stands in the index of listings (empty: nowhere).

    As it was written: since then a release may place accounts otherwise, and the index has not changed with it.
    """

    row: AccountRow[K]
    listed: str = ""
    ordered: str = ""


class ReadModelTable(Generic[K]):
    """A ReadModel, with what else stands in its table: `control`, `segments`, `positions` and `listings`.

    What is read may raise CorruptItemError.
    """

    def __init__(self, requests: Requests, projection: Projection[K]) -> None:
        self._requests = requests
        self._items = AccountItems(projection)
        self.control = ControlItem(requests)
        self.segments = SegmentItems(requests, self.control)
        self.positions = PositionItems(requests)
        self.listings = Listings(requests)

    @property
    def units(self) -> Units:
        """See ReadModel.units."""
        return self._requests.units

    def load(self, generation: int, account_id: str, deadline: Deadline) -> AccountRow[K]:
        """See ReadModel.load."""
        return self._row(self._requests.get(table.account_key(generation, account_id), deadline), account_id)

    def save(
        self, generation: int, before: AccountRow[K], after: AccountRow[K], additions: Additions, deadline: Deadline
    ) -> None:
        """See ReadModel.save. Raises AdditionRefusedError.

        Raises ValueError for too many shared rows, and for additions behind a gate that does not move: they would
        count twice.
        """
        if len(additions) > MOST_SHARED_ROWS or (additions and before.gate == after.gate):
            raise ValueError(f"{len(additions)} shared rows behind the gate {after.gate}")
        item = self._items.item(generation, after)
        added = [addition(table.shared_key(generation, after.account_id, key), each) for key, each in additions.items()]
        gate = None if before.gate == Gate() else text_of(before.gate)
        while True:
            try:
                return self._write(item, gate, added, deadline)
            except ConditionFailedError as failed:
                found = failed.items.get(0) or self._requests.get(_key(item), deadline)
                current = self._row(found, after.account_id)
                if found is not None and current.gate == after.gate:
                    return None  # it was our own earlier attempt, or somebody else has folded the same
                if found is None or current.gate != before.gate or found[table.GATE] == gate:
                    raise RowChangedError(current) from failed
                gate = dict(found[table.GATE])  # the same gate, as another release has written it

    def defer(self, generation: int, account_id: str, rebuild: str, deadline: Deadline) -> bool:
        """See ReadModel.defer. An attempt in doubt may leave a note behind that False denies: it does no harm."""
        note = table.deferred_key(generation, account_id) | {table.REBUILD: {"S": rebuild}}
        try:
            self._requests.transact([{"Put": {"Item": note}}, walks(generation, rebuild)], deadline)
        except ConditionFailedError:
            return False
        return True

    def deferred(self, generation: int) -> Iterator[str]:
        """See ReadModel.deferred."""
        for page in self._requests.query(partition(table.deferred_partition(generation))):
            yield from (string(item, table.RANGE_KEY) for item in page)

    def undefer(self, generation: int, account_id: str) -> None:
        """See ReadModel.undefer."""
        self._requests.delete(table.deferred_key(generation, account_id))

    def note_restore(self, event: RestoredEvent, deadline: Deadline) -> None:
        """See ReadModel.note_restore."""
        self._requests.put(table.restore_key(event.id) | {table.RESTORED: text_of(event)}, deadline=deadline)

    def restores(self) -> Iterator[RestoredEvent]:
        """See ReadModel.restores."""
        for page in self._requests.query(partition(table.RESTORES_PARTITION)):
            yield from (decoded(item, table.RESTORED, _restores) for item in page)

    def stopped(self, generation: int) -> Iterator[AccountRow[K]]:
        """See ReadModel.stopped. An account that was stopped just now may be missing: the index follows its table."""
        for page in self._requests.query(in_index(table.STOPPED, table.stopped_in(generation))):
            rows = self.rows(generation, [table.account_of(string(item, table.HASH_KEY)) for item in page])
            yield from (row for _, row in sorted(rows.items()) if row.gate.stopped)

    def shared_rows(
        self, generation: int, first: str, last: str, deadline: Deadline | None = None
    ) -> dict[str, dict[str, int]]:
        """See ReadModel.shared_rows: a Query of each shard, several at once."""
        if first > last:
            return {}  # DynamoDB refuses a range with its bounds reversed
        total: dict[str, dict[str, int]] = {}
        of_shard = partial(self._shared_rows, generation, first, last, deadline)
        for items in in_parallel(of_shard, range(table.SHARDS)):
            for item in items:
                row = total.setdefault(string(item, table.RANGE_KEY), {})
                for name, amount in measures_of(item).items():
                    row[name] = row.get(name, 0) + amount
        return dict(sorted(total.items()))

    def rows(
        self, generation: int, account_ids: Iterable[str], deadline: Deadline | None = None
    ) -> dict[str, AccountRow[K]]:
        """See ReadModel.rows: a BatchGetItem for 100 accounts."""
        rows = map(self._items.row, self._account_items(generation, account_ids, deadline))
        return {row.account_id: row for row in rows}

    def standing(
        self, generation: int, account_ids: Iterable[str], deadline: Deadline | None = None
    ) -> dict[str, Standing[K]]:
        """The same, with the place of each row in listings."""
        found = (
            Standing(
                self._items.row(item), *(item.get(name, {}).get("S", "") for name in (table.LISTED, table.ORDERED))
            )
            for item in self._account_items(generation, account_ids, deadline)
        )
        return {each.row.account_id: each for each in found}

    def _account_items(self, generation: int, account_ids: Iterable[str], deadline: Deadline | None) -> Iterator[Item]:
        keys = [table.account_key(generation, account_id) for account_id in dict.fromkeys(account_ids)]
        return (item for page in self._requests.batch_get(keys, deadline) for item in page)

    def _row(self, item: Item | None, account_id: str) -> AccountRow[K]:
        return AccountRow(account_id) if item is None else self._items.row(item)

    def _shared_rows(self, generation: int, first: str, last: str, deadline: Deadline | None, shard: int) -> list[Item]:
        request = partition(table.shared_partition(generation, shard), first, last)
        return [item for page in self._requests.query(request, deadline) for item in page]

    def _write(
        self, item: Item, gate: Mapping[str, Any] | None, added: list[dict[str, Any]], deadline: Deadline
    ) -> None:
        """The gate's row is the first action: its condition is the only one. Raises ConditionFailedError."""
        condition = _NO_ROW if gate is None else _gate_is(gate)
        condition = {**condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if not added:
            return self._requests.put(item, condition, deadline)
        actions: list[Request] = [{"Put": {"Item": item, **condition}}, *({"Update": each} for each in added)]
        try:
            return self._requests.transact(actions, deadline)
        except ClientError as error:
            for action, reason in zip(actions[1:], cancellation_reasons(error)[1:], strict=False):
                if reason.get("Code") == "ValidationError":
                    raise AdditionRefusedError(key_of(action["Update"]["Key"]), str(reason.get("Message"))) from error
            raise


def _gate_is(gate: Mapping[str, Any]) -> Request:
    return {
        "ConditionExpression": "#gate = :gate",
        "ExpressionAttributeNames": {"#gate": table.GATE},
        "ExpressionAttributeValues": {":gate": gate},
    }


def _key(item: Item) -> table.Key:
    return {name: dict(item[name]) for name in (table.HASH_KEY, table.RANGE_KEY)}
