"""Ed25519 in tools/verify_proof.py: the vectors of RFC 8032, the known edge cases, and agreement with OpenSSL."""

from __future__ import annotations

import json
from hashlib import sha512
from pathlib import Path
from random import Random

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tests.support.runs import first_seed, runs
from tools import verify_proof as tool

VECTORS = Path(__file__).parent / "vectors"
SMALL_ORDER = {
    "0100000000000000000000000000000000000000000000000000000000000000": 1,
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f": 2,
    "0000000000000000000000000000000000000000000000000000000000000000": 4,
    "0000000000000000000000000000000000000000000000000000000000000080": 4,
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a": 8,
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa": 8,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05": 8,
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85": 8,
}
"""The eight points of small order in their canonical encodings, with their orders."""

NOT_CANONICAL = (
    "0100000000000000000000000000000000000000000000000000000000000080",  # zero with a sign
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",  # zero with a sign
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y = p + 1
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  # y = p
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
)


def vectors(name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((VECTORS / name).read_text())["vectors"]
    return found


def problem(public_key: bytes, message: bytes, signature: bytes) -> str:
    """What the tool says; empty if the signature verifies."""
    try:
        tool.ed25519_check(public_key, message, signature)
    except tool.No as no:
        return str(no)
    return ""


def problem_of(vector: dict[str, str]) -> str:
    return problem(*(bytes.fromhex(vector[name]) for name in ("public_key", "message", "signature")))


def openssl_takes(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize("vector", vectors("ed25519_rfc8032.json"), ids=lambda vector: vector["name"])
def test_the_vectors_of_rfc_8032(vector: dict[str, str]) -> None:
    assert problem_of(vector) == ""
    for field, place in [("public_key", 0), ("message", 0), ("signature", 0), ("signature", 40)]:
        edited = bytearray.fromhex(vector[field])
        if edited:
            edited[place] ^= 1
            assert problem_of({**vector, field: edited.hex()})
    assert problem_of({**vector, "message": vector["message"] + "00"})


def test_all_five_vectors_are_there() -> None:
    names = [vector["name"] for vector in vectors("ed25519_rfc8032.json")]
    assert names == ["TEST 1", "TEST 2", "TEST 3", "TEST 1024", "TEST SHA(abc)"]


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "small order"),
        (1, "small order"),
        (2, ""),  # a signer may waste R; it forges nothing
        (3, ""),
        (4, "not one of this text"),  # valid only with the factor 8
        (5, "not one of this text"),
        (6, "S is not below"),
        (7, "S is not below"),
        (8, "not one of this text"),
        (9, "not one of this text"),
        (10, "canonical"),
        (11, "canonical"),
    ],
)
def test_the_cases_in_which_libraries_differ(number: int, expected: str) -> None:
    """Each as most libraries have it, but for keys of small order (0, 1, 11), which only the strict ones refuse."""
    said = problem_of(vectors("ed25519_speccheck.json")[number])
    assert expected in said
    assert bool(said) == bool(expected)


@pytest.mark.parametrize(("encoded", "order"), SMALL_ORDER.items())
def test_a_key_of_small_order_is_refused(encoded: str, order: int) -> None:
    point = tool.point_decode(bytes.fromhex(encoded))
    multiple = tool.NEUTRAL
    orders = []
    for times in range(1, 9):
        multiple = tool.add(multiple, point)
        if tool.is_neutral(multiple):
            orders.append(times)
    assert orders[0] == order
    # S = 0 and R = the neutral point: one signature for every message, wherever such keys are taken.
    assert "small order" in problem(bytes.fromhex(encoded), b"any", tool.point_encode(tool.NEUTRAL) + bytes(32))


@pytest.mark.parametrize("encoded", NOT_CANONICAL)
def test_an_encoding_of_a_key_that_is_not_canonical_is_refused(encoded: str) -> None:
    assert "canonical" in problem(bytes.fromhex(encoded), b"any", bytes(64))


@pytest.mark.parametrize("encoded", [*NOT_CANONICAL, *(each for each in SMALL_ORDER)])
def test_an_r_that_does_not_follow_is_refused(encoded: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = bytes.fromhex(encoded) + key.sign(b"text")[32:]
    assert problem(key.public_key().public_bytes_raw(), b"text", signature)


@pytest.mark.parametrize("times", [1, 2, 7])
def test_a_second_form_of_s_is_refused(times: int) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = key.sign(b"text")
    malleable = int.from_bytes(signature[32:], "little") + times * tool.L
    edited = signature[:32] + malleable.to_bytes(32, "little")
    assert "S is not below" in problem(key.public_key().public_bytes_raw(), b"text", edited)
    assert problem(key.public_key().public_bytes_raw(), b"text", signature) == ""


@pytest.mark.parametrize(
    ("s", "reason"), [(0, "not one"), (tool.L - 1, "not one"), (tool.L, "S is not"), (2**256 - 1, "S is not")]
)
def test_s_is_below_the_order(s: int, reason: str) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    signature = key.sign(b"text")[:32] + s.to_bytes(32, "little")
    assert reason in problem(key.public_key().public_bytes_raw(), b"text", signature)


@pytest.mark.parametrize(("key", "signature"), [(31, 64), (33, 64), (0, 64), (32, 63), (32, 65), (32, 0)])
def test_wrong_lengths_are_refused(key: int, signature: int) -> None:
    assert "32 bytes and a signature 64" in problem(b"\1" * key, b"text", b"\1" * signature)


def test_a_key_that_is_no_point_is_refused() -> None:
    assert "no point" in problem((2).to_bytes(32, "little"), b"text", bytes(64))


@pytest.mark.generated
def test_it_agrees_with_openssl_on_random_keys_messages_and_edits() -> None:
    """Signatures as made, with a bit of key, message or signature flipped, and random ones: the same verdict."""
    random = Random(first_seed())
    verdicts = {True: 0, False: 0}
    for _ in range(runs(check=300, test=2000, soak=50_000)):
        key = Ed25519PrivateKey.from_private_bytes(random.randbytes(32))
        parts = [bytearray(key.public_key().public_bytes_raw()), bytearray(random.randbytes(random.randrange(200)))]
        parts.append(bytearray(key.sign(bytes(parts[1]))))
        for _ in range(random.choice([0, 0, 1, 1, 2])):
            part = random.choice([each for each in parts if each])
            part[random.randrange(len(part))] ^= 1 << random.randrange(8)
        expected = openssl_takes(*map(bytes, parts))
        assert (problem(*map(bytes, parts)) == "") == expected, parts
        verdicts[expected] += 1
    assert min(verdicts.values()) > 50


@pytest.mark.generated
def test_it_agrees_with_openssl_about_keys_and_rs_moved_by_points_of_small_order() -> None:
    """Only those that need the factor 8 fail; both say so of the same ones."""
    random = Random(first_seed())
    torsion = [tool.point_decode(bytes.fromhex(each)) for each in SMALL_ORDER]
    verdicts = {True: 0, False: 0}
    for _ in range(runs(check=200, test=1000, soak=20_000)):
        a, r, message = random.randrange(1, tool.L), random.randrange(tool.L), random.randbytes(3)
        public_key, encoded_r = (
            tool.point_encode(tool.add(tool.sum_of_products(each, tool.BASE, 0, tool.BASE), random.choice(torsion)))
            for each in (a, r)
        )
        k = int.from_bytes(sha512(encoded_r + public_key + message).digest(), "little")
        signature = encoded_r + ((r + k * a) % tool.L).to_bytes(32, "little")
        expected = openssl_takes(public_key, message, signature)
        assert (problem(public_key, message, signature) == "") == expected
        verdicts[expected] += 1
    assert min(verdicts.values()) > 10
