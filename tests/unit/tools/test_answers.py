"""What tools/verify_proof.py says of files that are right, and of what does not fit together."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.tiny_log import ACCOUNT, ORIGIN, TinyLog, base64, entry, rows, rows_file
from tests.unit.tools.conftest import Ask
from tools import verify_proof as tool

Put = Callable[[str, bytes | str], Path]
OTHER = "11111111-6c1f-4a8e-9d57-0d3f6f6f2f10"
CHAIN = rows(5)


@pytest.fixture
def log() -> TinyLog:
    """Five rows of the account among those of others, in two seals."""
    found = TinyLog()
    found.seal(*(entry(row) for row in CHAIN[:3]), *(entry(row) for row in rows(2, OTHER)))
    found.seal(*(entry(row) for row in CHAIN[3:]))
    return found


@pytest.mark.parametrize("size", [*range(1, 40), 255, 256, 257, 300])
def test_every_proof_of_a_log_verifies_at_its_size(size: int, ask: Ask, put: Put) -> None:
    log = TinyLog()
    log.seal(*(f"entry {number}" for number in range(size)))
    for index in {0, 1 % size, size // 2, size - 1}:
        status, said = ask("proof", put("p", log.proof(index)), "--key", log.vkey)
        assert (status, f"as number {index}: entry {index}\n" in said) == (0, True)


def test_a_proof_says_what_it_shows_and_what_not(log: TinyLog, ask: Ask, put: Put) -> None:
    file = put("p.tlog-proof", log.proof(1))
    status, said = ask("proof", file, "--key", log.vkey)
    assert status == 0
    assert said == (
        f"yes: the log {ORIGIN} holds at 7 entries, as number 1: {entry(CHAIN[1])}\n"
        "Not shown: what the row itself says (a bundle of rows shows that), and whether a restore revoked it later "
        "(the whole log shows that).\n"
    )
    assert ask(file, "--key", log.vkey) == (0, said)
    assert ask(file, f"--key={log.vkey}") == (0, said)
    assert ask("proof", file, "--key", put("key", f"{log.vkey}\n"), "--entry", entry(CHAIN[1])) == (0, said)


def test_a_proof_without_its_entry_needs_one(log: TinyLog, ask: Ask, put: Put) -> None:
    file = put("p", log.proof(1, extra=False))
    assert ask(file, "--key", log.vkey)[0] == 2
    assert ask("proof", file, "--key", log.vkey, "--entry", entry(CHAIN[1]))[0] == 0
    assert ask("proof", file, "--key", log.vkey, "--entry", entry(CHAIN[2]))[0] == 1


def test_a_proof_of_another_entry_than_asked_for_is_refused(log: TinyLog, ask: Ask, put: Put) -> None:
    status, said = ask("proof", put("p", log.proof(1)), "--key", log.vkey, "--entry", entry(CHAIN[2]))
    assert (status, said) == (1, "no: the proof is of another entry than the one that is asked for\n")


def test_a_proof_at_an_older_size_still_verifies(log: TinyLog, ask: Ask, put: Put) -> None:
    assert ask("proof", put("p", log.proof(1, 5)), "--key", log.vkey)[0] == 0


def test_a_log_under_another_key_or_name_is_refused(log: TinyLog, ask: Ask, put: Put) -> None:
    file = put("p", log.proof(1))
    other_key = TinyLog(key=Ed25519PrivateKey.from_private_bytes(bytes(32)))
    assert "not signed by" in ask(file, "--key", other_key.vkey)[1]
    assert ask(file, "--key", other_key.vkey)[0] == 1
    assert ask(file, "--key", TinyLog(origin="daybook/other").vkey)[0] == 1
    both = put("keys", f"{other_key.vkey}\n{log.vkey}\n")
    assert ask(file, "--key", both)[0] == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{ORIGIN}\n1\n{base64(bytes(32))}\nan extension\n", ""),
        (f"{ORIGIN}\n1\n{base64(bytes(32))}\na\ttab\n", "control characters"),
        (f"{ORIGIN}\r\n1\n{base64(bytes(32))}\n", "control characters"),
        (f"{ORIGIN}\n0\n{base64(bytes(32))}\n", "not the root of an empty tree"),
        (f"{ORIGIN}\n1\n{base64(bytes(31))}\n", "no SHA-256 hash"),
        (f"{ORIGIN}\n01\n{base64(bytes(32))}\n", "no number"),
        (f"{ORIGIN}\n1\n", "no origin, size and root"),
        (f"{ORIGIN}\n1\n{base64(bytes(32))}\n\nafter an empty line\n", "no origin, size and root"),
    ],
)
def test_a_signed_text_must_be_a_checkpoint(text: str, sentence: str, log: TinyLog, ask: Ask, put: Put) -> None:
    status, said = ask("checkpoint", put("c", log.sign(text)), "--key", log.vkey)
    assert (status, sentence in said) == (1 if sentence else 0, True), said


def test_a_key_that_signs_for_another_log_is_refused(log: TinyLog, ask: Ask, put: Put) -> None:
    foreign = log.sign(log.checkpoint().decode().partition("\n\n")[0].replace(ORIGIN, "daybook/other") + "\n")
    status, said = ask("checkpoint", put("c", foreign), "--key", log.vkey)
    assert (status, said) == (1, "no: the key signed a checkpoint of another log: daybook/other\n")


def test_other_signatures_are_left_alone_and_a_bad_one_of_the_log_refuses(log: TinyLog, ask: Ask, put: Put) -> None:
    note = log.checkpoint().decode()
    witness = f"— witness.example {base64(b'wxyz' + bytes(72))}\n"
    same_name = f"— {ORIGIN} {base64(b'wxyz' + bytes(64))}\n"
    same_id = f"— other {base64(log.key_id + bytes(64))}\n"
    assert ask("checkpoint", put("c", note + witness + same_name + same_id), "--key", log.vkey)[0] == 0
    bad = f"— {ORIGIN} {base64(log.key_id + bytes(64))}\n"
    assert ask("checkpoint", put("c", note + bad), "--key", log.vkey)[0] == 1
    assert ask("checkpoint", put("c", note + witness * 63), "--key", log.vkey)[0] == 0
    assert ask("checkpoint", put("c", note + witness * 64), "--key", log.vkey)[0] == 1


@pytest.mark.parametrize("old", range(8))
def test_consistency(old: int, log: TinyLog, ask: Ask, put: Put) -> None:
    before, file = put("old", log.checkpoint(old)), put("new", log.consistency(old))
    status, said = ask("consistency", before, file, "--key", log.vkey)
    assert status == 0
    assert said == (
        f"yes: the log {ORIGIN} at 7 entries begins with all {old} that it had before: none was changed, removed or "
        "moved\n"
    )
    if 0 < old < 7:
        other = TinyLog()
        other.seal("changed", *log.entries[1:])
        assert ask("consistency", put("other", other.checkpoint(old)), file, "--key", log.vkey)[0] == 1
        assert ask("consistency", before, put("other", other.consistency(old)), "--key", log.vkey)[0] == 1


def test_two_logs_of_one_size_are_found(log: TinyLog, ask: Ask, put: Put) -> None:
    other = TinyLog()
    other.seal("changed", *log.entries[1:])
    status, said = ask("consistency", put("old", other.checkpoint()), put("new", log.consistency(7)), "--key", log.vkey)
    assert status == 1
    assert "two logs were shown under one name" in said


@pytest.mark.parametrize("old", [0, 7])
def test_consistency_that_needs_no_hashes_has_none(old: int, log: TinyLog, ask: Ask, put: Put) -> None:
    file = put("new", log.consistency(old).replace(b"\n\n", f"\n{base64(bytes(32))}\n\n".encode(), 1))
    status, said = ask("consistency", put("old", log.checkpoint(old)), file, "--key", log.vkey)
    assert (status, said) == (1, "no: the proof has hashes where none are needed\n")


def test_a_log_that_became_shorter_is_found(log: TinyLog, ask: Ask, put: Put) -> None:
    file = put("new", b"old 7\n\n" + log.checkpoint(5))
    assert "never gets shorter" in ask("consistency", put("old", log.checkpoint(7)), file, "--key", log.vkey)[1]


def test_consistency_from_another_size_than_the_old_checkpoints(log: TinyLog, ask: Ask, put: Put) -> None:
    before, file = put("old", log.checkpoint(3)), put("new", log.consistency(5))
    assert "begins at 5" in ask("consistency", before, file, "--key", log.vkey)[1]
    assert ask(file, "--key", log.vkey)[0] == 2  # nothing to hold it against


def test_consistency_of_two_logs_with_the_same_entries(log: TinyLog) -> None:
    """Both keys are known: each checkpoint is genuine, and of a log of its own."""
    other = TinyLog(list(log.entries), list(log.sealed), origin=f"{log.origin}2")
    with pytest.raises(tool.No, match="of two logs"):
        tool.open_consistency(log.checkpoint(3), other.consistency(3), [tool.Key(log.vkey), tool.Key(other.vkey)])


def test_an_entry_that_was_sealed_late_has_a_number_beyond_what_was_signed_before(
    log: TinyLog, ask: Ask, put: Put
) -> None:
    """Who kept the checkpoint of the time of its booking sees it: the entry was not among those."""
    kept = log.checkpoint()
    late = rows(1, "22222222-6c1f-4a8e-9d57-0d3f6f6f2f10")[0]
    log.seal(entry(late))
    size = tool.open_checkpoint(kept, [tool.Key(log.vkey)]).size
    file = put("p", log.proof(7))
    status, said = ask(file, "--key", log.vkey)
    assert (status, f"as number {size}: {entry(late)}" in said) == (0, True)
    old = file.read_bytes().partition(b"\n\n")[0] + b"\n\n" + kept
    assert "entry 7 cannot stand in a log of 7 entries" in ask(put("p", old), "--key", log.vkey)[1]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 8])
def test_an_index_that_is_not_below_the_size_is_refused(size: int) -> None:
    leaf = tool.leaf_hash(b"entry")
    for index in (size, size + 1, 2**62):
        with pytest.raises(tool.No, match="cannot stand in"):
            tool.check_inclusion(index, size, leaf, [], leaf)


def test_a_path_that_is_longer_than_the_way_to_the_root_is_refused() -> None:
    """Though its hashes lead to the root: a tree of that size is not so high."""
    one, other = tool.leaf_hash(b"one"), tool.leaf_hash(b"other")
    higher = tool.node_hash(other, one)
    with pytest.raises(tool.No, match="more hashes"):
        tool.check_inclusion(0, 1, one, [other], higher)
    with pytest.raises(tool.No, match="fewer hashes"):
        tool.check_inclusion(0, 2, higher, [], higher)
    tree = tool.node_hash(tool.node_hash(one, one), one)
    with pytest.raises(tool.No, match="more hashes"):
        tool.check_consistency(2, tool.node_hash(one, one), 3, tool.node_hash(other, tree), [one, other])
    with pytest.raises(tool.No, match="fewer hashes"):
        tool.check_consistency(2, higher, 4, higher, [])
    with pytest.raises(tool.No, match="no hashes"):
        tool.check_consistency(3, higher, 4, higher, [])


def test_a_whole_history(log: TinyLog, ask: Ask, put: Put, tmp_path: Path) -> None:
    file = put("h.daybook-rows", rows_file(log, CHAIN))
    status, said = ask(file, "--key", log.vkey)
    assert status == 0
    assert said.startswith(
        f"yes: the rows of versions 1 to 5 of account {ACCOUNT} follow one another, and the last is the one that the "
        f"log {ORIGIN} holds at 7 entries\nNot shown: whether it holds the others as they are here, whether there"
    )
    status, said = ask("rows", file, "--key", log.vkey, "--log", log.write(tmp_path / "log"))
    assert status == 0
    assert said == (
        f"yes: the rows of versions 1 to 5 of account {ACCOUNT} are those that the log {ORIGIN} holds at 7 entries, "
        "and it holds no later version\n"
        "Not shown: what was sealed after that; log with --kept finds a copy that is kept old.\n"
    )


def test_rows_written_anew_before_the_last_one_was_sealed(ask: Ask, put: Put, tmp_path: Path) -> None:
    """The chain leads to the last row, and the log has other hashes for the earlier ones: the words say no more."""
    log, again = TinyLog(), rows(5, amount=7, after=CHAIN[:1])
    log.seal(*(entry(row) for row in CHAIN[:3]))
    log.seal(*(entry(row) for row in again[3:]))
    file = put("h", rows_file(log, again))
    status, said = ask("rows", file, "--key", log.vkey)
    assert (status, "are those" in said, "Not shown: whether it holds the others" in said) == (0, False, True)
    status, said = ask("rows", file, "--key", log.vkey, "--log", log.write(tmp_path / "log"))
    assert (status, said) == (1, f"no: the log holds another hash for version 2: {CHAIN[1]['hash']}\n")


def test_one_row_with_the_hash_before_it(log: TinyLog, ask: Ask, put: Put) -> None:
    bundle = rows_file(log, CHAIN[2:3], previous=str(CHAIN[1]["hash"]))
    status, said = ask(put("b", bundle), "--key", log.vkey)
    assert (status, said.partition(" of account")[0]) == (0, "yes: the row of version 3")
    wrong = rows_file(log, CHAIN[2:3], previous=str(CHAIN[0]["hash"]))
    assert "not the hash that follows" in ask(put("b", wrong), "--key", log.vkey)[1]


def test_rows_that_end_before_the_head_are_found_with_the_log(log: TinyLog, ask: Ask, put: Put, tmp_path: Path) -> None:
    folder = log.write(tmp_path / "log")
    cut = put("h", rows_file(log, CHAIN[:4]))
    assert ask("rows", cut, "--key", log.vkey)[0] == 0
    status, said = ask("rows", cut, "--key", log.vkey, "--log", folder)
    assert (status, said) == (1, "no: the log holds version 5 of this account, and the rows end at version 4\n")


def test_what_a_restore_revoked_does_not_stand(log: TinyLog, ask: Ask, put: Put, tmp_path: Path) -> None:
    before = put("before", rows_file(log, CHAIN))
    again = rows(4, amount=7, after=CHAIN[:3])
    log.seal(f"{ACCOUNT}/restored/1 3 2026-11-28T09:30:00.000Z", entry(again[3]))
    after = put("after", rows_file(log, again))
    folder = log.write(tmp_path / "log")
    assert ask("rows", after, "--key", log.vkey, "--log", folder)[0] == 0
    status, said = ask("rows", before, "--key", log.vkey, "--log", folder)
    assert (status, said) == (1, f"no: the log holds another hash for version 4: {again[3]['hash']}\n")


def test_a_log_that_leaves_out_a_version_of_the_account(ask: Ask, put: Put, tmp_path: Path) -> None:
    log = TinyLog()
    log.seal(*(entry(row) for row in (*CHAIN[:2], *CHAIN[3:])))
    file = put("h", rows_file(log, CHAIN))
    status, said = ask("rows", file, "--key", log.vkey, "--log", log.write(tmp_path / "log"))
    assert (status, said) == (1, "no: the log has version 4 of the account after 2 others\n")


def test_a_copy_that_is_older_than_the_proof(log: TinyLog, ask: Ask, put: Put, tmp_path: Path) -> None:
    folder = log.write(tmp_path / "log")
    log.seal(*(entry(row) for row in rows(1, "22222222-6c1f-4a8e-9d57-0d3f6f6f2f10")))
    status, said = ask("rows", put("h", rows_file(log, CHAIN)), "--key", log.vkey, "--log", folder)
    assert (status, "an older copy, or it was cut" in said) == (1, True)


def test_a_row_that_was_revoked_and_not_followed(log: TinyLog, ask: Ask, put: Put, tmp_path: Path) -> None:
    file = put("h", rows_file(log, CHAIN))
    log.seal(f"{ACCOUNT}/restored/1 3 2026-11-28T09:30:00.000Z")
    status, said = ask("rows", file, "--key", log.vkey, "--log", log.write(tmp_path / "log"))
    assert (status, said) == (1, "no: the row of version 4 does not stand in the log any more: a restore revoked it\n")


def planted(**changes: Any) -> list[dict[str, str | int | None]]:
    """The history with the row of version 3 changed."""
    found = [dict(row) for row in CHAIN]
    found[2] |= changes
    return found


@pytest.mark.parametrize(
    ("some", "sentence"),
    [
        (planted(data='{"amount":1}'), "version 3 has not the hash that follows"),
        (planted(metadata="{}"), "version 3 has not the hash that follows"),
        (planted(recorded_at="2026-11-27T10:00:03.002Z"), "version 3 has not the hash that follows"),
        (planted(type="BalanceWithdrawn"), "version 3 has not the hash that follows"),
        (planted(schema=2), "version 3 has not the hash that follows"),
        (planted(state="{}", state_schema=1), "version 3 has not the hash that follows"),
        (planted(state="{}"), "half a snapshot"),
        (planted(stream_id=OTHER), "version 3 is one of another account"),
        (planted(version=4), "version 4 stands after that of version 2"),
        (planted(version=2), "version 2 stands after that of version 2"),
        (planted(version=True), "version is not what it must be"),
        (planted(version="3"), "version is not what it must be"),
        (planted(version=-3), "version is not what it must be"),
        (planted(version=3.0), "version is not what it must be"),
        (planted(version=10**400), "version is not what it must be"),
        (planted(schema=None), "schema is not what it must be"),
        (planted(data=None), "data is not what it must be"),
        (planted(hash=None), "hash is not what it must be"),
        (planted(hash="A" * 42 + "B="), "no Base64"),
        (planted(hash="AAAA"), "no SHA-256 hash"),
        (planted(more=1), "not exactly the fields"),
        ([*CHAIN[:2], dict(reversed(CHAIN[2].items())), *CHAIN[3:]], "not exactly the fields"),
        (CHAIN[:4], "the rows end at version 4, and the proof is of version 5"),
        ([*CHAIN, CHAIN[-1]], "something stands after the row of version 5"),
        ([CHAIN[0], *CHAIN[2:]], "version 3 stands after that of version 1"),
        ([CHAIN[0], CHAIN[2], CHAIN[1], *CHAIN[3:]], "version 3 stands after that of version 1"),
        (CHAIN[1:], "version 2 has not the hash that follows"),
        (rows(6)[5:], "does not lead to version 5"),
        (rows(5, amount=1), "the log holds another hash for version 5"),
        (rows(5, OTHER), "of another account"),
    ],
)
def test_rows_that_are_not_those_of_the_log(
    some: list[dict[str, str | int | None]], sentence: str, log: TinyLog, ask: Ask, put: Put
) -> None:
    head = rows_file(log, CHAIN).splitlines()[0].decode()
    lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in some)
    status, said = ask(put("h", "\n".join([head, *lines, ""])), "--key", log.vkey)
    assert status == 1
    assert sentence in said


def test_the_head_of_rows_is_held_against_its_proof(log: TinyLog, ask: Ask, put: Put) -> None:
    lines = rows_file(log, CHAIN).splitlines(keepends=True)
    head = json.loads(lines[0])
    for change, sentence in [
        ({"account_id": OTHER}, "of another account than the rows"),
        ({"format": "daybook-rows/v2"}, "does not begin as rows"),
        ({"previous": CHAIN[0]["hash"]}, "32 zero bytes"),
        ({"proof": log.proof(4).decode()}, "of another account than the rows"),
        ({"proof": log.proof(6, extra=False).decode()}, "does not carry its entry"),
        ({"proof": log.proof(5).decode()}, "holds another hash for version 4|something stands after"),
    ]:
        edited = json.dumps(head | change, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        status, said = ask(put("h", edited + b"".join(lines[1:])), "--key", log.vkey)
        assert status == 1
        assert any(each in said for each in sentence.split("|")), said


def test_a_kept_checkpoint_may_have_empty_lines_around_it(log: TinyLog, ask: Ask, put: Put) -> None:
    """As the topic's messages may lie in the bucket of another account: each with a line break behind it."""
    kept, proof = put("kept", b"\n" + log.checkpoint(5) + b"\n"), put("new", log.consistency(5))
    assert ask("checkpoint", kept, "--key", log.vkey)[0] == 0
    assert ask("consistency", kept, proof, "--key", log.vkey)[0] == 0
    several = put("several", log.checkpoint(3) + log.checkpoint(5))
    for words in (["checkpoint", several], ["consistency", several, proof]):
        status, said = ask(*words, "--key", log.vkey)
        assert (status, "holds 2 checkpoints: log with --kept takes all" in said) == (2, True)


def test_what_can_be_read_once_is_not_guessed(log: TinyLog, ask: Ask, tmp_path: Path) -> None:
    """Its first bytes would be missing from what is checked: a `no` of a proof that is right."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    status, said = ask(pipe, "--key", log.vkey)
    assert (status, "proof, rows or checkpoint must stand before it" in said) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--key", "KEY"],
        ["proof", "FILE"],
        ["proof", "FILE", "--key"],
        ["proof", "FILE", "--key", ""],
        ["proof", "--key", "KEY"],
        ["proof", "FILE", "FILE", "--key", "KEY"],
        ["proof", "FILE", "--key", "KEY", "--log", "."],
        ["proof", "FILE", "--key", "KEY", "--key", "KEY"],
        ["proof", "FILE", "--keys", "KEY"],
        ["proof", "nowhere", "--key", "KEY"],
        ["proof", ".", "--key", "KEY"],
        ["nothing", "FILE", "--key", "KEY"],
        ["consistency", "FILE", "--key", "KEY"],
        ["consistency", "FILE", "nowhere", "--key", "KEY"],
        ["rows", "nowhere", "--key", "KEY"],
        ["log", "nowhere", "--key", "KEY"],
        ["nowhere", "--key", "KEY"],
        ["FILE", "--key", "nowhere"],
        ["FILE", "--key", "FILE"],
        ["FILE", "--key", "a+b+c"],
        ["FILE", "--key", f"{ORIGIN}+00000000+AQ=="],
    ],
)
def test_what_cannot_be_asked_is_2(arguments: list[str], log: TinyLog, ask: Ask, put: Put) -> None:
    values = {"FILE": str(put("p", log.checkpoint())), "KEY": log.vkey}
    status, said = ask(*(values.get(each, each) for each in arguments))
    assert status == 2
    assert "verify_proof.py FILE|DIR --key KEY" in said


def test_a_verifier_key_that_does_not_fit_is_refused(log: TinyLog, ask: Ask, put: Put) -> None:
    name, identity, encoded = log.vkey.split("+", 2)
    file = put("c", log.checkpoint())
    ecdsa = base64(b"\2" + log.public_key)
    for key in (f"{name}x+{identity}+{encoded}", f"{name}+{identity.upper()}0+{encoded}", f"{name}+{identity}+{ecdsa}"):
        assert ask(file, "--key", key)[0] == 2


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(["--help"]) == 0
    assert capsys.readouterr().out == tool.USAGE


@pytest.mark.parametrize("text", ["a/0 ", "a/01 ", "/1 ", "a b/1 ", "a\n/1 ", "a/1", "a/restored/1 ", "a/-1 "])
def test_an_entry_that_is_none_of_a_row(text: str) -> None:
    with pytest.raises(tool.No):
        tool.row_leaf(f"{text}{base64(bytes(32))}".encode())
