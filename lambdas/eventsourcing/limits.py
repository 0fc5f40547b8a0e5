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

MAX_RUN_COMMANDS = 49
"""How many stored commands go into one transaction: with a row each, they leave room for two more actions."""

MAX_RUN_BYTES = 3 * 1024 * 1024
"""The rows of a run of stored commands, and what is expected of them twice: a margin below the limit."""

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
    """The size of what is added to a stored command when it ends, with its key."""
    texts = [completion.scope, completion.key, completion.commit_id, completion.status]
    size = _COMPLETION_FIXED
    for name, value in completion.attributes.items():
        if isinstance(value, int):
            size += _NUMBER
        else:
            texts.append(value)
        texts.append(name)
    return size + _utf8("".join(texts))


def _expected_bytes(completion: Completion) -> int:
    """The size of what is expected of a stored command."""
    texts, size = [], 0
    for name, value in completion.expected.items():
        texts.append(name)
        if isinstance(value, bytes):
            size += len(value)
        elif value is not None:
            texts.append(value)
    return size + _utf8("".join(texts))


def check_limits(commit: Commit) -> None:
    """Raise CommitTooLargeError, with the number that is too large, before anything is sent.

    What is expected of a stored command counts twice: it stands in its row and in the condition.
    """
    total = 0
    for row in commit.rows:
        size = row_bytes(row)
        if size > MAX_ROW_BYTES:
            raise CommitTooLargeError(f"an event of {size} bytes does not fit a row of {MAX_ROW_BYTES} bytes")
        total += size
    actions = len(commit.rows) + len(commit.completions)
    if commit.receipt is not None:
        actions += 1
        total += _receipt_bytes(commit.receipt)
    for completion in commit.completions:
        expected = _expected_bytes(completion)
        size = _completion_bytes(completion) + expected
        if size > MAX_ROW_BYTES:
            raise CommitTooLargeError(f"an ended command of {size} bytes does not fit a row of {MAX_ROW_BYTES} bytes")
        total += size + expected
    if actions > MAX_COMMIT_ACTIONS:
        raise CommitTooLargeError(f"a commit of {actions} rows is over the limit of {MAX_COMMIT_ACTIONS}")
    if total > MAX_COMMIT_BYTES:
        raise CommitTooLargeError(f"a commit of {total} bytes is over the limit of {MAX_COMMIT_BYTES}")
