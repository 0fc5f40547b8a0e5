"""What the route of proofs answers while the log is behind, out of reach, or not what it must be."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.session import get_session

from lambdas.contracts.examples import ACCOUNT_ID
from lambdas.contracts.texts import TLOG_PROOF
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.transparency.checkpoint import of_note
from lambdas.transparency.deciding import Restore
from lambdas.transparency.errors import LogUnavailableError
from lambdas.transparency.hashing import leaf_hash
from lambdas.transparency.leaves import decode_leaf
from lambdas.transparency.log_store import CHECKPOINT
from lambdas.transparency.proofs import verify_inclusion
from lambdas.transparency.tiles import NOTE_TYPE
from lambdas.transparency.tlog_proof import TlogProof, decode
from tests.support.sealed_ledger import SealedLedger
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api
from tests.unit.httpapi.suite.proofs import proof_of


@pytest.fixture
def ledger() -> InMemoryEventStore:
    return InMemoryEventStore()


@pytest.fixture
def log(ledger: InMemoryEventStore) -> SealedLedger:
    return SealedLedger(ledger)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, ledger: InMemoryEventStore, log: SealedLedger) -> InProcessApi:
    return in_process_api(monkeypatch, store=ledger, sealed=log)


def leads_to_its_root(proof: TlogProof) -> bool:
    log = of_note(proof.checkpoint)
    verify_inclusion(leaf_hash(proof.extra), proof.index, log.size, proof.hashes, log.root)
    return True


def test_before_the_first_seal_and_before_the_next(api: InProcessApi, log: SealedLedger) -> None:
    log.still = True
    account_id = api.open()
    assert api.get(proof_of(account_id, 1)).problem == "event-not-in-log"
    log.seal()
    api.post(f"/accounts/{account_id}/credit", {"amount": 1})
    assert api.get(proof_of(account_id, 1)).status == 200
    assert api.get(proof_of(account_id, 2)).problem == "event-not-in-log"
    log.seal()
    assert api.get(proof_of(account_id, 2)).status == 200


def test_asked_again_it_leads_to_the_newest_checkpoint_and_the_old_file_stays_good(api: InProcessApi) -> None:
    account_id = api.open()
    old = decode(api.get(proof_of(account_id, 1)).body)
    api.open(balance=1)
    new = decode(api.get(proof_of(account_id, 1)).body)
    assert (of_note(old.checkpoint).size, of_note(new.checkpoint).size) == (1, 3)
    assert old.extra == new.extra
    assert leads_to_its_root(old)
    assert leads_to_its_root(new)


def test_what_a_restore_revoked_is_not_in_the_log(api: InProcessApi, log: SealedLedger) -> None:
    account_id = api.open(balance=5)
    assert api.get(proof_of(account_id, 2)).status == 200
    log.restores = [Restore(account_id, 1, 1, "2999-01-01T00:00:00.000Z")]
    assert api.get(proof_of(account_id, 2)).problem == "event-not-in-log"
    assert api.get(proof_of(account_id, 1)).status == 200


@pytest.mark.parametrize("part", ["store", "index"])
def test_a_log_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, api: InProcessApi, log: SealedLedger, part: str
) -> None:
    account_id = api.open()
    log.seal()
    log.still = True

    def away(*_: Any, **__: Any) -> NoReturn:
        raise LogUnavailableError("the bucket at https://nobody.example is away")

    method = {"store": "get", "index": "run_of"}[part]
    monkeypatch.setattr(getattr(log, part), method, away)
    answer = api.get(proof_of(account_id, 1))
    assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "log-unavailable", "1")
    assert b"nobody" not in answer.body
    monkeypatch.undo()


def test_a_log_that_is_not_what_it_must_be_is_proved_by_nothing(api: InProcessApi, log: SealedLedger) -> None:
    account_id = api.open()
    log.seal()
    log.still = True
    found = log.store.get(CHECKPOINT)
    assert found is not None
    assert log.store.replace(CHECKPOINT, found.content.replace(b"\n1\n", b"\n2\n"), NOTE_TYPE, tag=found.tag)
    answer = api.get(proof_of(account_id, 1))
    assert (answer.status, answer.problem) == (500, "internal-error")


def test_a_bad_request_asks_the_log_for_nothing(monkeypatch: pytest.MonkeyPatch, api: InProcessApi) -> None:
    monkeypatch.setattr(SealedLedger, "prover", lambda _: pytest.fail("the log was asked"))
    assert api.get(proof_of("x", 1)).status == 400
    assert api.get(proof_of(ACCOUNT_ID, 0)).status == 400
    assert api.get(proof_of(ACCOUNT_ID, 1), limit=1).status == 400


def test_the_deployed_prover_is_made_once_and_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    module = in_process_api(monkeypatch).module
    made: list[int] = []

    def session() -> _Session:
        made.append(1)
        return _Session()

    monkeypatch.setattr("lambdas.composition.proving.get_session", session)
    prover = module.deployed_api(module._settings, module._clock).prover
    assert made == []
    assert prover() is prover()
    assert made == [1]
    with pytest.raises(LogUnavailableError, match="checkpoint"):
        prover().checkpoint()


class _Session:
    def create_client(self, service: str, **options: Any) -> Any:
        client = get_session().create_client(service, region_name="eu-central-1", **options)
        client.get_object = _fails
        return client


def _fails(**_: Any) -> NoReturn:
    raise EndpointConnectionError(endpoint_url="https://nobody.example")


def test_the_example_of_the_contract_is_a_proof() -> None:
    proof = decode(TLOG_PROOF.example.encode())
    assert leads_to_its_root(proof)
    assert proof.extra.decode().startswith(f"{ACCOUNT_ID}/22 ")
    assert decode_leaf(proof.extra)
