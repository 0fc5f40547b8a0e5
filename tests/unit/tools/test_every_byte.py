"""No byte of a file can be another one, be missing or be added: tools/verify_proof.py says no, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from io import BytesIO

import pytest

from tests.support.runs import runs
from tests.support.tiny_log import TinyLog, entry, rows, rows_file
from tools import verify_proof as tool

CHAIN = rows(3)
LOG = TinyLog()
LOG.seal("other/1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", *(entry(row) for row in CHAIN), "more", "and more")
FILES: dict[str, bytes] = {
    "proof": LOG.proof(2),
    "consistency": LOG.consistency(3),
    "checkpoint": LOG.checkpoint(),
    "bundle": rows_file(LOG, CHAIN[2:], previous=str(CHAIN[1]["hash"])),
    "history": rows_file(LOG, CHAIN),
}
KEYS = [tool.Key(LOG.vkey)]
OLD = LOG.checkpoint(3)


@pytest.fixture(autouse=True)
def _remember_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most edits leave the signature and its text alone: each is computed once."""
    check = tool.ed25519_check

    @cache
    def problem(public_key: bytes, message: bytes, signature: bytes) -> str:
        try:
            check(public_key, message, signature)
        except tool.No as no:
            return str(no)
        return ""

    def remembered(public_key: bytes, message: bytes, signature: bytes) -> None:
        if said := problem(public_key, message, signature):
            raise tool.No(said)

    monkeypatch.setattr(tool, "ed25519_check", remembered)


def says_yes(kind: str, content: bytes) -> bool:
    try:
        if kind == "proof":
            tool.open_proof(content, KEYS, None)
        elif kind == "consistency":
            tool.open_consistency(OLD, content, KEYS)
        elif kind == "checkpoint":
            tool.open_checkpoint(content, KEYS)
        else:
            tool.Rows(BytesIO(content), KEYS)
    except (tool.No, tool.Usage):
        return False
    return True


def edits(content: bytes, values: int) -> Iterator[bytes]:
    """Each byte with bits flipped in so many ways, removed, and doubled; and each beginning of the file."""
    for place, byte in enumerate(content):
        before, after = content[:place], content[place + 1 :]
        for step in range(1, values + 1):
            flipped = step if values == 255 else 1 << (step + place) % 8
            yield before + bytes([byte ^ flipped]) + after
        yield before + after
        yield before
        if content[place : place + 1] != content[place + 1 : place + 2]:
            yield before + bytes([byte, byte]) + after


@pytest.mark.generated
@pytest.mark.parametrize("kind", FILES)
def test_every_edit_of_one_byte_is_refused(kind: str) -> None:
    content = FILES[kind]
    assert says_yes(kind, content)
    values = runs(check=1, test=255 if kind in {"proof", "consistency", "checkpoint"} else 8, soak=255)
    taken = [edited for edited in edits(content, min(values, 255)) if says_yes(kind, edited)]
    assert taken == []


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("more", [b"\n", b" ", b"\0", b"x", b"\n\n", b"{}\n", b"\r"])
def test_nothing_can_be_put_behind_or_before(kind: str, more: bytes) -> None:
    assert not says_yes(kind, FILES[kind] + more)
    assert not says_yes(kind, more + FILES[kind])


@pytest.mark.parametrize("kind", FILES)
def test_another_spelling_of_the_same_is_refused(kind: str) -> None:
    content = FILES[kind]
    spellings = [
        content.replace(b"\n", b"\r\n"),
        content.replace(b"=\n", b"\n"),
        b"\xef\xbb\xbf" + content,
        content.replace(b":", b": "),
        content.replace(b"index 2", b"index 02"),
        content.replace(b"index 2", b"index +2"),
        content.replace(b"old 3", b"old 3 "),
        content.replace(b"\xc3\xa9", b"\\u00e9"),
        content.replace(b'"version":3', b'"version":3.0'),
        content.replace(b'"version":3', b'"version":1,"version":3'),
        content.replace(b"tester", b"\\u0074ester"),
        content.replace("— ".encode(), "—\u00a0".encode()),
    ]
    spellings = [each for each in spellings if each != content]
    assert len(spellings) > 3
    for each in spellings:
        assert not says_yes(kind, each), each


def unpadded_bits(encoded: str) -> list[str]:
    """The other forms of a text in Base64 whose unused bits are not zero."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = encoded.rstrip("=")
    unused = {0: 0, 1: 2, 2: 4}[len(encoded) - len(body)]
    last = alphabet.index(body[-1])
    assert last % (1 << unused) == 0
    return [body[:-1] + alphabet[last + bits] + encoded[len(body) :] for bits in range(1, 1 << unused)]


def test_base64_has_one_form() -> None:
    content = FILES["proof"].decode()
    lines = content.splitlines()
    encoded = [line.rpartition(" ")[2] for line in lines if line.endswith("=")]
    others = [(text, other) for text in encoded for other in unpadded_bits(text)]
    assert len(others) > 10
    for text, other in others:
        assert not says_yes("proof", content.replace(text, other).encode()), (text, other)
