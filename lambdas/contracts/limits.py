"""Bounds of what may be asked for in one request, for the function and for the OpenAPI document."""

from __future__ import annotations

from typing import Final

DEFAULT_PAGE: Final = 20
LARGEST_PAGE: Final = 100
"""Entries on a page: events of a history, or accounts."""

MOST_IDS: Final = 100
"""Accounts that are read at once: DynamoDB gives at most 100 items in one BatchGetItem."""

MOST_DAYS: Final = 366
"""Days of totals in one answer: a year, also a leap year."""
