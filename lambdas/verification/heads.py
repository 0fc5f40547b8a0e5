"""Up to which version the log holds an account, as of the checkpoint that a verification compares with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from lambdas.transparency.errors import LogUnavailableError
from lambdas.transparency.index import Head, LogIndex
from lambdas.verification.results import LogTerms

AT_ONCE: Final = 100
"""Accounts of one request. Source: DynamoDB API Reference, BatchGetItem."""


class SealedUpTo(Struct, frozen=True):
    """An account's newest version in the log, 0 if it is not there, and the hash of that row (empty: not known).

    `restored` is the generation of the newest restore of it that is sealed now, if a seal after the checkpoint has
    changed the account: that restore may have been sealed since.
    """

    version: int = 0
    hash: bytes = b""
    restored: int = 0


NOTHING: Final = SealedUpTo()


class Heads:
    """Reads heads from the index. Seals go on meanwhile: what they added since the checkpoint does not count."""

    def __init__(self, index: LogIndex, log: LogTerms) -> None:
        self._index = index
        self._log = log

    def read(self, account_ids: Sequence[str]) -> Mapping[str, SealedUpTo]:
        """The accounts that the log holds. Raises LogUnavailableError.

        The index may be made again meanwhile, the progress goes first: what is not in it again yet would be missing.
        """
        self._check_index()
        found: dict[str, SealedUpTo] = {}
        for start in range(0, len(account_ids), AT_ONCE):
            for account_id, head in self._index.heads(account_ids[start : start + AT_ONCE]).items():
                found[account_id] = self._as_of(account_id, head)
        self._check_index()
        return found

    def _check_index(self) -> None:
        """That the seal is done is noted after its checkpoint is put, so the note may be that of the one before."""
        progress = self._index.progress()
        if (progress.seal if progress else -1) < self._log.seal - 1:
            raise LogUnavailableError("the index of the log is being made again")

    def _as_of(self, account_id: str, head: Head) -> SealedUpTo:
        if head.seal <= self._log.seal:
            return SealedUpTo(head.version, head.hash)
        version = head.version
        while run := self._index.run_of(account_id, version) if version else None:
            if run.first_leaf + run.count <= self._log.size:
                return SealedUpTo(version, run.hash, head.restored)
            version = run.first_version - 1
        return SealedUpTo(restored=head.restored)
