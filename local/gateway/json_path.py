"""The part of JSONPath that mapping templates need: `$`, `.name`, `['name']` and `[0]`."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\['([^']*)'\]|\[(\d+)\]")


def look_up(document: Any, path: str) -> Any:
    """The value at `path`, or None. Raises ValueError for a path in another notation."""
    if not path.startswith("$"):
        raise ValueError(f"not a JSON path: {path}")
    position, found = 1, document
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            raise ValueError(f"not a JSON path that is supported here: {path}")
        found = _child(found, step)
        position = step.end()
    return found


def _child(value: Any, step: re.Match[str]) -> Any:
    if step[3] is not None:
        index = int(step[3])
        return value[index] if isinstance(value, list) and index < len(value) else None
    return value.get(step[1] or step[2]) if isinstance(value, dict) else None
