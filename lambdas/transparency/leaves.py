"""The entries of the log, as texts: a row's hash, or that a restore revoked what came after a version.

    <account id>/<version> <hash of the row, Base64>
    <account id>/restored/<generation> <last good version> <when it was revoked, RFC 3339>

Ids of accounts hold no slash and no space. A leaf that revokes says that the leaves of this account before it, beyond
its last good version, stand no longer; the account's history goes on after that version.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Final, TypeAlias

from msgspec import Struct

from lambdas.transparency.errors import MalformedError

_ROW: Final = re.compile(r"([^/ \n]+)/([1-9][0-9]*) ([A-Za-z0-9+/]{43}=)")
_RESTORED: Final = re.compile(r"([^/ \n]+)/restored/([1-9][0-9]*) (0|[1-9][0-9]*) ([0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z)")


class RowLeaf(Struct, frozen=True, gc=False):
    """The hash (32 bytes) of the row at a version of an account."""

    account_id: str
    version: int
    hash: bytes


class RestoredLeaf(Struct, frozen=True, gc=False):
    """A restore revoked the account's events beyond `last_good_version` that were recorded before `revoked_at`."""

    account_id: str
    generation: int
    last_good_version: int
    revoked_at: str


Leaf: TypeAlias = RowLeaf | RestoredLeaf


def encode_leaf(leaf: Leaf) -> bytes:
    """The entry in the log, without a line end."""
    if isinstance(leaf, RowLeaf):
        return f"{leaf.account_id}/{leaf.version} {b64encode(leaf.hash).decode()}".encode()
    return f"{leaf.account_id}/restored/{leaf.generation} {leaf.last_good_version} {leaf.revoked_at}".encode()


def decode_leaf(entry: bytes) -> Leaf:
    """The leaf of an entry. Raises MalformedError."""
    try:
        text = entry.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"no entry of this log: {entry[:80]!r}") from error
    if found := _ROW.fullmatch(text):
        return RowLeaf(found[1], int(found[2]), b64decode(found[3]))
    if found := _RESTORED.fullmatch(text):
        return RestoredLeaf(found[1], int(found[2]), int(found[3]), found[4])
    raise MalformedError(f"no entry of this log: {text[:80]!r}")
