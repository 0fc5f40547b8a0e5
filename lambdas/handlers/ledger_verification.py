"""Verifies the ledger against lake and log, one segment a call."""

from __future__ import annotations

from typing import Any


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Raises NotImplementedError."""
    raise NotImplementedError
