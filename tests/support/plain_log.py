"""An oracle for the transparency log: a list of entries, and from it alone everything else.

It shares nothing with the code under test but the texts of entries and the structs of the index.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from hashlib import sha256
from typing import NamedTuple

from lambdas.transparency.index import Head, Run
from lambdas.transparency.memory import MemoryLogIndex, MemoryLogStore
from tests.support.log_signer import verifies

_CHECKPOINT = re.compile(r"(.+)\n(\d+)\n(.+)\n\n— (.+) (.+)\n")


def root_of(entries: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + root_of(entries[:split]) + root_of(entries[split:])).digest()


class Entry(NamedTuple):
    """An entry of the log, and in which seal it stands."""

    place: int
    seal: int
    text: str


class PlainLog:
    """The seals of a bucket, read one by one, as lists."""

    def __init__(self, store: MemoryLogStore, *, up_to: int | None = None) -> None:
        self.headers: list[dict[str, object]] = []
        self.entries: list[Entry] = []
        for number, name in enumerate(store.names("seal/")):
            if up_to is not None and number > up_to:
                break
            assert name == f"seal/{number:08}"
            stored = store.get(name)
            assert stored
            header, *lines = stored.content.decode().split("\n")
            assert lines.pop() == ""
            self.headers.append(json.loads(header))
            assert self.headers[-1]["first_leaf"] == len(self.entries)
            assert self.headers[-1]["leaves"] == len(lines)
            assert self.headers[-1]["seal"] == number
            for line in lines:
                self.entries.append(Entry(len(self.entries), number, line))

    def standing(self) -> dict[str, list[tuple[bytes, Entry]]]:
        """By account, the hash and the entry of each version that stands: the first is version 1.

        Asserts that no version is left out.
        """
        found: dict[str, list[tuple[bytes, Entry]]] = {}
        for entry in self.entries:
            what, rest = entry.text.split(" ", 1)
            account_id, _, version = what.partition("/")
            stands = found.setdefault(account_id, [])
            if version.startswith("restored/"):
                del stands[int(rest.split()[0]) :]
            else:
                stands.append((b64decode(rest), entry))
                assert int(version) == len(stands), entry
        return found

    def restores(self) -> dict[str, list[Entry]]:
        """By account, the entries that tell of restores."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if "/restored/" in entry.text:
                found.setdefault(entry.text.partition("/")[0], []).append(entry)
        return found

    def last_seal(self, account_id: str) -> int:
        """The newest seal with an entry of an account."""
        return max(entry.seal for entry in self.entries if entry.text.partition("/")[0] == account_id)


def check_store(store: MemoryLogStore, public_key: bytes) -> PlainLog:
    """Assert that every object of a log is what follows from its seals, and that there are no others."""
    log = PlainLog(store)
    texts = [entry.text.encode() for entry in log.entries]
    expected: dict[str, bytes] = {}
    for number, header in enumerate(log.headers):
        size = int(str(header["first_leaf"])) + int(str(header["leaves"]))
        expected |= _tiles(texts[:size])
        name = f"checkpoints/{number:08}"
        stored = store.get(name)
        assert stored, name
        _check_checkpoint(stored.content, texts[:size], str(log.headers[0]["origin"]), public_key)
        expected[name] = stored.content
        expected["checkpoint"] = stored.content
    objects = store.contents()
    seals = {name for name in objects if name.startswith("seal/")}
    assert {name: content for name, (content, _) in objects.items() if name not in seals} == expected
    for name, (_, kind) in objects.items():
        assert kind == ("application/octet-stream" if name.startswith("tile/") else "text/plain; charset=utf-8"), name
    return log


def _check_checkpoint(note: bytes, entries: list[bytes], origin: str, public_key: bytes) -> None:
    found = _CHECKPOINT.fullmatch(note.decode())
    assert found, note
    assert (found[1], found[2], found[4]) == (origin, str(len(entries)), origin)
    assert b64decode(found[3]) == root_of(entries)
    assert verifies(public_key, b64decode(found[5])[4:], f"{found[1]}\n{found[2]}\n{found[3]}\n".encode())


def _tiles(entries: list[bytes]) -> dict[str, bytes]:
    """All tiles and bundles of a log below 65,536 entries, by name."""
    found: dict[str, bytes] = {}
    leaves = [root_of([entry]) for entry in entries]
    for index in range(-(-len(entries) // 256)):
        part = slice(index * 256, index * 256 + 256)
        place = f"{index:03}" if len(leaves[part]) == 256 else f"{index:03}.p/{len(leaves[part])}"
        found[f"tile/0/{place}"] = b"".join(leaves[part])
        found[f"tile/entries/{place}"] = b"".join(len(each).to_bytes(2, "big") + each for each in entries[part])
    full = len(entries) // 256
    if full:
        found[f"tile/1/000.p/{full}"] = b"".join(root_of(entries[at * 256 : at * 256 + 256]) for at in range(full))
    return found


def check_index(index: MemoryLogIndex, log: PlainLog) -> None:
    """Assert that the index is what follows from the entries."""
    heads, runs, progress = index.contents()
    standing, restores = log.standing(), log.restores()
    assert progress
    assert (progress.seal, progress.size) == (len(log.headers) - 1, len(log.entries))
    assert heads.keys() == standing.keys()
    for account_id, versions in standing.items():
        told = restores.get(account_id, [])
        generation = int(told[-1].text.split(" ")[0].rpartition("/")[2]) if told else 0
        last = (versions[-1][1].place, versions[-1][0]) if versions else (told[-1].place, bytes(32))
        expected = Head(len(versions), *last, log.last_seal(account_id), generation)
        assert heads[account_id] == expected
        found: list[tuple[bytes, int, int]] = []
        for first, run in runs.get(account_id, {}).items():
            assert first == run.first_version == len(found) + 1
            ends = versions[first + run.count - 2]
            assert run == Run(first, run.first_leaf, run.count, ends[1].seal, ends[0])
            found += [(b"", run.first_leaf + step, run.seal) for step in range(run.count)]
        assert [each[1:] for each in found] == [(entry.place, entry.seal) for _, entry in versions]
