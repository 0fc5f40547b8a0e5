"""The index of the log in a DynamoDB table. `index.py` names its keys and attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from lambdas.eventsourcing.table_requests import ConditionFailedError, Item, Request, TableRequests, in_parallel
from lambdas.transparency import index as table
from lambdas.transparency.errors import LogConflictError, LogUnavailableError
from lambdas.transparency.index import AccountRuns, Head, Progress, Run

MOST_ACTIONS: Final = 100
"""Of a transaction. Source: DynamoDB API Reference, TransactWriteItems."""

_KEYS: Final[Request] = {
    "ProjectionExpression": "#s, #v",
    "ExpressionAttributeNames": {"#s": table.HASH_KEY, "#v": table.RANGE_KEY},
    "ConsistentRead": True,
}
_FIRST: Final = 1
"""The first range key of a run: 0 is the head's."""
_LAST: Final = 10**15
"""More than any version."""


class DynamoDBLogIndex:
    """A LogIndex. Reads are strongly consistent. Methods raise LogConflictError, too, for an item that is none."""

    def __init__(self, client: Any, table_name: str, **options: Any) -> None:
        """The client is one as `dynamodb_client()` makes it; `options` are those of TableRequests."""
        options = {"unavailable": LogUnavailableError, "what": "the index of the log", **options}
        self._requests = TableRequests(client, table_name, **options)

    def heads(self, account_ids: Sequence[str]) -> Mapping[str, Head]:
        """See LogIndex.heads: a BatchGetItem for 100 accounts."""
        keys = [_key(account_id, table.HEAD) for account_id in dict.fromkeys(account_ids)]
        return {_text(item): _head_of(item) for page in self._requests.batch_get(keys) for item in page}

    def run_of(self, account_id: str, version: int) -> Run | None:
        """See LogIndex.run_of: the newest run that begins at the version or before it, if it reaches so far."""
        for page in self._requests.query({**_runs_between(account_id, _FIRST, version), "Limit": 1}):
            for run in map(_run_of, page):
                return run if run.first_version + run.count > version else None
        return None

    def runs(self, account_id: str, *, first: int, last: int) -> Sequence[Run]:
        """See LogIndex.runs: a Query from the newest backwards, until the run in which `first` stands."""
        return list(self._backwards(account_id, first, last))[::-1]

    def apply(self, changes: Sequence[AccountRuns], *, seal: int) -> None:
        """See LogIndex.apply. No account may stand among the changes twice.

        Accounts of which nothing is revoked share transactions; if one of them is refused, each gets one of its own.
        """
        grows = [each for each in changes if each.revoked_after is None]
        in_parallel(lambda pack: self._apply_pack(pack, seal), list(_packs(grows)))
        for each in changes:
            if each.revoked_after is not None:
                self._apply_one(each, seal)

    def progress(self) -> Progress | None:
        """See LogIndex.progress."""
        item = self._requests.get(_key(table.PROGRESS_ACCOUNT, table.HEAD))
        return None if item is None else Progress(_number(item, table.SEAL), _number(item, table.SIZE))

    def advance(self, progress: Progress) -> None:
        """See LogIndex.advance."""
        item = _key(table.PROGRESS_ACCOUNT, table.HEAD) | {table.SEAL: _n(progress.seal), table.SIZE: _n(progress.size)}
        with suppress(ConditionFailedError):
            self._requests.put(item, _next_after(progress.seal - 1))

    def clear(self) -> None:
        """See LogIndex.clear: a Scan of the keys, and a BatchWriteItem for 25 of them."""
        self._requests.delete(_key(table.PROGRESS_ACCOUNT, table.HEAD))
        for page in self._requests.scan(_KEYS):
            self._requests.delete_all(page)

    def _backwards(self, account_id: str, first: int, last: int) -> Iterator[Run]:
        for page in self._requests.query(_runs_between(account_id, _FIRST, last)):
            for run in map(_run_of, page):
                if run.first_version + run.count > first:
                    yield run
                if run.first_version <= first:
                    return

    def _apply_pack(self, pack: Sequence[AccountRuns], seal: int) -> None:
        try:
            self._requests.transact([action for each in pack for action in _puts(each, seal)])
        except ConditionFailedError:
            if len(pack) > 1:  # else a later seal has changed the account
                for each in pack:
                    self._apply_pack([each], seal)

    def _apply_one(self, change: AccountRuns, seal: int) -> None:
        """The runs that are revoked go in the transaction that puts what stands. If they are too many for that, the
        newest go before it, which nobody may take for standing any more."""
        puts = _puts(change, seal)
        deletes = [{"Delete": {"Key": key}} for key in self._revoked(change)]
        room = MOST_ACTIONS - len(puts)
        with suppress(ConditionFailedError):  # a later seal has changed the account
            while len(deletes) > room:
                some, deletes = deletes[: MOST_ACTIONS - 1], deletes[MOST_ACTIONS - 1 :]
                head = {"Key": _key(change.account_id, table.HEAD), **_not_beyond(seal)}
                self._requests.transact([{"ConditionCheck": head}, *some])
            self._requests.transact([*puts, *deletes])

    def _revoked(self, change: AccountRuns) -> list[dict[str, dict[str, str]]]:
        """The keys of the runs beyond the last good version, the newest first, but for those that the seal puts."""
        stands = {each.first_version for each in change.runs}
        first = (change.revoked_after or 0) + 1
        found = self._backwards(change.account_id, first, _LAST)
        versions = [run.first_version for run in found if run.first_version >= first]
        return [_key(change.account_id, version) for version in versions if version not in stands]


def _packs(changes: Sequence[AccountRuns]) -> Iterator[Sequence[AccountRuns]]:
    """As many accounts as a transaction takes: 50 with one run each."""
    pack: list[AccountRuns] = []
    actions = 0
    for each in changes:
        if pack and actions + 1 + len(each.runs) > MOST_ACTIONS:
            yield pack
            pack, actions = [], 0
        pack.append(each)
        actions += 1 + len(each.runs)
    if pack:
        yield pack


def _puts(change: AccountRuns, seal: int) -> list[Request]:
    head = change.head
    item = _key(change.account_id, table.HEAD) | {
        table.VERSION: _n(head.version),
        table.LEAF: _n(head.leaf),
        table.HASH: {"B": head.hash},
        table.SEAL: _n(head.seal),
        table.RESTORED: _n(head.restored),
    }
    return [
        {"Put": {"Item": item, **_not_beyond(seal)}},
        *({"Put": {"Item": _item(change, run)}} for run in change.runs),
    ]


def _item(change: AccountRuns, run: Run) -> Item:
    return _key(change.account_id, run.first_version) | {
        table.FIRST_LEAF: _n(run.first_leaf),
        table.COUNT: _n(run.count),
        table.SEAL: _n(run.seal),
        table.HASH: {"B": run.hash},
    }


def _run_of(item: Item) -> Run:
    return Run(
        _number(item, table.RANGE_KEY),
        _number(item, table.FIRST_LEAF),
        _number(item, table.COUNT),
        _number(item, table.SEAL),
        _bytes(item),
    )


def _head_of(item: Item) -> Head:
    return Head(
        _number(item, table.VERSION),
        _number(item, table.LEAF),
        _bytes(item),
        _number(item, table.SEAL),
        _number(item, table.RESTORED),
    )


def _runs_between(account_id: str, first: int, last: int) -> Request:
    return {
        "KeyConditionExpression": "#s = :s AND #v BETWEEN :first AND :last",
        "ExpressionAttributeNames": {"#s": table.HASH_KEY, "#v": table.RANGE_KEY},
        "ExpressionAttributeValues": {":s": {"S": account_id}, ":first": _n(first), ":last": _n(last)},
        "ScanIndexForward": False,
        "ConsistentRead": True,
    }


def _not_beyond(seal: int) -> Request:
    """No later seal has written the item: what this one writes is written again, or for the first time."""
    return {
        "ConditionExpression": "attribute_not_exists(#seal) OR #seal <= :seal",
        "ExpressionAttributeNames": {"#seal": table.SEAL},
        "ExpressionAttributeValues": {":seal": _n(seal)},
    }


def _next_after(seal: int) -> Request:
    """The item says that this seal is the newest; before the first one there is no item."""
    if seal < 0:
        return {"ConditionExpression": "attribute_not_exists(#seal)", "ExpressionAttributeNames": {"#seal": table.SEAL}}
    return {
        "ConditionExpression": "#seal = :seal",
        "ExpressionAttributeNames": {"#seal": table.SEAL},
        "ExpressionAttributeValues": {":seal": _n(seal)},
    }


def _key(account_id: str, first_version: int) -> dict[str, dict[str, Any]]:
    return {table.HASH_KEY: {"S": account_id}, table.RANGE_KEY: _n(first_version)}


def _n(number: int) -> dict[str, str]:
    return {"N": str(number)}


def _text(item: Item) -> str:
    return str(item[table.HASH_KEY]["S"])


def _number(item: Item, name: str) -> int:
    try:
        return int(item[name]["N"])
    except (KeyError, TypeError, ValueError) as error:
        raise _no_item(item, name) from error


def _bytes(item: Item) -> bytes:
    try:
        return bytes(item[table.HASH]["B"])
    except (KeyError, TypeError) as error:
        raise _no_item(item, table.HASH) from error


def _no_item(item: Item, name: str) -> LogConflictError:
    key = "/".join(str(next(iter(item[each].values()), "?")) for each in (table.HASH_KEY, table.RANGE_KEY))
    return LogConflictError(f"the item {key} of the index has no acceptable {name}: the index has to be made again")
