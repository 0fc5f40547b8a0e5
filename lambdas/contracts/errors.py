"""The error of an incomplete contract."""

from __future__ import annotations


class ContractIncompleteError(LookupError):
    """A class of the domain or an operation has no counterpart; the message names it and the file to add one to."""
