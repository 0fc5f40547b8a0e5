"""Ids derived from what they identify, so that a repeated request gets the same id (idempotency)."""

from __future__ import annotations

import hashlib
import uuid


def digest(*parts: bytes) -> bytes:
    """SHA-256 over the parts, each preceded by its length in 4 bytes."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(4))
        hashed.update(part)
    return hashed.digest()


def is_derived(account_id: str) -> bool:
    """Whether it is a UUID of version 8.

    `POST /accounts` derives those from caller and key, and nobody may open them in another way: so the account's first
    event proves what the key has opened.
    """
    return account_id[14:15] == "8" and account_id[19:20] in {"8", "9", "a", "b"}


def effect_id(account_id: str, command_id: str) -> str:
    """What a stored command is called in its events: as their cause, and as the transfer if it is one.

    Events are published and who acted is not, so neither may tell the caller, who is part of `command_id` as stored.
    It is one for each command of each caller, and the same in every try.
    """
    return derived_uuid(account_id, command_id)


def derived_uuid(*parts: str) -> str:
    """A UUID of version 8 (RFC 9562) from the digest of the parts."""
    value = int.from_bytes(digest(*[part.encode() for part in parts])[:16])
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
