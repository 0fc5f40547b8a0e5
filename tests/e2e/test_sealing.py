"""The deployed sealer on the emulator: what it leaves in bucket and index is a log that others' tools take for one.

The places of the log show the same behaviours here as in memory, and the key signs what `cryptography` verifies.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aics_tlog
import pytest

from lambdas.transparency.checkpoint import Checkpoint, open_checkpoint
from lambdas.transparency.dynamodb_index import DynamoDBLogIndex
from lambdas.transparency.index import LogIndex
from lambdas.transparency.kms_signer import ALGORITHM, KEY_SPEC, KMSSigner
from lambdas.transparency.leaves import RowLeaf, decode_leaf
from lambdas.transparency.log_store import CHECKPOINT, LogStore
from lambdas.transparency.note import parse_vkey
from lambdas.transparency.proving import Prover
from lambdas.transparency.s3_store import S3LogStore
from lambdas.transparency.tiles import NOTE_TYPE, TILE_TYPE
from local.emulator import aws
from local.example.client import Client
from local.example.history import session, wait_for
from local.machine.environment import Environment
from tests.store import test_log_index as index_suite
from tests.store import test_log_store as store_suite
from tests.support.backends import NO_WAITING
from tests.support.log_places import create_bucket, create_index_table, index_on
from tests.support.log_signer import verifies

pytestmark = pytest.mark.alone

EVENTS = 5


@dataclass(frozen=True)
class Deployed:
    """The log of the deployed system, with clients of the emulator."""

    environment: Environment
    bucket: str
    table: str
    key: str
    sealer: str

    @property
    def store(self) -> LogStore:
        return S3LogStore(aws.client(self.environment, "s3"), self.bucket)

    @property
    def index(self) -> LogIndex:
        return DynamoDBLogIndex(aws.client(self.environment, "dynamodb"), self.table)

    @property
    def signer(self) -> KMSSigner:
        return KMSSigner(aws.client(self.environment, "kms"), self.key)

    def seal(self, **event: Any) -> dict[str, Any]:
        """Invoke the deployed function."""
        answer = aws.client(self.environment, "lambda").invoke(
            FunctionName=self.sealer, Qualifier="live", Payload=json.dumps(event)
        )
        content = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, content
        assert isinstance(content, dict)
        return content

    def opened(self) -> Checkpoint:
        """The newest checkpoint, verified."""
        stored = self.store.get(CHECKPOINT)
        assert stored is not None
        key = parse_vkey(self.seal()["vkey"])
        return open_checkpoint(stored.content, key, verifies)

    def items(self) -> list[dict[str, Any]]:
        """All items of the index, in order."""
        pages = aws.client(self.environment, "dynamodb").get_paginator("scan").paginate(TableName=self.table)
        found = [item for page in pages for item in page["Items"]]
        return sorted(found, key=lambda item: (item["account_id"]["S"], int(item["first_version"]["N"])))


def outputs(environment: Environment, stack: str) -> dict[str, str]:
    (found,) = aws.client(environment, "cloudformation").describe_stacks(StackName=f"Daybook-local-{stack}")["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}


@pytest.fixture(scope="module")
def log(environment: Environment) -> Deployed:
    log, sealing = outputs(environment, "Transparency"), outputs(environment, "Sealing")
    return Deployed(
        environment, log["LogBucketName"], log["LogIndexTableName"], log["LogKeyArn"], sealing["SealerName"]
    )


@pytest.fixture(scope="module")
def account(log: Deployed) -> str:
    """An account with some events, all of them sealed."""
    return booked(log, EVENTS)


def booked(log: Deployed, events: int) -> str:
    """A new account with events that are in the lake, and sealed."""
    client = Client(log.environment)
    account_id = str(client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"])
    for _ in range(events - 1):
        client.post(f"/accounts/{account_id}/credit", {"amount": 100}, expected=200)
    client.close()
    wait_for(session(log.environment), account_id, events)
    assert log.seal()["complete"]
    return account_id


def test_every_event_has_a_proof(log: Deployed, account: str) -> None:
    prover = Prover(log.store, log.index)
    head = prover.head(account)
    assert head is not None
    assert head.version == EVENTS
    newest = log.opened()
    for version in range(1, EVENTS + 1):
        proof = prover.proof(account, version)
        leaf = decode_leaf(proof.extra)
        assert isinstance(leaf, RowLeaf)
        assert (leaf.account_id, leaf.version, leaf.hash) == (account, version, row_hash(log, account, version))
        assert aics_tlog.verify_leaf_inclusion(proof.extra, proof.index, newest.size, list(proof.hashes), newest.root)


def row_hash(log: Deployed, account_id: str, version: int) -> bytes:
    """The hash of the row in the event table."""
    key = {"stream_id": {"S": account_id}, "version": {"N": str(version)}}
    client = aws.client(log.environment, "dynamodb")
    return bytes(client.get_item(TableName=log.environment.event_table, Key=key)["Item"]["hash"]["B"])


def test_copy_of_the_bucket_is_a_log(log: Deployed, account: str, tmp_path: Path) -> None:
    copied = copy_to(log, tmp_path)
    newest = log.opened()
    reader = aics_tlog.FileSystemTileReader(tmp_path)
    place = Prover(log.store, log.index).proof(account, 1).index

    aics_tlog.audit_tiles(reader, newest.size, newest.root)

    assert aics_tlog.read_entry(reader, place, newest.size).startswith(f"{account}/1 ".encode())
    theirs = aics_tlog.parse_vkey(log.seal()["vkey"])
    note = aics_tlog.parse_note((tmp_path / CHECKPOINT).read_bytes())
    assert aics_tlog.verify_checkpoint(note, theirs, expected_origin=newest.origin).ok
    assert newest.origin.startswith("daybook/local/000000000000/")
    for name, content_type in copied.items():
        assert content_type == (TILE_TYPE if name.startswith("tile/") else NOTE_TYPE), name


def copy_to(log: Deployed, folder: Path) -> dict[str, str]:
    """A plain copy, as `aws s3 sync` makes it; the content type of each object by its name."""
    client, types = aws.client(log.environment, "s3"), {}
    for name in log.store.names(""):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        stored = client.get_object(Bucket=log.bucket, Key=name)
        path.write_bytes(stored["Body"].read())
        types[name] = stored["ContentType"]
    return types


def test_nothing_new_makes_no_seal(log: Deployed, account: str) -> None:
    before = log.seal()

    after = log.seal()

    assert (after["seals"], after["leaves"]) == ([], 0)
    assert [after[each] for each in ("size", "root", "checkpoint", "vkey")] == [
        before[each] for each in ("size", "root", "checkpoint", "vkey")
    ]


def test_sealers_at_the_same_time_seal_everything_once(log: Deployed, account: str, tmp_path: Path) -> None:
    client = Client(log.environment)
    accounts = [str(client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"]) for _ in range(20)]
    client.close()
    ask = session(log.environment)
    for each in accounts:
        wait_for(ask, each, 1)

    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda _: log.seal(), range(3)))

    assert all(each["complete"] for each in answers)
    entries = [entry for entry in all_entries(log, tmp_path) if entry.partition("/")[0] in accounts]
    assert sorted(entry.partition(" ")[0] for entry in entries) == sorted(f"{each}/1" for each in accounts)


def all_entries(log: Deployed, folder: Path) -> Iterator[str]:
    copy_to(log, folder)
    size = log.opened().size
    reader = aics_tlog.FileSystemTileReader(folder)
    return (aics_tlog.read_entry(reader, place, size).decode() for place in range(size))


def test_index_that_was_lost_is_made_again(log: Deployed, account: str) -> None:
    before = log.items()
    client = aws.client(log.environment, "dynamodb")
    for item in before[::2]:
        key = {name: item[name] for name in ("account_id", "first_version")}
        client.delete_item(TableName=log.table, Key=key)
    assert log.items() != before

    log.seal(rebuild_index=True)

    assert log.items() == before
    assert Prover(log.store, log.index).proof(account, EVENTS)


def test_what_was_recorded_later_waits_for_the_next_seal(log: Deployed, account: str) -> None:
    answer = log.seal(through="2026-01-01T00:00:00.000Z")

    assert (answer["seals"], answer["leaves"]) == ([], 0)


def test_deployed_key_signs_as_others_verify(log: Deployed) -> None:
    signer, message = log.signer, b"message" * 500

    signature = signer.sign(message)

    assert verifies(signer.public_key(), signature, message)
    assert not verifies(signer.public_key(), signature, message + b".")
    assert signer.sign(message) == signature, "one size, one checkpoint"


def test_any_new_key_of_this_kind_signs(environment: Environment) -> None:
    client = aws.client(environment, "kms")
    made = client.create_key(KeySpec=KEY_SPEC, KeyUsage="SIGN_VERIFY")["KeyMetadata"]

    signer = KMSSigner(client, made["KeyId"])

    assert ALGORITHM in made["SigningAlgorithms"]
    assert verifies(signer.public_key(), signer.sign(b"message"), b"message")


@pytest.fixture
def new_store(environment: Environment) -> Callable[[], LogStore]:
    client = aws.client(environment, "s3")
    return lambda: S3LogStore(client, create_bucket(client), backoff=NO_WAITING)


@pytest.mark.parametrize(
    "behaviour",
    [
        store_suite.test_what_is_not_there,
        store_suite.test_what_is_there_stays,
        store_suite.test_one_of_many_adds_wins,
        store_suite.test_replacing_goes_by_tag,
        store_suite.test_replacing_none_is_adding,
        store_suite.test_names_come_in_order_and_after_another,
    ],
)
def test_bucket_of_the_emulator(new_store: Callable[[], LogStore], behaviour: Callable[[LogStore], None]) -> None:
    behaviour(new_store())


@pytest.mark.parametrize(
    "behaviour",
    [
        index_suite.test_index_of_a_new_log_is_empty,
        index_suite.test_runs_and_heads,
        index_suite.test_heads_of_many_accounts,
        index_suite.test_seal_that_comes_again_changes_nothing,
        index_suite.test_account_that_a_later_seal_has_changed_is_left_as_it_is,
        index_suite.test_restore_takes_away_what_came_after,
        index_suite.test_restore_of_an_old_seal_takes_nothing_away,
        index_suite.test_index_that_is_forgotten_is_made_again,
        index_suite.test_progress_goes_on_by_one_seal_and_never_back,
    ],
)
def test_table_of_the_emulator(environment: Environment, behaviour: Callable[[LogIndex], None]) -> None:
    client = aws.client(environment, "dynamodb")
    table = create_index_table(client)
    try:
        behaviour(index_on(client, table))
    finally:
        client.delete_table(TableName=table)
