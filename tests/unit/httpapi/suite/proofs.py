"""The route that proves events. The log is sealed in its own time: a test waits until it has what the ledger did."""

from __future__ import annotations

import time
from base64 import b64decode

import pytest

from lambdas.transparency.checkpoint import of_note
from lambdas.transparency.hashing import leaf_hash
from lambdas.transparency.leaves import RowLeaf, encode_leaf
from lambdas.transparency.proofs import verify_inclusion
from lambdas.transparency.tlog_proof import decode
from tests.unit.httpapi.suite.api import Answer, Api
from tests.unit.httpapi.suite.commands import UNKNOWN

PATIENCE_SECONDS = 60.0


def proof_of(account_id: str, version: int | str) -> str:
    return f"/accounts/{account_id}/events/{version}/proof"


def proven(api: Api, account_id: str, version: int) -> Answer:
    """The proof of an event, once it is sealed."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (answer := api.get(proof_of(account_id, version))).status == 404:
        assert time.monotonic() < deadline, answer
        api.seal()
        time.sleep(0.1)
    assert answer.status == 200, answer
    return answer


class TestProof:
    def test_an_event_is_proved_offline(self, api: Api) -> None:
        account_id = api.open(balance=7)
        for version in (1, 2):
            answer = proven(api, account_id, version)
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            proof = decode(answer.body)
            (row,) = api.get(f"/accounts/{account_id}/rows", before=version + 1, limit=1).json()["rows"]
            assert proof.extra == encode_leaf(RowLeaf(account_id, version, b64decode(row["hash"])))
            log = of_note(proof.checkpoint)
            verify_inclusion(leaf_hash(proof.extra), proof.index, log.size, proof.hashes, log.root)

    def test_what_does_not_exist_is_not_in_the_log(self, api: Api) -> None:
        account_id = api.open()
        proven(api, account_id, 1)
        for path in (proof_of(account_id, 2), proof_of(account_id, 10**16 - 1), proof_of(UNKNOWN, 1)):
            answer = api.get(path)
            assert (answer.status, answer.problem) == (404, "event-not-in-log")

    @pytest.mark.parametrize("version", ["0", "x", "-1", "01", "1.0", "%31%2E", "1" * 17, "%D9%A3"])
    def test_what_is_no_version_is_refused(self, api: Api, version: str) -> None:
        answer = api.get(proof_of(UNKNOWN, version))
        assert (answer.status, answer.problem, answer.json()["field"]) == (400, "invalid-request", "version")

    def test_what_else_is_refused(self, api: Api) -> None:
        assert api.get(proof_of("x", 1)).json()["field"] == "account_id"
        assert api.get(proof_of(UNKNOWN, 1), size=3).json()["field"] == "size"
