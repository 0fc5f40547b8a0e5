"""Why the processor failed, from the answer to its invocation."""

from __future__ import annotations

import msgspec

INCOMPLETE = "ProcessingIncompleteError"
"""How the processor says that the command has not ended; its message names the reason."""

MAX_REASON = 300
"""Characters that are shown."""


class _FunctionError(msgspec.Struct, rename="camel"):
    error_message: str
    error_type: str = ""


def told(payload: bytes) -> str:
    """What a function's error says, without control characters, and cut.

    Source: AWS Lambda Developer Guide, "Understanding retry behavior in Lambda".
    """
    try:
        error = msgspec.json.decode(payload, type=_FunctionError)
    except (msgspec.MsgspecError, UnicodeError):
        return "the processor failed; its log says why"
    ours = error.error_type == INCOMPLETE
    words = error.error_message if ours else f"{error.error_type}: {error.error_message}"
    printable = "".join(each if each.isprintable() else "?" for each in words[:MAX_REASON])
    return f"the processor failed: {printable}"
