"""What others made, and what the service makes, goes through tools/verify_proof.py; and what C2SP's documents show."""

from __future__ import annotations

from random import Random

import aics_tlog
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lambdas.eventsourcing.chain import chain_hash
from lambdas.transparency.tiles import bundle_name, tile_name
from tests.support.runs import first_seed, runs
from tests.support.tiny_log import TinyLog
from tools import verify_proof as tool

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.mark.generated
def test_proofs_that_another_implementation_made() -> None:
    random = Random(first_seed())
    entries = [f"entry {number}".encode() for number in range(1100)]
    for _ in range(runs(check=30, test=300, soak=5000)):
        size = random.randrange(1, len(entries))
        old, index = random.randrange(1, size + 1), random.randrange(size)
        tree = aics_tlog.MerkleTree(entries[:size])
        before = aics_tlog.MerkleTree(entries[:old])
        tool.check_inclusion(index, size, tool.leaf_hash(entries[index]), tree.inclusion_proof(index), tree.root())
        path = tree.consistency_proof(old)
        tool.check_consistency(old, before.root(), size, tree.root(), path)
        if path:
            with pytest.raises(tool.No):
                tool.check_consistency(old, before.root(), size, tree.root(), [*path[:-1], bytes(32)])


def test_a_checkpoint_that_another_implementation_signed() -> None:
    checkpoint = aics_tlog.Checkpoint("example.com/log", 3, bytes(range(32)))
    note = aics_tlog.sign_checkpoint(checkpoint, KEY, "example.com/log").to_bytes()
    key = aics_tlog.format_vkey(aics_tlog.vkey_from_ed25519("example.com/log", KEY.public_key()))
    opened = tool.open_checkpoint(note, [tool.Key(key)])
    assert (opened.origin, opened.size, opened.root) == ("example.com/log", 3, bytes(range(32)))


def test_ours_is_one_to_another_implementation() -> None:
    """So that the small log of these tests is no private agreement."""
    log = TinyLog()
    log.seal(*(f"entry {number}" for number in range(300)))
    note = aics_tlog.parse_note(log.checkpoint())
    assert aics_tlog.verify_checkpoint(note, aics_tlog.parse_vkey(log.vkey), expected_origin=log.origin)


def test_the_example_of_signed_note() -> None:
    """C2SP, signed-note, "Example": the text is no checkpoint, so only its signature is looked at."""
    key = tool.Key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    line = (
        "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    )
    name, signature = tool.signature_decode(line)
    assert (name, signature[:4]) == (key.name, key.id)
    tool.ed25519_check(key.public_key, b"This is an example message.\n", signature[4:])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 70_000])
def test_tiles_are_named_as_the_service_names_them(size: int) -> None:
    for index in (0, 1, 999, 1000, 999_999, 1_000_000, size):
        assert tool.tile_name(3, index, 0) == tile_name(3, index, 256)
        assert tool.tile_name(0, index, 17) == tile_name(0, index, 17)
        assert tool.tile_name("entries", index, 17) == bundle_name(index, 17)


TEXTS = st.text(max_size=40) | st.sampled_from([31, 32, 255, 256, 65_535, 65_536]).map("x".__mul__)
NUMBERS = st.integers(0, 2**63 - 1) | st.sampled_from([127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32])


@given(
    previous=st.binary(min_size=32, max_size=32),
    texts=st.lists(TEXTS, min_size=8, max_size=8),
    numbers=st.lists(NUMBERS, min_size=3, max_size=3),
    has_state=st.booleans(),
)
def test_a_rows_hash_is_that_of_the_store(
    previous: bytes, texts: list[str], numbers: list[int], has_state: bool
) -> None:  # noqa: FBT001, RUF100
    stream, commit, kind, data, metadata, occurred, recorded, state = texts
    version, schema, state_schema = numbers
    row: dict[str, str | int | None] = {
        "stream_id": stream,
        "version": version,
        "commit_id": commit,
        "type": kind,
        "schema": schema,
        "data": data,
        "metadata": metadata,
        "occurred_at": occurred,
        "recorded_at": recorded,
        "state": state if has_state else None,
        "state_schema": state_schema if has_state else None,
    }
    fields = (
        previous, stream, version, commit, kind, schema, data, metadata, occurred, recorded,
        state if has_state else None, state_schema if has_state else None,
    )  # fmt: skip
    assert tool.row_hash(previous, row) == chain_hash(fields)
