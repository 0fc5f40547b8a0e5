"""A small transparency log, made from the documents' definitions and without the product's code, for whoever checks it.

Everything is recursive and slow, as RFC 6962 defines it. The formats: C2SP, tlog-tiles, tlog-proof and signed-note.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support import messagepack

ORIGIN = "daybook/local/000000000000/eu-central-1/0123456789abcdef"
ACCOUNT = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"
Row = dict[str, str | int | None]


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def tree_hash(entries: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    k = split(len(entries))
    return sha256(b"\1" + tree_hash(entries[:k]) + tree_hash(entries[k:])).digest()


def split(n: int) -> int:
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def inclusion(m: int, entries: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*inclusion(m, entries[:k]), tree_hash(entries[k:])]
    return [*inclusion(m - k, entries[k:]), tree_hash(entries[:k])]


def consistency(m: int, entries: Sequence[bytes], *, is_known: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2, for 0 < m."""
    n = len(entries)
    if m == n:
        return [] if is_known else [tree_hash(entries)]
    k = split(n)
    if m <= k:
        return [*consistency(m, entries[:k], is_known=is_known), tree_hash(entries[k:])]
    return [*consistency(m - k, entries[k:], is_known=False), tree_hash(entries[:k])]


@dataclass
class TinyLog:
    """A log of entries. `sealed` are the sizes after each seal."""

    entries: list[bytes] = field(default_factory=list)
    sealed: list[int] = field(default_factory=list)
    origin: str = ORIGIN
    key: Ed25519PrivateKey = field(
        default_factory=lambda: Ed25519PrivateKey.from_private_bytes(sha256(b"key").digest())
    )

    def seal(self, *entries: str | bytes) -> None:
        """Append entries, as one seal."""
        self.entries += [each.encode() if isinstance(each, str) else each for each in entries]
        self.sealed.append(len(self.entries))

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def key_id(self) -> bytes:
        return sha256(self.origin.encode() + b"\n\x01" + self.public_key).digest()[:4]

    @property
    def vkey(self) -> str:
        return "+".join([self.origin, self.key_id.hex(), base64(b"\x01" + self.public_key)])

    def sign(self, text: str) -> bytes:
        """A note of a text, signed by the log's key."""
        return f"{text}\n— {self.origin} {base64(self.key_id + self.key.sign(text.encode()))}\n".encode()

    def checkpoint(self, size: int | None = None) -> bytes:
        size = len(self.entries) if size is None else size
        return self.sign(f"{self.origin}\n{size}\n{base64(tree_hash(self.entries[:size]))}\n")

    def proof(self, index: int, size: int | None = None, *, extra: bool = True) -> bytes:
        size = len(self.entries) if size is None else size
        head = [f"extra {base64(self.entries[index])}"] if extra else []
        hashes = map(base64, inclusion(index, self.entries[:size]))
        return "\n".join(
            ["c2sp.org/tlog-proof@v1", *head, f"index {index}", *hashes, "", ""]
        ).encode() + self.checkpoint(size)

    def consistency(self, old: int, size: int | None = None) -> bytes:
        size = len(self.entries) if size is None else size
        hashes = [] if old in {0, size} else consistency(old, self.entries[:size])
        return "\n".join([f"old {old}", *map(base64, hashes), "", ""]).encode() + self.checkpoint(size)

    def write(self, folder: Path) -> Path:
        """All objects of the log below a folder."""
        first = 0
        for number, size in enumerate(self.sealed):
            head = {"seal": number, "first_leaf": first, "leaves": size - first, "origin": self.origin}
            head |= {
                "decided_at": "2026-11-28T00:00:00.000Z",
                "from_dt": "0000",
                "next_from_dt": "2026-11-27",
                "next_account": "",
            }
            lines = [json.dumps(head, separators=(",", ":")).encode(), *self.entries[first:size], b""]
            _put(folder / f"seal/{number:08}", b"\n".join(lines))
            _put(folder / f"checkpoints/{number:08}", self.checkpoint(size))
            self._write_tiles(folder, size)
            first = size
        _put(folder / "checkpoint", self.checkpoint(first))
        return folder

    def _write_tiles(self, folder: Path, size: int) -> None:
        for start in range(0, size, 256):
            part = self.entries[start : min(start + 256, size)]
            bundle = b"".join(len(each).to_bytes(2, "big") + each for each in part)
            _put(folder / tile("entries", start // 256, len(part)), bundle)
        level, width = 0, 1
        while size // width:
            hashes = [tree_hash(self.entries[i * width : (i + 1) * width]) for i in range(size // width)]
            for start in range(0, len(hashes), 256):
                row = hashes[start : start + 256]
                _put(folder / tile(str(level), start // 256, len(row)), b"".join(row))
            level, width = level + 1, width * 256


def tile(level: str, index: int, width: int) -> str:
    """The name of a tile or bundle, for less than a million of them."""
    place = f"{index:03}" if index < 1000 else f"x{index // 1000:03}/{index % 1000:03}"
    return f"tile/{level}/{place}" + (f".p/{width}" if width < 256 else "")


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def entry(row: Row) -> str:
    """The leaf of a row."""
    return f"{row['stream_id']}/{row['version']} {row['hash']}"


def rows(count: int, account: str = ACCOUNT, *, amount: int = 100, after: Sequence[Row] = ()) -> list[Row]:
    """A chain of as many rows from version 1 on; it begins with those of `after`."""
    found = list(after)
    previous = b64decode(str(found[-1]["hash"])) if found else bytes(32)
    for version in range(len(found) + 1, count + 1):
        row: Row = {
            "stream_id": account,
            "version": version,
            "commit_id": f"c-{version}",
            "type": "AccountCreated" if version == 1 else "BalanceCredited",
            "schema": 1,
            "data": json.dumps({"amount": amount * version, "reference": "né" * (version % 30)}, ensure_ascii=False),
            "metadata": '{"command_id":"k","correlation_id":"x","actor":"tester"}',
            "occurred_at": f"2026-11-27T10:00:{version % 60:02}.000Z",
            "recorded_at": f"2026-11-27T10:00:{version % 60:02}.001Z",
            "state": None if version % 10 != 1 else json.dumps({"balance": version}),
            "state_schema": None if version % 10 != 1 else 1,
        }
        previous = sha256(messagepack.encode([previous, *row.values()])).digest()
        found.append({**row, "hash": base64(previous)})
    return found


def rows_file(log: TinyLog, some: Sequence[Row], *, previous: str | None = None) -> bytes:
    """Rows with the proof of the last one, as `.daybook-rows`."""
    proof = log.proof(log.entries.index(entry(some[-1]).encode())).decode()
    head = {
        "format": "daybook-rows/v1",
        "account_id": some[0]["stream_id"],
        "previous": previous or base64(bytes(32)),
        "proof": proof,
    }
    return "".join(
        json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in [head, *some]
    ).encode()
