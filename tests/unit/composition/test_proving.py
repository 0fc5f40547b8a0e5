"""The prover of the deployed API: made when the first proof is asked for, and once."""

from __future__ import annotations

import pytest

from lambdas.composition.proving import deployed_prover
from lambdas.composition.settings import ApiSettings, load
from tests.support.function_variables import ACCOUNTS


def test_prover_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has read of the log, and its connections, serve the proofs after the first."""
    for name, value in {**ACCOUNTS, "AWS_DEFAULT_REGION": "eu-central-1"}.items():
        monkeypatch.setenv(name, value)
    prover = deployed_prover(object(), load(ApiSettings, ACCOUNTS))
    assert prover() is prover()
