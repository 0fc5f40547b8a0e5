"""`daybook projections compare`: folds every account anew from the event table, and names what differs."""

from __future__ import annotations

import msgspec

class Compared(msgspec.Struct, frozen=True, tag_field="action", tag="compare"):
    """All."""

    generation: int
