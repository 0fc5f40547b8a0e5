"""Finds out why a commit's condition failed: its own earlier attempt, an earlier answer, or a lost race."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from lambdas.eventsourcing.dynamodb_faults import failed_items
from lambdas.eventsourcing.dynamodb_items import InboxTable, is_as_expected, item_to_receipt, item_to_row
from lambdas.eventsourcing.dynamodb_writes import Tables
from lambdas.eventsourcing.errors import (
    EventSourcingError,
    NotAppliedError,
    OutcomeUnknownError,
    ReceiptExistsError,
    StoredCommandCompletedError,
    StoredCommandDiffersError,
    StoredCommandError,
    StoredCommandMissingError,
    StoredCommandsRefusedError,
    VersionConflictError,
)
from lambdas.eventsourcing.rows import Commit, Completion

StoredItem = Mapping[str, Mapping[str, Any]]


def resolve(error: ClientError, commit: Commit, tables: Tables, *, in_doubt: bool) -> None:
    """Read why a condition of the commit failed. Returns if an earlier attempt of the same commit took effect.

    It checks in this order: the own commit id on any item (success); commands that cannot be ended, or a live receipt
    (answered before); otherwise the rows are another commit's (lost race). `in_doubt`: an earlier attempt may have
    taken effect. Raises StoredCommandsRefusedError, ReceiptExistsError, VersionConflictError, NotAppliedError,
    OutcomeUnknownError.
    """
    items = dict(failed_items(error))
    if any(item is not None and _commit_id(item) == commit.commit_id for item in items.values()):
        return
    if in_doubt and None in items.values():
        raise OutcomeUnknownError("the store did not return the rows at the commit's versions") from error
    receipt_place = len(commit.rows)
    rows = [item_to_row(item) for place, item in items.items() if place < receipt_place and item is not None]
    if tables.inbox is not None:
        places = enumerate(commit.completions, receipt_place + (commit.receipt is not None))
        refused = [_refused(each, items[place], tables.inbox) for place, each in places if place in items]
        if refused:
            raise StoredCommandsRefusedError(refused, rows) from error
    if commit.receipt is not None and receipt_place in items:
        raise _answered(items[receipt_place]) from error
    raise VersionConflictError(rows) from error


def _refused(completion: Completion, item: StoredItem | None, table: InboxTable) -> StoredCommandError:
    """An item without a status is not a command. What differs has not been carried out before."""
    if item is None or table.status_attribute not in item:
        return StoredCommandMissingError(completion.scope, completion.key)
    if not is_as_expected(item, completion):
        return StoredCommandDiffersError(completion.scope, completion.key)
    return StoredCommandCompletedError(completion.scope, completion.key, item[table.status_attribute]["S"])


def _answered(item: StoredItem | None) -> EventSourcingError:
    if item is None:
        return NotAppliedError("a receipt exists that the store did not return")
    return ReceiptExistsError(item_to_receipt(item))


def _commit_id(item: StoredItem) -> str | None:
    """A command that ended without a commit, such as a failed one, has none."""
    return item["commit_id"]["S"] if "commit_id" in item else None
