#!/usr/bin/env python3
"""Check what Daybook's transparency log says, with nothing but this file and Python 3.9 or later.

Nothing here comes from Daybook or from a package: an auditor reads it from top to bottom, and docs/proof.md says enough
to write it again. The order: Ed25519 · Merkle trees · signed notes and checkpoints · proofs · rows · a copy of the
log · the command line. Whatever is wrong with a file ends in a `No`, whose text says what; what is right has one form:
another spelling of the same (Base64, JSON, trailing bytes) is refused, too.
"""

from __future__ import annotations

# Each import is paid for at the start: pathlib, argparse, re and json would take longer than to check a proof.
import hashlib
import os
import sys
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

USAGE = """\
verify_proof.py FILE|DIR --key KEY             whatever it is: the first line says so
verify_proof.py proof FILE --key KEY [--entry TEXT]
verify_proof.py rows FILE --key KEY [--log DIR]
verify_proof.py checkpoint FILE --key KEY
verify_proof.py consistency OLD_CHECKPOINT FILE --key KEY
verify_proof.py log DIR --key KEY [--kept FILE|DIR]

--key KEY        the log's verifier key, NAME+ID+KEY, or a file with it: from somebody you trust, not with the proof
--entry TEXT     the entry that must be the proven one (needed if the proof does not carry it)
--log DIR        a copy of the whole log: that nothing was cut off the end of the rows
--kept FILE|DIR  checkpoints that were kept elsewhere, one or many in a file: each must be one of this very log

The exit status is 0 for yes, 1 for no, and 2 if nothing could be checked. docs/proof.md has all of it.
"""


class No(Exception):  # noqa: N818 -- the answer, not a fault
    """What was to be shown is not so. The text says why, as the end of a sentence that begins with "no: "."""


class Usage(Exception):  # noqa: N818
    """The question cannot be asked: the command line, or a file that it names."""


# --- Ed25519: RFC 8032, 5.1 -------------------------------------------------------------------------------------------
#
# Only public things are computed with, so none of it needs to take the same time for every input. What RFC 8032 leaves
# open, or libraries do differently:
# - [S]B = R + [k]A without the factor 8, as in most libraries: a signature verifies here only if it does everywhere.
# - S < L, else every signature would have a second form; A and R in their one canonical encoding. R is never decoded:
#   [S]B - [k]A is encoded, canonically, and must be R byte by byte.
# - A key of small order is refused: it has signatures that fit any message.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)
Point = tuple[int, int, int, int]
"""Extended coordinates X, Y, Z, T: x = X/Z, y = Y/Z, xy = T/Z."""


def ed25519_check(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Return if `signature` (64 bytes) is that of the message by the public key (32 bytes). Raises No. (5.1.7)"""
    if len(public_key) != 32 or len(signature) != 64:
        raise No("a public key has 32 bytes and a signature 64")
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        raise No("the signature's S is not below the order of the group")
    key = point_decode(public_key)
    if is_neutral(double(double(double(key)))):
        raise No("the public key is a point of small order, whose signatures fit any message")
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    x, y, z, t = key
    difference = sum_of_products(s, BASE, int.from_bytes(digest, "little") % L, (P - x, y, z, P - t))
    if point_encode(difference) != signature[:32]:
        raise No("the signature is not one of this text by this key")


def point_decode(encoded: bytes) -> Point:
    """The point of a public key. Raises No. (5.1.3)"""
    sign, y = encoded[31] >> 7, int.from_bytes(encoded, "little") % 2**255
    if y >= P:
        raise No("the public key is not in its canonical encoding: y is not below 2^255 - 19")
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * ROOT_OF_MINUS_1 % P
    if v * x * x % P != u:
        raise No("the public key is no point of the curve")
    if x == 0 and sign == 1:
        raise No("the public key is not in its canonical encoding: zero has no sign")
    if x % 2 != sign:
        x = P - x
    return x, y, 1, x * y % P


def point_encode(point: Point) -> bytes:
    """The 32 bytes of a point. (5.1.2)"""
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def add(one: Point, other: Point) -> Point:
    """The sum of two points, whichever they are. (5.1.4)"""
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def double(point: Point) -> Point:
    """A point added to itself, a little faster. (5.1.4)"""
    x, y, z, _ = point
    a, b = x * x % P, y * y % P
    h = a + b
    e, g = h - (x + y) * (x + y), a - b
    f = 2 * z * z + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def is_neutral(point: Point) -> bool:
    return point[0] % P == 0 and (point[1] - point[2]) % P == 0


def sum_of_products(m: int, one: Point, n: int, other: Point) -> Point:
    """[m]one + [n]other, bit by bit from the highest on (Straus)."""
    summands = (None, one, other, add(one, other))
    total = NEUTRAL
    for bit in range(max(m.bit_length(), n.bit_length()) - 1, -1, -1):
        total = double(total)
        summand = summands[m >> bit & 1 | (n >> bit & 1) << 1]
        if summand is not None:
            total = add(total, summand)
    return total


BASE = point_decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
"""The point whose y is 4/5 and whose x is even. (5.1)"""


# --- Merkle trees: RFC 6962, 2.1; how proofs are checked: RFC 9162, 2.1.3.2 and 2.1.4.2 -------------------------------

WIDTH = 256
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def check_inclusion(index: int, size: int, leaf: bytes, path: list[bytes], root: bytes) -> None:
    """Return if the leaf's hash stands at `index` of the tree with that size and root. Raises No."""
    if index >= size:
        raise No(f"entry {index} cannot stand in a log of {size} entries")
    place, last, value = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise No("the proof has more hashes than the way to the root")
        if place & 1 or place == last:
            value = node_hash(sibling, value)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise No("the proof has fewer hashes than the way to the root")
    if value != root:
        raise No("the hashes do not lead from this entry to the root that was signed")


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: list[bytes]) -> None:  # noqa: C901, PLR0912
    """Return if the tree of `old` entries is the beginning of that of `new` ones. Raises No."""
    if old > new:
        raise No(f"the old checkpoint has {old} entries and the new one {new}: a log never gets shorter")
    if old in {0, new}:
        if path:
            raise No("the proof has hashes where none are needed")
        if old == new and old_root != new_root:
            raise No(f"both checkpoints have {new} entries and their roots differ: two logs were shown under one name")
        return
    if not old & (old - 1):
        path = [old_root, *path]
    if not path:
        raise No("the proof has no hashes")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for value in path[1:]:
        if last == 0:
            raise No("the proof has more hashes than the way to the root")
        if place & 1 or place == last:
            first, second = node_hash(value, first), node_hash(value, second)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, value)
        place, last = place >> 1, last >> 1
    if last != 0:
        raise No("the proof has fewer hashes than the way to the root")
    if first != old_root:
        raise No("the hashes do not lead to the root of the old checkpoint: the new log does not begin as the old one")
    if second != new_root:
        raise No("the hashes do not lead to the root of the new checkpoint")


def perfect_subtrees(hashes: list[bytes]) -> list[bytes]:
    """The roots of the full subtrees of 2^n hashes that a row of fewer than 512 is made of, the largest first."""
    roots: list[bytes] = []
    start = 0
    while start < len(hashes):
        row = hashes[start : start + (1 << (len(hashes) - start).bit_length() - 1)]
        start += len(row)
        while len(row) > 1:
            row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        roots += row
    return roots


# --- Small things -----------------------------------------------------------------------------------------------------


def base64_decode(text: str) -> bytes:
    """The bytes of standard Base64 (RFC 4648, 4) in the one form that an encoder writes. Raises No."""
    try:
        data = a2b_base64(text.encode("ascii"))
    except (Base64Error, ValueError):  # UnicodeEncodeError is a ValueError
        data = b""
    if base64_encode(data) != text:
        raise No(f"this is no Base64 in its one form: {shown(text)}")
    return data


def base64_encode(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()


def hash_decode(text: str) -> bytes:
    """A SHA-256 hash in Base64. Raises No."""
    data = base64_decode(text)
    if len(data) != 32:
        raise No(f"this is no SHA-256 hash in Base64: {shown(text)}")
    return data


def number_decode(text: str) -> int:
    """A decimal number of 0 to 2^63 - 1 without leading zeros. Raises No."""
    is_number = 0 < len(text) < 20 and all("0" <= each <= "9" for each in text) and (text == "0" or text[0] != "0")
    if not is_number or int(text) >= 2**63:
        raise No(f"this is no number: {shown(text)}")
    return int(text)


def text_decode(data: bytes, what: str) -> str:
    """UTF-8 without control characters but line ends. Raises No."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise No(f"{what} is not UTF-8") from None
    if any(each < " " and each != "\n" for each in text):
        raise No(f"{what} has control characters")
    return text


def shown(text: str) -> str:
    """A text from a file as it may be printed: in one line, short, with nothing that a terminal obeys."""
    whole = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text[:200])
    return whole if len(text) <= 200 else whole + "…"


def read(path: str, limit: int) -> bytes:
    """A whole file of at most `limit` bytes. Raises No if it is longer, OSError if it cannot be read."""
    with open(path, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise No(f"{shown(path)} has more than {limit} bytes")
    return data


# --- Signed notes and checkpoints: C2SP signed-note, tlog-checkpoint --------------------------------------------------

NOTE_LIMIT = 1 << 20
KEPT_LIMIT = 1 << 26
SIGNATURES = 64
"""More lines of signatures than this are refused: each costs milliseconds."""


class Key:
    """A verifier key: its name, its id (4 bytes) and the public key (32 bytes)."""

    def __init__(self, text: str) -> None:
        """Read `<name>+<id in hex>+<Base64 of 0x01 and the public key>`. Raises No."""
        name, plus, rest = text.partition("+")
        identity, second, encoded = rest.partition("+")
        if not (plus and second and is_key_name(name)):
            raise No(f"this is no verifier key: {shown(text)}")
        data = base64_decode(encoded)
        if len(data) != 33 or data[0] != 1:
            raise No("this is no verifier key for Ed25519")
        self.name, self.public_key = name, data[1:]
        self.id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
        if identity != self.id.hex():
            raise No("the verifier key's id is not that of its name and its public key")


class Checkpoint:
    """A checkpoint whose signature was verified: the log's origin, its size then, and the root of its tree."""

    def __init__(self, text: str) -> None:
        lines = text.split("\n")
        if len(lines) < 4 or "" in lines[:-1]:
            raise No("the checkpoint has no origin, size and root in its first three lines")
        self.text, self.origin = text, lines[0]
        self.size, self.root = number_decode(lines[1]), hash_decode(lines[2])
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise No("the checkpoint of an empty log has not the root of an empty tree")


def is_key_name(name: str) -> bool:
    return name != "" and "+" not in name and not any(each.isspace() or each < " " for each in name)


def open_checkpoint(note: bytes, keys: list[Key]) -> Checkpoint:
    """The checkpoint in a note that one of the keys signed, and under whose name the log goes. Raises No.

    Signatures by unknown keys (name and id together) are left alone; a bad one by a known key refuses the note.
    """
    if len(note) > NOTE_LIMIT:
        raise No("the checkpoint is longer than any that is signed")
    text, blank, signatures = text_decode(note, "the checkpoint").rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise No("the checkpoint is no signed note: a text, an empty line, and lines of signatures")
    text += "\n"
    lines = signatures[:-1].split("\n")
    if len(lines) > SIGNATURES:
        raise No(f"the checkpoint has more than {SIGNATURES} signatures")
    by: list[Key] = []
    for line in lines:
        name, signature = signature_decode(line)
        for key in keys:
            if (key.name, key.id) == (name, signature[:4]):
                ed25519_check(key.public_key, text.encode(), signature[4:])
                by.append(key)
    if not by:
        raise No(f"the checkpoint is not signed by {' or '.join(shown(key.name) for key in keys)}")
    checkpoint = Checkpoint(text)
    if checkpoint.origin not in [key.name for key in by]:
        raise No(f"the key signed a checkpoint of another log: {shown(checkpoint.origin)}")
    return checkpoint


def split_notes(data: bytes) -> list[bytes]:
    """The notes in a file, one behind the other, empty lines between them or not: each ends with its signatures."""
    notes: list[list[bytes]] = []
    is_open = False
    for line in data.splitlines(keepends=True):
        is_signature = line.startswith("— ".encode())
        if not is_open and not is_signature and line == b"\n":
            continue
        if not notes or not (is_open or is_signature):
            notes.append([])
        notes[-1].append(line)
        is_open = not is_signature
    return [b"".join(lines) for lines in notes]


def signature_decode(line: str) -> tuple[str, bytes]:
    """Key name, and key id (4 bytes) with signature, of a line `— <name> <Base64>`. Raises No."""
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not is_key_name(parts[1]):
        raise No(f"this is no line of a signature: {shown(line)}")
    signature = base64_decode(parts[2])
    if len(signature) < 5:
        raise No("a signature is too short for a key's id and a signature")
    return parts[1], signature


# --- Proofs: C2SP tlog-proof, tlog-witness ----------------------------------------------------------------------------

PROOF_LIMIT = 1 << 21
PATH_LIMIT = 63


def open_proof(data: bytes, keys: list[Key], entry: bytes | None) -> tuple[bytes, int, Checkpoint]:
    """What a tlog-proof shows: the entry, its index, and the checkpoint of the log in which it stands. Raises No."""
    lines, note = split_head(data, "the proof")
    if lines[0] != "c2sp.org/tlog-proof@v1":
        raise No("the file does not begin as a proof: c2sp.org/tlog-proof@v1")
    extra = None
    if lines[1:] and lines[1].startswith("extra "):
        extra = base64_decode(lines.pop(1)[6:])
        if not extra:
            raise No("the proof has a line for an entry, and no entry")
    if not lines[1:] or not lines[1].startswith("index "):
        raise No("the proof has no index")
    index, path = number_decode(lines[1][6:]), hashes_decode(lines[2:])
    if extra is None and entry is None:
        raise Usage("the proof does not carry the entry that it is of: give it with --entry")
    if extra is not None and entry is not None and extra != entry:
        raise No("the proof is of another entry than the one that is asked for")
    proven = (extra or b"") if entry is None else entry
    checkpoint = open_checkpoint(note, keys)
    check_inclusion(index, checkpoint.size, leaf_hash(proven), path, checkpoint.root)
    return proven, index, checkpoint


def open_consistency(old_note: bytes, data: bytes, keys: list[Key]) -> tuple[Checkpoint, Checkpoint]:
    """The old and the new checkpoint, of which the second goes on where the first ends. Raises No."""
    old = open_checkpoint(old_note, keys)
    lines, note = split_head(data, "the proof")
    if not lines[0].startswith("old "):
        raise No("the file does not begin as a proof of consistency: old and a size")
    size, path = number_decode(lines[0][4:]), hashes_decode(lines[1:])
    new = open_checkpoint(note, keys)
    if old.origin != new.origin:
        raise No("the checkpoints are of two logs")
    if size != old.size:
        raise No(f"the proof begins at {size} entries, and the old checkpoint has {old.size}")
    check_consistency(old.size, old.root, new.size, new.root, path)
    return old, new


def split_head(data: bytes, what: str) -> tuple[list[str], bytes]:
    """The lines before the first empty one, and the bytes after it. Raises No."""
    head, blank, note = data.partition(b"\n\n")
    if not blank:
        raise No(f"{what} has no empty line with a checkpoint after it")
    return text_decode(head, what).split("\n"), note


def hashes_decode(lines: list[str]) -> list[bytes]:
    if len(lines) > PATH_LIMIT:
        raise No(f"the proof has more than {PATH_LIMIT} hashes")
    return [hash_decode(line) for line in lines]


# --- Entries and rows of Daybook --------------------------------------------------------------------------------------

ROW = ["stream_id", "version", "commit_id", "type", "schema", "data", "metadata", "occurred_at", "recorded_at", "state",
       "state_schema", "hash"]  # fmt: skip
NUMBERS = ("version", "schema", "state_schema", "seal", "first_leaf", "leaves")
MAY_BE_ABSENT = ("state", "state_schema")
LINE_LIMIT = 1 << 23


def row_leaf(entry: bytes) -> tuple[str, int, bytes]:
    """Account, version and hash of an entry `<account>/<version> <Base64 of the row's hash>`. Raises No."""
    account, slash, rest = text_decode(entry, "the entry").partition("/")
    version, space, encoded = rest.partition(" ")
    if not slash or not space or account == "" or " " in account or "\n" in account:
        raise No(f"the entry is not one of a row: {shown(account + slash + rest)}")
    if number_decode(version) == 0:
        raise No("there is no version 0")
    return account, int(version), hash_decode(encoded)


def restored_leaf(entry: bytes) -> tuple[str, int, int] | None:
    """Account, generation and last good version of `<account>/restored/<generation> <last good> <moment>`, or None."""
    account, _, rest = text_decode(entry, "the entry").partition("/restored/")
    fields = rest.split(" ")
    if account == "" or "/" in account or " " in account or len(fields) != 3:
        return None
    return account, number_decode(fields[0]), number_decode(fields[1])


def row_hash(previous: bytes, row: dict[str, str | int | None]) -> bytes:
    """SHA-256 over MessagePack of the previous row's hash and the row's eleven other elements, in order."""
    fields: list[bytes | str | int | None] = [previous, *(row[name] for name in ROW[:-1])]
    return hashlib.sha256(bytes([0x90 | len(fields)]) + b"".join(messagepack(each) for each in fields)).digest()


def messagepack(value: bytes | str | int | None) -> bytes:
    """A value in its shortest form. Source: the MessagePack specification."""
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        if value < 1 << 7:
            return bytes([value])
        width = next(width for width in range(4) if value < 1 << (8 << width))
        return bytes([0xCC + width]) + value.to_bytes(1 << width, "big")
    is_text = isinstance(value, str)
    data = value.encode() if isinstance(value, str) else value
    if is_text and len(data) < 32:
        return bytes([0xA0 | len(data)]) + data
    width = 0 if len(data) < 1 << 8 else 1 if len(data) < 1 << 16 else 2
    return bytes([(0xD9 if is_text else 0xC4) + width]) + len(data).to_bytes(1 << width, "big") + data


def json_line(line: bytes, names: list[str], what: str) -> dict[str, str | int | None]:
    """A JSON object with exactly these names in this order, on one line without spaces and with its end. Raises No."""
    import json

    try:
        text = line.decode("utf-8")
        value = json.loads(text)
        again = json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
        is_same = again.encode("utf-8") == line
    except (ValueError, RecursionError, OverflowError):  # wrong UTF-8 and half a surrogate pair are ValueErrors
        raise No(f"{what} is no JSON") from None
    if not isinstance(value, dict) or list(value) != names:
        raise No(f"{what} has not exactly the fields {', '.join(names)}, in this order")
    if not is_same:
        raise No(f"{what} is not in the one form: no spaces, no needless escapes, a line end")
    for name, each in value.items():
        is_right = type(each) is int and 0 <= each < 2**63 if name in NUMBERS else type(each) is str
        if not is_right and not (each is None and name in MAY_BE_ABSENT):
            raise No(f"{what}: {name} is not what it must be")
    return value


class Rows:
    """Rows of an account, one after the other, whose last one stands in the log."""

    def __init__(self, file: BinaryIO, keys: list[Key]) -> None:
        """Read and check an open file. Raises No, or OSError."""
        head = json_line(next_line(file), ["format", "account_id", "previous", "proof"], "the first line")
        if head["format"] != "daybook-rows/v1":
            raise No("the file does not begin as rows: daybook-rows/v1")
        try:
            entry, self.index, self.checkpoint = open_proof(str(head["proof"]).encode(), keys, None)
        except Usage:
            raise No("the proof in the first line does not carry its entry") from None
        self.account, self.last, self.leaf = row_leaf(entry)
        if self.account != head["account_id"]:
            raise No(f"the proof is of another account than the rows: {shown(self.account)}")
        self.hashes: list[bytes] = []
        self.first = self._read(file, hash_decode(str(head["previous"])))

    def _read(self, file: BinaryIO, previous: bytes) -> int:
        """Check the chain of all rows; gives the first one's version."""
        version = first = 0
        while version != self.last:
            line = next_line(file)
            if not line:
                raise No(f"the rows end at version {version}, and the proof is of version {self.last}")
            row = json_line(line, ROW, "a row")
            version, before = int(str(row["version"])), version
            first = first or version
            self._check_place(row, version, before, previous)
            previous = row_hash(previous, row)
            if hash_decode(str(row["hash"])) != previous:
                raise No(f"the row of version {version} has not the hash that follows from it and the row before it")
            self.hashes.append(previous)
        if previous != self.leaf:
            raise No(f"the log holds another hash for version {self.last}: {base64_encode(self.leaf)}")
        if file.read(1):
            raise No(f"something stands after the row of version {self.last}")
        return first

    def _check_place(self, row: dict[str, str | int | None], version: int, before: int, previous: bytes) -> None:
        what = f"the row of version {version}"
        if row["stream_id"] != self.account:
            raise No(f"{what} is one of another account: {shown(str(row['stream_id']))}")
        if before and version != before + 1:
            raise No(f"{what} stands after that of version {before}")
        if not 0 < version <= self.last:
            raise No(f"{what} does not lead to version {self.last}, of which the proof is")
        if version == 1 and previous != bytes(32):
            raise No("before version 1 there is no row, so its hash is 32 zero bytes")
        if (row["state"] is None) != (row["state_schema"] is None):
            raise No(f"{what} has half a snapshot")


def next_line(file: BinaryIO) -> bytes:
    line = file.readline(LINE_LIMIT + 1)
    if len(line) > LINE_LIMIT:
        raise No(f"a line has more than {LINE_LIMIT} bytes")
    return line


# --- A copy of the whole log: C2SP tlog-tiles, and Daybook's seals ----------------------------------------------------
#
# Everything is computed again from the seals' leaves, in order: bundles, tiles, and at the end of each seal the root.
# In memory are one tile of each level and one bundle.

ENTRY_LIMIT = (1 << 16) - 1
SEAL = ["seal", "first_leaf", "leaves", "origin", "decided_at", "from_dt", "next_from_dt", "next_account"]


class Log:
    """A folder with a log's objects; `check` reads all of it."""

    def __init__(self, folder: str, keys: list[Key]) -> None:
        self.folder, self.keys = folder, keys
        self.size = self.files = self.seals = 0
        self.levels: list[list[bytes]] = [[]]
        self.bundle = bytearray()
        self.compared: set[str] = set()
        self.newest = self._open("checkpoint")
        self.roots: dict[int, list[tuple[str, bytes]]] = {}
        self.account: str | None = None
        self.standing: dict[int, bytes] = {}

    def expect(self, name: str, checkpoint: Checkpoint) -> None:
        """Have `check` hold a checkpoint from elsewhere against this log. Raises No."""
        if checkpoint.origin != self.newest.origin:
            raise No(f"{name} is of another log: {shown(checkpoint.origin)}")
        if checkpoint.size > self.newest.size:
            raise No(
                f"{name} has {checkpoint.size} entries, and this log {self.newest.size}: an older copy, or it was cut"
            )
        self.roots.setdefault(checkpoint.size, []).append((name, checkpoint.root))

    def check(self) -> None:
        """Compute everything again, up to the newest checkpoint. Raises No."""
        self._compare_root()
        while self.seals == 0 or self.size < self.newest.size:
            name = f"{self.seals:08}"
            self._read_seal(f"seal/{name}")
            noted = self._open(f"checkpoints/{name}")
            if noted.size != self.size or noted.origin != self.newest.origin:
                raise No(f"checkpoints/{name} is not one of this log after {self.size} entries")
            if noted.root != self.root():
                raise No(f"the entries up to seal/{name} have not the root that checkpoints/{name} was signed with")
            self._check_partial_tiles(is_newest=self.size == self.newest.size)
            self.seals += 1
        if self.size != self.newest.size or noted.text != self.newest.text:
            raise No(f"the checkpoint is not the one after the last seal ({self.seals - 1})")

    def root(self) -> bytes:
        """The root of all entries so far."""
        value = b""
        for hashes in self.levels:
            for subtree in reversed(perfect_subtrees(hashes)):
                value = node_hash(subtree, value) if value else subtree
        return value or EMPTY_ROOT

    def _read_seal(self, name: str) -> None:
        """Append all leaves of a seal: a line of JSON, and a line for each leaf."""
        self.files += 1
        try:
            with open(os.path.join(self.folder, name), "rb") as file:
                head = json_line(next_line(file), SEAL, name)
                is_next = head["seal"] == self.seals and head["first_leaf"] == self.size
                if not is_next or head["origin"] != self.newest.origin:
                    raise No(f"{name} does not go on where the seal before it ends")
                for _ in range(int(str(head["leaves"]))):
                    line = next_line(file)
                    if not line.endswith(b"\n") or not 1 < len(line) <= ENTRY_LIMIT + 1:
                        raise No(f"{name} has not {head['leaves']} leaves")
                    self._append(line[:-1])
                if file.read(1):
                    raise No(f"{name} has more than {head['leaves']} leaves")
        except OSError:
            raise No(f"{name} is missing from this copy of the log") from None

    def _append(self, entry: bytes) -> None:
        if self.size >= self.newest.size:
            raise No(f"the checkpoint of {self.newest.size} entries is not at the end of a seal")
        if self.account is not None:
            self._follow(entry)
        self.size += 1
        self.bundle += len(entry).to_bytes(2, "big") + entry
        self.levels[0].append(leaf_hash(entry))
        if len(self.levels[0]) == WIDTH:
            self._compare(tile_name("entries", self.size // WIDTH - 1, 0), bytes(self.bundle))
            self.bundle.clear()
            self._close_tiles()
        self._compare_root()

    def _close_tiles(self) -> None:
        """Compare every tile that became full, and hash it into the level above."""
        level, index = 0, self.size
        while len(self.levels[level]) == WIDTH:
            index //= WIDTH
            self._compare(tile_name(level, index - 1, 0), b"".join(self.levels[level]))
            (above,) = perfect_subtrees(self.levels[level])
            self.levels[level] = []
            level += 1
            if level == len(self.levels):
                self.levels.append([])
            self.levels[level].append(above)

    def _check_partial_tiles(self, *, is_newest: bool) -> None:
        """Those of the newest size must be there; of older ones they may be gone, for the full ones hold the same."""
        partial = {}
        if self.bundle:
            partial[tile_name("entries", self.size // WIDTH, self.size % WIDTH)] = bytes(self.bundle)
        index = self.size
        for level, hashes in enumerate(self.levels):
            index //= WIDTH
            if hashes:
                partial[tile_name(level, index, len(hashes))] = b"".join(hashes)
        for name, expected in partial.items():
            is_there = is_newest or os.path.lexists(os.path.join(self.folder, name))
            if is_there and name not in self.compared:  # a high level's may be the same for many seals
                self._compare(name, expected)
                self.compared.add(name)
        self.compared.intersection_update(partial)

    def _compare(self, name: str, expected: bytes) -> None:
        if self._get(name, len(expected)) != expected:
            raise No(f"{name} is not what follows from the seals")

    def _compare_root(self) -> None:
        for name, root in self.roots.get(self.size, ()):
            if self.root() != root:
                raise No(
                    f"{name} is signed for other entries up to {self.size} than this log has: its history was written"
                    " anew, or two logs were shown under one name"
                )

    def _open(self, name: str) -> Checkpoint:
        note = self._get(name, NOTE_LIMIT)
        try:
            return open_checkpoint(note, self.keys)
        except No as no:
            raise No(f"{name}: {no}") from None

    def _get(self, name: str, limit: int) -> bytes:
        self.files += 1
        try:
            return read(os.path.join(self.folder, name), limit)
        except OSError:
            raise No(f"{name} is missing from this copy of the log") from None

    def _follow(self, entry: bytes) -> None:
        """Keep what stands of one account: a restore revokes what came after its last good version."""
        if not entry.startswith(f"{self.account}/".encode()):
            return
        restored = restored_leaf(entry)
        if restored is None:
            _, version, value = row_leaf(entry)
            if version != len(self.standing) + 1:
                raise No(f"the log has version {version} of the account after {len(self.standing)} others")
            self.standing[version] = value
        else:
            for version in range(restored[2] + 1, len(self.standing) + 1):
                del self.standing[version]

    def others(self) -> int:
        """How many files lie in the folder that were not looked at."""
        return sum(len(files) for _, _, files in os.walk(self.folder)) - self.files


def tile_name(level: int | str, index: int, width: int) -> str:
    """tile/<level>/<index>, and .p/<width> if it is not full; a number is x001/x234/067."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    name = "/".join(["tile", str(level), *("x" + part for part in parts[:-1]), parts[-1]])
    return f"{name}.p/{width}" if width else name


# --- The command line: what was shown, and what was not ---------------------------------------------------------------


def say_proof(file: str, keys: list[Key], entry: str | None) -> str:
    given = None if entry is None else entry.encode("utf-8", "surrogateescape")
    proven, index, checkpoint = open_proof(take(file, PROOF_LIMIT), keys, given)
    text = proven.decode("utf-8", "backslashreplace")
    return (
        f"the log {shown(checkpoint.origin)} holds at {checkpoint.size} entries, as number {index}: {shown(text)}\n"
        "Not shown: what the row itself says (a bundle of rows shows that), and whether a restore revoked it later "
        "(the whole log shows that)."
    )


def say_rows(file: str, keys: list[Key], folder: str | None) -> str:
    with open(named(file), "rb") as opened:
        rows = Rows(opened, keys)
    checkpoint = rows.checkpoint
    several = rows.first < rows.last
    told = f"rows of versions {rows.first} to {rows.last}" if several else f"row of version {rows.last}"
    which, origin = f"the {told} of account {shown(rows.account)}", shown(checkpoint.origin)
    if folder is None:
        held = "follow one another, and the last is the one" if several else "is the one"
        others = "whether it holds the others as they are here, " if several else ""
        return (
            f"{which} {held} that the log {origin} holds at {checkpoint.size} entries\n"
            f"Not shown: {others}whether there are later versions, or a restore revoked some of these; --log with a "
            "copy of the whole log shows that."
        )
    log = open_log(folder, keys)
    log.account = rows.account
    log.expect("the proof's checkpoint", checkpoint)
    log.check()
    if len(log.standing) > rows.last:
        raise No(f"the log holds version {len(log.standing)} of this account, and the rows end at version {rows.last}")
    for version, value in enumerate(rows.hashes, rows.first):
        if version not in log.standing:
            raise No(f"the row of version {version} does not stand in the log any more: a restore revoked it")
        if log.standing[version] != value:
            raise No(f"the log holds another hash for version {version}: {base64_encode(log.standing[version])}")
    held = "are those" if several else "is the one"
    return (
        f"{which} {held} that the log {origin} holds at {log.size} entries, and it holds no later version"
        f"{say_log_rest(log)}\nNot shown: what was sealed after that; log with --kept finds a copy that is kept old."
    )


def say_checkpoint(file: str, keys: list[Key]) -> str:
    checkpoint = open_checkpoint(take_kept(file), keys)
    return (
        f"the log {shown(checkpoint.origin)} signed {checkpoint.size} entries with the root "
        f"{base64_encode(checkpoint.root)}\n"
        "Not shown: that a newer one goes on from it; consistency, or log with --kept, shows that."
    )


def say_consistency(old_file: str, file: str, keys: list[Key]) -> str:
    old, new = open_consistency(take_kept(old_file), take(file, PROOF_LIMIT), keys)
    return (
        f"the log {shown(new.origin)} at {new.size} entries begins with all {old.size} that it had before: none was "
        "changed, removed or moved"
    )


def say_log(folder: str, keys: list[Key], kept: str | None) -> str:
    log = open_log(folder, keys)
    found = 0
    for name in [] if kept is None else sorted(files_of(kept)):
        for note in split_notes(take(name, KEPT_LIMIT)):
            log.expect(f"a checkpoint in {shown(name)}", open_checkpoint(note, keys))
            found += 1
    if kept is not None and not found:
        raise Usage(f"there are no checkpoints in {shown(kept)}")
    log.check()
    seals = f"{log.seals} seal{'s' * (log.seals != 1)}"
    end = f"\n{found} kept checkpoint{'s' * (found != 1)} checked: this log is the one that was signed then."
    if kept is None:
        end = (
            "\nNot shown: that nobody saw another log of this name; --kept with checkpoints kept elsewhere shows that."
        )
    return (
        f"all {log.size} entries in {seals} of the log {shown(log.newest.origin)} lead to its signed checkpoints, and "
        f"every bundle and tile is as it must be{say_log_rest(log)}{end}"
    )


def say_log_rest(log: Log) -> str:
    more, later = log.others(), f"checkpoints/{log.seals:08}"
    said = f"\nNot looked at: {more} files that the newest checkpoint does not need." if more else ""
    if os.path.lexists(os.path.join(log.folder, later)):
        said += (
            f"\nNot the newest: the file checkpoint is older than {later}. Copy the log again, as docs/proof.md says."
        )
    return said


def open_log(folder: str, keys: list[Key]) -> Log:
    if not os.path.isdir(folder):
        raise Usage(f"there is no folder {shown(folder)}")
    return Log(folder, keys)


def files_of(path: str) -> list[str]:
    """The file, or all files in a folder."""
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]


def named(file: str) -> str:
    """The name of a file that can be opened. Raises Usage."""
    try:
        with open(file, "rb"):
            return file
    except (OSError, ValueError) as error:
        raise Usage(f"cannot read {shown(file)}: {getattr(error, 'strerror', None) or error}") from None


def take(file: str, limit: int) -> bytes:
    return read(named(file), limit)


def take_kept(file: str) -> bytes:
    """The one checkpoint in a file, with empty lines around it or not. Raises Usage if there are several."""
    content = take(file, KEPT_LIMIT)
    notes = split_notes(content)
    if len(notes) > 1:
        raise Usage(f"{shown(file)} holds {len(notes)} checkpoints: log with --kept takes all of them, this takes one")
    return notes[0] if notes else content


def keys_of(text: str) -> list[Key]:
    """The key, or those of a file, a line each. Raises Usage."""
    try:
        if text.count("+") >= 2:
            return [Key(text)]
        lines = text_decode(read(named(text), 1 << 16), "the file of keys").split("\n")
        found = [Key(line) for line in lines if line.strip()]
    except No as no:
        raise Usage(str(no)) from None
    if not found:
        raise Usage(f"there is no key in {shown(text)}")
    return found


def kind_of(file: str) -> str:
    """Which command a file or folder is for, by its first bytes. Raises Usage."""
    if os.path.isdir(file):
        return "log"
    if os.path.exists(file) and not os.path.isfile(file):  # a pipe can be read once
        raise Usage(f"what does {shown(file)} hold? proof, rows or checkpoint must stand before it")
    with open(named(file), "rb") as opened:
        start = opened.read(22)
    if start.startswith(b"old "):
        raise Usage("a proof of consistency needs the old checkpoint: consistency OLD_CHECKPOINT FILE --key KEY")
    return "proof" if start == b"c2sp.org/tlog-proof@v1" else "rows" if start.startswith(b"{") else "checkpoint"


COMMANDS = {
    "proof": (1, "--entry"),
    "rows": (1, "--log"),
    "checkpoint": (1, ""),
    "consistency": (2, ""),
    "log": (1, "--kept"),
}
"""Of each command: how many files it takes, and which option."""


def parse(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words and the options of a command line. Raises Usage."""
    options: dict[str, str] = {}
    words: list[str] = []
    rest = iter(arguments)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            words.append(word)
        elif name in options or name not in {"--key", "--entry", "--log", "--kept"}:
            raise Usage(f"what is {shown(word)}?")
        else:
            options[name] = value if equals else next(rest, "")
            if not options[name]:
                raise Usage(f"{name} needs a value")
    return words, options


def answer(arguments: list[str]) -> str:
    """What a command line asks for, as a sentence. Raises No and Usage."""
    words, options = parse(arguments)
    if len(words) == 1 and words[0] not in COMMANDS:
        words = [kind_of(words[0]), *words]
    if not words or words[0] not in COMMANDS:
        raise Usage("what is to be checked?")
    command, *names = words
    files, option = COMMANDS[command]
    if len(names) != files or set(options) - {"--key", option}:
        raise Usage(f"{command} takes something else")
    if "--key" not in options:
        raise Usage("without the log's key nothing is shown: --key KEY")
    keys = keys_of(options["--key"])
    if command == "consistency":
        return say_consistency(names[0], names[1], keys)
    if command == "checkpoint":
        return say_checkpoint(names[0], keys)
    say = {"proof": say_proof, "rows": say_rows, "log": say_log}[command]
    return say(names[0], keys, options.get(option))


def main(arguments: list[str]) -> int:
    """Print the answer; 0 is yes, 1 no, 2 that nothing could be checked."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # a terminal may know no dashes
    if arguments in (["--help"], ["-h"]):
        print(USAGE, end="")
        return 0
    try:
        print(f"yes: {answer(arguments)}")
    except No as no:
        print(f"no: {no}")
        return 1
    except Usage as usage:
        print(*filter(None, (str(usage), USAGE)), sep="\n", end="", file=sys.stderr)
        return 2
    except OSError as error:  # a file that was there when it was opened, or a reader of the answer that went away
        print(f"cannot go on: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
