"""Where an account's events stand in the log: a port. The index follows from the seals, and can be made again of them.

Table `log_index`: HASH `account_id`, RANGE `first_version`.
A run is the leaves of consecutive versions of an account that stand one after the other in one seal; its
`first_version` is 1 or more. At `first_version` 0 stands the account's head: the newest version that stands in the log.
What a restore revoked is in no run and no head. The item (`log`, 0) says up to which seal everything is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

HASH_KEY: Final = "account_id"
RANGE_KEY: Final = "first_version"
HEAD: Final = 0
"""The range key of an account's head."""

PROGRESS_ACCOUNT: Final = "log"
"""In the place of an account's id: the item of the log itself."""

SEAL: Final = "seal"
HASH: Final = "hash"
"""Attributes of a run and of a head: a number, and 32 bytes."""

FIRST_LEAF: Final = "first_leaf"
COUNT: Final = "count"
"""Attributes of a run: numbers."""

VERSION: Final = "version"
LEAF: Final = "leaf"
RESTORED: Final = "restored"
"""Attributes of a head: numbers."""

SIZE: Final = "size"
"""Attribute of the log's item, beside `seal`: a number."""


class Run(Struct, frozen=True):
    """Leaves of versions first_version … first_version + count − 1, at first_leaf onwards. `hash` is the last row's."""

    first_version: int
    first_leaf: int
    count: int
    seal: int
    hash: bytes


class Head(Struct, frozen=True):
    """An account's newest version in the log: 0 if all was revoked; `leaf` is then the one that did, `hash` zeros.

    `restored` is the newest generation whose restore stands in the log for it, or 0; `seal` the newest one that changed
    the account."""

    version: int
    leaf: int
    hash: bytes
    seal: int
    restored: int = 0


class AccountRuns(Struct, frozen=True):
    """What a seal does to an account, in this order: revoke the versions beyond `revoked_after` (None: none), add
    `runs`, put `head`."""

    account_id: str
    revoked_after: int | None
    runs: tuple[Run, ...]
    head: Head


class Progress(Struct, frozen=True):
    """All of the seals up to `seal` is done: written, signed and told. `size` is that of the log then."""

    seal: int
    size: int


class LogIndex(Protocol):
    """All methods raise LogUnavailableError. Safe to use from several threads."""

    def heads(self, account_ids: Sequence[str]) -> Mapping[str, Head]:
        """The heads of accounts, strongly consistent; an account that the log does not know is left out."""
        ...

    def run_of(self, account_id: str, version: int) -> Run | None:
        """The run in which a version stands, by one Query; None if it stands in none."""
        ...

    def runs(self, account_id: str, *, first: int, last: int) -> Sequence[Run]:
        """All runs that hold one of these versions, in order."""
        ...

    def apply(self, changes: Sequence[AccountRuns], *, seal: int) -> None:
        """Make the changes of a seal, each account's all or nothing: again changes nothing, and an account that a later
        seal has changed already is left as it is."""
        ...

    def progress(self) -> Progress | None:
        """How far the log is done; None before the first seal is."""
        ...

    def advance(self, progress: Progress) -> None:
        """Note that one more seal is done. Nothing changes unless the one before it is the newest that is: so it never
        goes back, and of an index that was forgotten it says no more than what was made again."""
        ...

    def clear(self) -> None:
        """Forget everything, the progress first: it can be made again from the seals."""
        ...
