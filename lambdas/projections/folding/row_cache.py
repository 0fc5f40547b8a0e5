"""The rows of accounts that a projector has seen lately: a warm account needs no read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic

from lambdas.projections.projection import K
from lambdas.projections.read_model import AccountRow


class RowCache(Generic[K]):
    """A thread-safe LRU of rows, by generation and account. Every row in it was once that of the table.

    A row may be behind: whoever writes does so on the condition that it is not. An account that is stopped is not
    remembered, since nothing is written for it: that another process lets it go on would never be seen.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._rows: OrderedDict[tuple[int, str], AccountRow[K]] = OrderedDict()

    def get(self, generation: int, account_id: str) -> AccountRow[K] | None:
        """The row as it was last seen."""
        return self._rows.get((generation, account_id))  # a single look-up needs no lock

    def put(self, generation: int, row: AccountRow[K]) -> None:
        """Remember a row that a read, a write or a lost race has shown."""
        key = (generation, row.account_id)
        with self._lock:
            if row.gate.stopped:
                self._rows.pop(key, None)
                return
            self._rows[key] = row
            self._rows.move_to_end(key)
            if len(self._rows) > self._capacity:
                self._rows.popitem(last=False)
