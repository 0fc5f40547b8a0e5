"""Text for CSV files, which people open in spreadsheets. Standard library only.

A spreadsheet takes a cell for a formula if it begins with one of these characters, however the file quotes it, and a
formula can fetch addresses and run programs. An apostrophe before it makes it text.
Source: OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection; CWE-1236.
"""

from __future__ import annotations

from typing import Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def inert(text: str) -> str:
    """Free text that is no formula: with an apostrophe before it, if it begins like one. Not for numbers."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
