"""Text in commands and events: short, printable, never personal data."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

# Python's `$` also matches before a final newline and ECMA's does not; `(?!\n)` makes both readers agree.
UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?!\n)$"
_REFERENCE_PATTERN = r"^[ -~]+(?!\n)$"

EXPECTED: Final = "expected"
"""Key of `Meta.extra`: what a value must be, in words that end a sentence. For refusals that clients read."""

FORM: Final = "form"
"""Key of `Meta.extra`, of texts without a pattern: what the gateway checks before the command's own code does."""

AccountId = Annotated[
    str, Meta(pattern=UUID_PATTERN, description="A UUID in lower case.", extra={EXPECTED: "a UUID in lower case"})
]
TransferId = Annotated[str, Meta(pattern=UUID_PATTERN, description="A UUID in lower case.")]
Reference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=_REFERENCE_PATTERN,
        description="What the booking is for: printable ASCII, never personal data.",
        extra={EXPECTED: "a text of 1 to 64 printable ASCII characters"},
    ),
]
