"""The store's limits, and the sizes of items by DynamoDB's published rules.

Source: Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats" (names and strings count their UTF-8
bytes, binary its raw bytes, a number about one byte per two significant digits plus one, 21 at the most) and
"Quotas" (item 400 KB; transaction 100 actions and 4 MB).
"""

from __future__ import annotations

from lambdas.eventsourcing.errors import CommitTooLargeError
from lambdas.eventsourcing.rows import Commit, Completion, EventRow, Receipt

MAX_ROW_BYTES = 400 * 1024
MAX_COMMIT_ACTIONS = 100
MAX_COMMIT_BYTES = 4 * 1024 * 1024

_NUMBER = 21
_ROW_FIXED = sum(
    len(name)
    for name in (
        "stream_id", "version", "commit_id", "type", "schema", "data", "metadata", "occurred_at", "recorded_at", "hash"
    )
) + 2 * _NUMBER  # fmt: skip
_STATE_FIXED = len("state") + len("state_schema") + _NUMBER
_RECEIPT_FIXED = 128 + 2 * _NUMBER
_COMPLETION_FIXED = 64


def _utf8(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def row_bytes(row: EventRow) -> int:
    """An upper bound, within a few bytes, of the stored size of a row."""
    texts = f"{row.stream_id}{row.commit_id}{row.type}{row.data}{row.metadata}{row.occurred_at}{row.recorded_at}"
    size = _ROW_FIXED + _utf8(texts) + len(row.hash)
    return size if row.state is None else size + _STATE_FIXED + _utf8(row.state)


def _receipt_bytes(receipt: Receipt) -> int:
    return _RECEIPT_FIXED + sum(_utf8(t) for t in (receipt.scope, receipt.key, receipt.commit_id, receipt.response))


def _completion_bytes(completion: Completion) -> int:
    """What a completion adds to the stored command, whose own size is not known here."""
    size = _COMPLETION_FIXED + _utf8(completion.commit_id) + _utf8(completion.status)
    for name, value in completion.attributes.items():
        size += _utf8(name) + (_NUMBER if isinstance(value, int) else _utf8(value))
    return size


def check_limits(commit: Commit) -> None:
    """Raise CommitTooLargeError, with the number that is too large, before anything is sent.

    A stored command counts with the largest size of an item, since the commit knows only what it adds to it.
    """
    total = 0
    for row in commit.rows:
        size = row_bytes(row)
        if size > MAX_ROW_BYTES:
            raise CommitTooLargeError(f"an event of {size} bytes does not fit a row of {MAX_ROW_BYTES} bytes")
        total += size
    actions = len(commit.rows)
    if commit.receipt is not None:
        actions += 1
        total += _receipt_bytes(commit.receipt)
    if commit.completion is not None:
        size = _completion_bytes(commit.completion)
        if size > MAX_ROW_BYTES:
            raise CommitTooLargeError(f"an outcome of {size} bytes does not fit a row of {MAX_ROW_BYTES} bytes")
        actions += 1
        total += MAX_ROW_BYTES
    if actions > MAX_COMMIT_ACTIONS:
        raise CommitTooLargeError(f"a commit of {actions} rows is over the limit of {MAX_COMMIT_ACTIONS}")
    if total > MAX_COMMIT_BYTES:
        raise CommitTooLargeError(f"a commit of {total} bytes is over the limit of {MAX_COMMIT_BYTES}")
