"""The route that proves an event by the transparency log. The ledger itself is asked for nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lambdas.contracts.texts import TLOG_PROOF
from lambdas.httpapi.replies import Reply
from lambdas.httpapi.requests import Request, positive_integer
from lambdas.transparency.proving import Prover

VERSION: Final = "version"


class ProofRoutes:
    """GET /accounts/{account_id}/events/{version}/proof. `prover` is called when one is needed."""

    def __init__(self, prover: Callable[[], Prover]) -> None:
        self._prover = prover

    def get_proof(self, request: Request) -> Reply:
        """The `.tlog-proof` of an event.

        No cache may keep it: the file is good for ever, but this address leads to another after each seal, and to
        nothing after a restore that revokes the event.
        """
        account_id = request.account_id()
        version = positive_integer(VERSION, request.path_parameters[VERSION])
        request.query()
        proof = self._prover().proof(account_id, version)
        return Reply(200, proof.encode().decode(), {"Content-Type": TLOG_PROOF.media_type})
