"""Tells whether two sides hold the same events, and about where not, in a memory that does not grow.

Each event stands for its account, its version and a digest of what is compared. Accounts are spread over buckets; of
each bucket the sum of numbers is kept that are made of its events' digests and a salt. The salt is new for each
verification, so that nobody can choose contents whose sums are equal: events that differ have the same sum with a
chance of one in 2^60. The lake adds up the same (the query `event_buckets`). See ADR 27.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from msgspec import Struct, field

BUCKETS: Final = 4096
"""Three hexadecimal digits."""
MODULUS: Final = 1 << 60
"""Fifteen hexadecimal digits: a `bigint` of SQL holds them."""


def bucket_of(account_id: str) -> int:
    """The bucket of an account: the first 12 bits of the SHA-256 of its id."""
    return int.from_bytes(sha256(account_id.encode()).digest()[:2]) >> 4


def number_of(salt: str, digest: str) -> int:
    """What an event adds to its bucket: the first 60 bits of the SHA-256 of salt and digest, both as they are text."""
    return int.from_bytes(sha256(f"{salt}{digest}".encode()).digest()[:8]) >> 4


class Sums(Struct):
    """The sums of one side: the number of its `events`, and for each bucket the sum, modulo 2^60."""

    events: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * BUCKETS)

    def add(self, account_id: str, number: int, events: int = 1) -> None:
        """Add the number of an event of an account, or the sum of the numbers of several."""
        self.events += events
        bucket = bucket_of(account_id)
        self.buckets[bucket] = (self.buckets[bucket] + number) % MODULUS

    def subtract(self, account_id: str, number: int) -> None:
        """Take an event out again."""
        self.add(account_id, -number, -1)

    def merge(self, other: Sums) -> None:
        """Add those of another part of the same side."""
        self.events += other.events
        self.buckets = [(mine + its) % MODULUS for mine, its in zip(self.buckets, other.buckets, strict=True)]

    def differing(self, other: Sums) -> list[int]:
        """The buckets in which two sides differ."""
        return [
            bucket for bucket, (mine, its) in enumerate(zip(self.buckets, other.buckets, strict=True)) if mine != its
        ]
