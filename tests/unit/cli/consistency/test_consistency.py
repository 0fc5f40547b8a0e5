"""`daybook consistency`: what it compares, what it says and writes, and how it exits."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from cli.aws import AWS
from cli.environments.log import Log
from cli.environments.place import Place
from lambdas.transparency.checkpoint import of_note
from lambdas.transparency.consistency import decode
from lambdas.transparency.errors import LogUnavailableError
from lambdas.transparency.leaves import RowLeaf
from lambdas.transparency.log_store import CHECKPOINT
from lambdas.transparency.memory import MemoryLogStore
from lambdas.transparency.proofs import verify_consistency
from tests.support.envelopes import printed
from tests.support.sealed_log import SealedLog
from tests.support.workloads import accounts

ACCOUNTS = sorted(accounts(300))


class Logs(AWS):
    """One log, wherever it is."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def transparency_log(self, place: Place) -> Log:
        return self._log


def leaves(first: int, last: int, *, byte: int = 7) -> list[RowLeaf]:
    return [RowLeaf(each, 1, bytes([byte]) * 32) for each in ACCOUNTS[first:last]]


def sealed(*, byte: int = 7, **more: Any) -> tuple[SealedLog, list[bytes]]:
    """Seals of 5, 265 and 5 entries."""
    log = SealedLog(**more)
    return log, [log.seal(leaves(0, 5, byte=byte)), log.seal(leaves(5, 270)), log.seal(leaves(270, 275))]


def run(log: SealedLog, *words: str | int | Path) -> int:
    return main(["consistency", *map(str, words), "--env", "dev"], connections=Logs(log.log))


@pytest.fixture
def log() -> SealedLog:
    return sealed()[0]


@pytest.fixture
def old(log: SealedLog, tmp_path: Path) -> Path:
    """The first checkpoint, as somebody kept it."""
    path = tmp_path / "kept.checkpoint"
    path.write_bytes(log.store.get("checkpoints/00000000").content)  # type: ignore[union-attr]
    return path


def test_a_kept_checkpoint_and_the_newest(log: SealedLog, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(log, old) == 0
    assert capsys.readouterr().out == (
        f"Nothing of the log's first 5 entries was changed, removed or moved between the checkpoint in {old} and its "
        "newest checkpoint (275 entries).\n"
    )


def test_a_kept_checkpoint_may_end_with_empty_lines(
    log: SealedLog, old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the topic's messages may lie in a bucket. The proof of it holds the newest one as it is."""
    kept, path = tmp_path / "object", tmp_path / "proof"
    kept.write_bytes(old.read_bytes() + b"\n\n")
    assert run(log, kept, kept, "--out", path) == 0
    assert decode(path.read_bytes()).checkpoint == old.read_bytes()


def test_the_proof_is_a_file_that_leads_from_one_root_to_the_other(
    log: SealedLog, old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "proof.tlog-consistency"
    assert run(log, old, "--out", path, "--json") == 0
    proof = decode(path.read_bytes())
    before, now = of_note(old.read_bytes()), of_note(proof.checkpoint)
    verify_consistency(before.size, before.root, now.size, now.root, proof.hashes)
    assert (proof.old_size, now.size) == (5, 275)
    data = printed("consistency", capsys)["data"]
    said = data.pop("said")
    assert said.startswith("Nothing of the log's first 5 entries was changed")
    assert data == {
        "consistent": True, "origin": log.origin, "old_size": 5, "old_root": b64encode(before.root).decode(),
        "new_size": 275, "new_root": b64encode(now.root).decode(), "hashes": len(proof.hashes), "file": str(path),
    }  # fmt: skip


def test_sizes(log: SealedLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "proof"
    assert run(log, 5, 270, "--out", path) == 0
    assert "between its checkpoint of 5 and its checkpoint of 270 (270 entries)" in capsys.readouterr().out
    assert of_note(decode(path.read_bytes()).checkpoint).size == 270
    assert run(log, 275) == 0


def test_a_size_of_no_checkpoint(log: SealedLog, capsys: pytest.CaptureFixture[str]) -> None:
    for size, near in ((1, "5"), (6, "5 and 270"), (276, "275")):
        assert run(log, size) == 2
        assert f"No checkpoint says {size} entr" in (said := capsys.readouterr().err)
        assert said.endswith(f"the nearest is of {near}.\n")


def test_a_log_that_was_rewritten(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is in itself without a fault: only the kept checkpoint shows it."""
    forged, _ = sealed(byte=8)
    assert run(forged, 5) == 0
    path = tmp_path / "proof"
    capsys.readouterr()
    assert run(forged, old, "--out", path, "--json") == 1
    document = printed("consistency", capsys)
    assert document["data"]["consistent"] is False
    assert document["problem"]["detail"] == document["data"]["said"]
    assert document["data"]["said"].startswith(
        f"The log was rewritten: its first 5 entries are not those of the checkpoint in {old}, whose root is "
    )
    assert not path.exists()


def test_one_size_and_two_roots(log: SealedLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.checkpoint"
    other.write_bytes(sealed(byte=8)[1][-1])
    assert run(log, other) == 1
    assert "The log was rewritten: its first 275 entries are not those" in capsys.readouterr().out


def test_a_log_that_became_shorter(log: SealedLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(log.store.get(CHECKPOINT).content)  # type: ignore[union-attr]
    shorter = SealedLog()
    shorter.seal(leaves(0, 5))
    assert run(shorter, kept) == 1
    assert capsys.readouterr().out == "The log was rewritten: it had 275 entries and has 5.\n"


def test_a_log_that_was_begun_anew(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    anew, _ = sealed(origin="daybook/test/000000000000/eu-central-1/fedcba9876543210")
    assert run(anew, old) == 1
    assert "these are checkpoints of two logs" in capsys.readouterr().err


def test_tiles_that_are_not_those_of_the_checkpoint(
    log: SealedLog, old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "tile/0/000"
    content = bytearray(log.store.get(name).content)  # type: ignore[union-attr]
    content[0] ^= 1
    log.store.put(name, bytes(content))
    assert run(log, old) == 1
    assert "the log's tiles and entries do not lead to its checkpoint" in (said := capsys.readouterr().err)
    assert "rewritten" not in said
    log.store.remove(name)
    assert run(log, old) == 1
    assert "tile/0/000 is missing" in capsys.readouterr().err


def test_a_checkpoint_that_another_key_signed(
    log: SealedLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(sealed(seed=2)[1][0])
    assert run(log, kept) == 1
    assert f"{kept} is no checkpoint of this log: the note is not signed by {log.origin}" in capsys.readouterr().err
    other, _ = sealed(seed=2)
    kept.write_bytes(log.store.get("checkpoints/00000000").content)  # type: ignore[union-attr]
    assert run(other, kept) == 1


def test_a_signature_that_is_wrong(log: SealedLog, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old.write_bytes(old.read_bytes().replace(b"\n5\n", b"\n6\n"))
    assert run(log, old) == 1
    assert "is no checkpoint of this log: the signature of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "holds no checkpoint"), (b"\xff", "holds no checkpoint"), (None, "cannot be read: No such file")],
)
def test_a_file_that_holds_none(
    content: bytes | None, complaint: str, log: SealedLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert run(log, path) == 2
    assert complaint in capsys.readouterr().err


def test_the_newer_one_first(log: SealedLog, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(log, 270, 5) == 2
    assert "give the older one first" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["5", "kept"])
def test_before_the_first_seal(given: str, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(SealedLog(), old if given == "kept" else given) == 1
    assert "Nothing is sealed yet" in capsys.readouterr().err


def test_an_empty_log_is_the_beginning_of_any(capsys: pytest.CaptureFixture[str]) -> None:
    log = SealedLog()
    log.seal([])
    log.seal(leaves(0, 5))
    assert run(log, 0) == 0
    assert "first 0 entries" in capsys.readouterr().out


def test_a_bucket_that_does_not_answer(log: SealedLog, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Silent(MemoryLogStore):
        def get(self, name: str) -> Any:
            raise LogUnavailableError("the bucket does not answer")

    log.store = Silent()
    assert run(log, old) == 3
    assert capsys.readouterr().err == "daybook consistency: the bucket does not answer.\n"


def test_a_folder_that_does_not_exist(log: SealedLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(log, 5, "--out", tmp_path / "nowhere" / "proof") == 1
    assert "cannot be written: No such file or directory." in capsys.readouterr().err
