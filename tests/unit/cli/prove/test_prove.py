"""`daybook prove`: the files it writes, what it refuses to write, and how it exits."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from msgspec.structs import replace

from cli.app import main
from cli.aws import AWS
from cli.environments.ledger import Ledger
from cli.environments.log import Log
from cli.environments.place import Place
from lambdas.eventsourcing.chain import GENESIS, chain_hash, row_hash
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore
from lambdas.transparency.checkpoint import open_checkpoint
from lambdas.transparency.errors import LogUnavailableError
from lambdas.transparency.hashing import leaf_hash
from lambdas.transparency.index import Head
from lambdas.transparency.leaves import RestoredLeaf, RowLeaf
from lambdas.transparency.note import parse_vkey
from lambdas.transparency.proofs import verify_inclusion
from lambdas.transparency.tlog_proof import TlogProof, decode
from stacks import environment
from tests.support.bank import Recorder, new_bank
from tests.support.clocks import TickingClock, Ticks
from tests.support.envelopes import printed
from tests.support.log_signer import verifies
from tests.support.recording import whole_history
from tests.support.sealed_log import SealedLog
from tests.support.workloads import accounts, credit, opening

A, B, NOBODY = sorted(accounts(3))
CHAINED = (
    "stream_id", "version", "commit_id", "type", "schema", "data", "metadata", "occurred_at", "recorded_at", "state",
    "state_schema",
)  # fmt: skip


class World(AWS):
    """One log and one event table, wherever they are."""

    def __init__(self) -> None:
        self.table, self.sealed = InMemoryEventStore(), SealedLog()
        self.bank, self.recorder = new_bank(self.table, TickingClock()), Recorder(Ticks())

    def transparency_log(self, place: Place) -> Log:
        return self.sealed.log

    def event_store(self, ledger: Ledger) -> EventStore:
        return self.table

    def fill(self, account: str, count: int) -> None:
        """Append events, the first of which opens the account."""
        before = len(whole_history(self.table, account))
        for number in range(before, before + count):
            order = credit(f"{account}-{number}", account, 100) if number else opening(account)
            self.recorder.send(self.bank, order)

    def seal(self, *accounts: str) -> None:
        """Seal what is new of accounts."""
        heads = self.sealed.index.heads(accounts)
        new = {each: heads[each].version if each in heads else 0 for each in accounts}
        rows = [row for each in accounts for row in whole_history(self.table, each)[new[each] :]]
        self.sealed.seal([RowLeaf(row.stream_id, row.version, row.hash) for row in rows])

    def rewrite(self, account: str, version: int, *, to_the_end: bool = False) -> None:
        """Change a row's data, and compute the hashes anew from there on."""
        rows = self.table._streams[account]
        rows[version - 1] = replace(rows[version - 1], data=rows[version - 1].data.replace("100", "999"))
        if to_the_end:
            for at in range(version - 1, len(rows)):
                rows[at] = replace(rows[at], hash=row_hash(rows[at - 1].hash if at else GENESIS, rows[at]))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A with 612 events, of which 600 are in the log by two seals; B with 3, all sealed."""
    world = World()
    world.fill(A, 500)
    world.fill(B, 3)
    world.seal(A, B)
    world.fill(A, 100)
    world.seal(A)
    world.fill(A, 12)
    monkeypatch.chdir(tmp_path)
    return world


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "ledger", lambda self: Ledger("events"))


@pytest.fixture
def run(world: World, ledger: None) -> Callable[..., int]:
    return lambda *words: main(["prove", *map(str, words), "--env", "dev"], connections=world)


def checked(world: World, proof: TlogProof, account: str, version: int) -> bytes:
    """What a stranger checks of a proof; the hash that it proves."""
    checkpoint = open_checkpoint(proof.checkpoint, parse_vkey(world.sealed.key), verifies)
    verify_inclusion(leaf_hash(proof.extra), proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    place, _, hashed = proof.extra.decode().partition(" ")
    assert place == f"{account}/{version}"
    return b64decode(hashed)


def read_rows(world: World, path: Path, account: str) -> list[dict[str, Any]]:
    """What a stranger checks of a file of rows: the proof, and the chain to the row that it proves."""
    first, *rows = map(json.loads, path.read_text().splitlines())
    assert list(first) == ["format", "account_id", "previous", "proof"]
    assert (first["format"], first["account_id"]) == ("daybook-rows/v1", account)
    last = b64decode(first["previous"])
    for row in rows:
        assert list(row) == [*CHAINED, "hash"]
        last = chain_hash((last, *(row[name] for name in CHAINED)))
        assert b64decode(row["hash"]) == last
    assert checked(world, decode(first["proof"].encode()), account, rows[-1]["version"]) == last
    return rows


def test_the_proof_of_an_event(
    world: World, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(A, 7) == 0
    path = Path(f"{A}-7.tlog-proof")
    assert checked(world, decode(path.read_bytes()), A, 7) == whole_history(world.table, A)[6].hash
    assert capsys.readouterr().out.splitlines() == [
        f"Version 7 of {A} stands in the log as entry 6 of 603.",
        f"python3 tools/verify_proof.py proof {path} --key '{world.sealed.key}'",
        "checks it anywhere. Take the key from where you keep it, not from here.",
    ]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    beside = tmp_path / "beside"
    beside.touch()
    assert path.stat().st_mode == beside.stat().st_mode


def test_json(world: World, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "proof"
    assert run(A, 550, "--out", out, "--json") == 0
    checkpoint = open_checkpoint(decode(out.read_bytes()).checkpoint, parse_vkey(world.sealed.key), verifies)
    assert printed("prove", capsys)["data"] == {
        "kind": "event", "account_id": A, "version": 550, "leaf": 552, "size": 603, "origin": world.sealed.origin,
        "hash": b64encode(whole_history(world.table, A)[549].hash).decode(), "vkey": world.sealed.key,
        "root": b64encode(checkpoint.root).decode(), "file": str(out),
    }  # fmt: skip


@pytest.mark.parametrize("version", [1, 2, 500, 501, 600])
def test_a_row_with_its_proof(version: int, world: World, run: Callable[..., int]) -> None:
    assert run(A, version, "--bundle") == 0
    rows = read_rows(world, Path(f"{A}-{version}.daybook-rows"), A)
    stored: EventRow = whole_history(world.table, A)[version - 1]
    assert [(row["version"], row["data"], row["metadata"]) for row in rows] == [(version, stored.data, stored.metadata)]


def test_a_whole_history(
    world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(A, "--history") == 0
    path = Path(f"{A}-600.daybook-rows")
    rows = read_rows(world, path, A)
    assert [row["version"] for row in rows] == list(range(1, 601))
    assert f"All 600 rows of {A} that the log holds follow" in (said := capsys.readouterr().out)
    assert f"verify_proof.py rows {path} --key" in said
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("words", [("--history",), (550, "--bundle")])
@pytest.mark.parametrize("to_the_end", [False, True])
def test_an_edited_row_is_a_finding_and_nothing_is_written(
    words: tuple[object, ...], to_the_end: bool, world: World, run: Callable[..., int], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Of a history whose hashes were computed anew, too, the first bad version is named."""
    kept = tmp_path / "kept"
    kept.write_text("an earlier one")
    world.rewrite(A, 550, to_the_end=to_the_end)
    assert run(A, *words, "--out", kept) == 1
    assert f"Version 550 of {A} is not the row that was sealed" in capsys.readouterr().err
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("kept", "an earlier one")]


@pytest.mark.parametrize("left", [599, 400, 0])
def test_a_table_that_is_shorter_than_the_log(
    left: int, world: World, run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del world.table._streams[A][left:]
    assert run(A, "--history") == 1
    assert f"version {left + 1} of {A} is missing, and the log holds the account up to version 600" in (
        capsys.readouterr().err
    )
    assert list(tmp_path.iterdir()) == []


def test_a_head_in_the_index_that_is_not_that_of_the_log(
    world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    run_of_b = world.sealed.index.run_of(B, 3)
    assert run_of_b is not None
    world.sealed.index._runs[B] = {1: replace(run_of_b, first_leaf=run_of_b.first_leaf - 1)}
    assert run(B, 3) == 1
    assert "the index has to be made again" in capsys.readouterr().err


def test_what_is_not_sealed_yet(
    world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(A, 601) == 1
    assert capsys.readouterr().err == (
        f"daybook prove: Version 601 of {A} is not in the log yet: the log holds the account up to version 600. "
        "What has reached the lake is sealed every hour, or at once by `daybook seal`.\n"
    )
    world.fill(NOBODY, 1)
    for words in ((1,), ("--history",)):
        assert run(NOBODY, *words) == 1
        assert "is not in the log yet: it holds nothing of the account. What" in capsys.readouterr().err


def test_what_there_is_not(world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((A, 613), (NOBODY, 1), (NOBODY, "--history")):
        assert run(*words) == 1
        assert capsys.readouterr().err == f"daybook prove: There is no version {words[1]} of {words[0]}.\n".replace(
            "--history", "1"
        )


def test_what_a_restore_revoked(world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    del world.table._streams[A][550:]
    world.sealed.seal([RestoredLeaf(A, 2, 550, "2026-11-22T09:30:00.000Z")])
    assert run(A, 551) == 1
    assert capsys.readouterr().err == (
        f"daybook prove: There is no version 551 of {A}, neither in the event table nor in the log. The restore to "
        "generation 2 revoked versions of this account, and it may have been one of them.\n"
    )
    assert run(A, 550) == 0
    assert run(A, "--history") == 0
    assert len(read_rows(world, Path(f"{A}-550.daybook-rows"), A)) == 550
    world.sealed.index._heads[B] = Head(0, 603, bytes(32), 2, 2)
    world.table._streams[B].clear()
    assert run(B, "--history") == 1
    assert f"A restore (generation 2) revoked all of {B}." in capsys.readouterr().err


def test_an_index_that_lost_a_run(world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    world.sealed.index._runs[B].clear()
    assert run(B, 2) == 1
    assert "`daybook seal --rebuild-index` makes the index again" in capsys.readouterr().err


def test_before_the_first_seal(world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    world.sealed = SealedLog()
    for words in ((1,), ("--history",), (1, "--bundle")):
        assert run(A, *words) == 1
        assert capsys.readouterr().err == "daybook prove: Nothing is sealed yet: `daybook seal` begins the log.\n"


def test_a_checkpoint_of_another_key(world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    world.sealed.signer = SealedLog(seed=2).signer
    assert run(A, 1) == 1
    assert "the note is not signed by" in capsys.readouterr().err


def test_what_does_not_answer(world: World, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    class Silent:
        def read(self, *of: object, **query: object) -> NoReturn:
            raise ReadUnavailableError("no answer")

    world.table = Silent()  # type: ignore[assignment]
    for words in ((601,), (1, "--bundle"), ("--history",)):
        assert run(A, *words) == 3
        assert capsys.readouterr().err == "daybook prove: The event table does not answer: no answer.\n"

    def silent() -> NoReturn:
        raise LogUnavailableError("the key does not answer")

    world.sealed.signer.public_key = silent  # type: ignore[method-assign]
    assert run(A, 1) == 3


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((A,), "Give one of VERSION, --history."),
        ((A, 1, "--history"), "--history is not allowed with VERSION."),
        ((A, "--bundle", "--history"), "--history is not allowed with --bundle"),
        ((A, 0), "'0' is not a version"),
        (("x", 1), "is not a UUID"),
    ],
)
def test_wrong_usage(
    words: tuple[object, ...], complaint: str, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert complaint in capsys.readouterr().err


def test_where_nothing_is_scheduled(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    from cli.prove.asked import Asked  # noqa: PLC0415
    from cli.prove.missing import next_seal  # noqa: PLC0415

    here = Place(environment.LOCAL.name, Path("environment.json"))
    assert next_seal(Asked(here, A, None)).startswith("Here nothing is sealed by itself: `daybook seal")
