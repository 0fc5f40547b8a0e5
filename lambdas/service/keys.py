"""Idempotency keys as they are stored: `<caller>/<key>`, so that a key is its caller's own.

Receipts and stored commands have such a key beside the account's id. Whoever asks for a key asks under the own name, so
a stranger's does not exist, and nobody can occupy another's. The gateway's mapping templates put the two together in
the same way (`stacks.command_templates`). What clients see is the key alone.
"""

from __future__ import annotations

from typing import Final

SEPARATOR: Final = "/"
"""In no caller, so that a stored key says where the caller ends."""

CALLER_PATTERN: Final = "[A-Za-z0-9_-]{1,128}"
"""Of a caller's whole name: the unique id of an IAM principal, or `anonymous`.

Source: IAM User Guide, "IAM identifiers" (unique identifiers: letters and digits, with a prefix such as AROA).
"""


def stored_key(caller: str, key: str) -> str:
    """The key under which this caller's key is stored: the one place where a key gets its stored form."""
    return f"{caller}{SEPARATOR}{key}"
