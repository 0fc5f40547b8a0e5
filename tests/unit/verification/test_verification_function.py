"""The function of the verification's steps: what it takes, does, answers, counts and raises."""

from __future__ import annotations

import importlib
import json
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from lambdas.eventsourcing.retry import Deadline
from lambdas.transparency.errors import LogUnavailableError
from lambdas.transparency.kms_verifier import KMSVerifier
from lambdas.verification.errors import VerificationError
from lambdas.verification.findings import Finding
from lambdas.verification.results import Report
from lambdas.verification.steps import Done, SettleStep, Verification, WalkStep
from tests.support.emitted_metrics import emitted
from tests.support.function_modules import forgotten
from tests.support.function_variables import VERIFICATION
from tests.support.lambda_context import Context

HANDLER = "lambdas.handlers.ledger_verification"
WALK = {"step": "walk", "rebuild": "run-1", "generation": 0, "segment": 2, "segments": 8}
SETTLE = {"step": "settle", "rebuild": "run-1", "generation": 0}
REPORT = Report(
    begun_at="2026-03-01T09:00:00.000Z", settled="2026-03-01T08:00:00.000Z", accounts=3, events=40, snapshots=4,
    receipts=2, commands=1, pending=0, unsealed=5, read_units=9.5, lake_events=35, log=None, read_models=[], counts={},
    findings=[], unchecked={},
)  # fmt: skip


class Steps:
    """A verification that is told what to answer."""

    def __init__(self, *answers: Done) -> None:
        self._answers = list(answers)
        self.taken: list[tuple[Any, bool, bool]] = []

    def _take(self, step: Any, begin: Deadline, end: Deadline) -> Done:
        self.taken.append((step, begin.allows_attempt(), end.allows_attempt()))
        return self._answers.pop(0)

    walk = settle = _take


def module(monkeypatch: pytest.MonkeyPatch, steps: Steps) -> ModuleType:
    forgotten(monkeypatch, HANDLER, VERIFICATION)
    found = importlib.import_module(HANDLER)
    monkeypatch.setattr(found, "deployed_verification", lambda _: steps)
    return found


def counted(text: str) -> dict[str, float]:
    """The values of the metrics that were written, by name."""
    names = {each.name for each in emitted(text.splitlines())} - {"ColdStart"}
    lines = [json.loads(line) for line in text.splitlines() if '"_aws"' in line]
    return {name: sum(line[name][0] for line in lines if name in line) for name in names}


def test_it_answers_the_step_and_whether_it_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Steps(Done(done=False, rows=500), Done(done=True, rows=20), Done(done=False))
    handler = module(monkeypatch, steps).handler
    assert handler(WALK, Context()) == {**WALK, "done": False}
    assert handler(WALK, Context()) == {**WALK, "done": True}
    assert handler(SETTLE, Context()) == {**SETTLE, "done": False}
    assert [each[0] for each in steps.taken] == [WalkStep("run-1", 2, 8)] * 2 + [SettleStep("run-1")]
    assert counted(capsys.readouterr().out) == {}, "what was seen counts once it is settled"


def test_what_was_found_is_counted_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding("history", "an account", 7, "its hash does not fit")
    report = msgspec.structs.replace(REPORT, counts={"history": 1, "lake": 2}, findings=[finding])
    handler = module(monkeypatch, Steps(Done(done=True, report=report))).handler
    assert handler(SETTLE, Context()) == {**SETTLE, "done": True}
    assert counted(capsys.readouterr().out) == {"VerificationFindings": 3, "VerificationEvents": 40}


def test_a_clean_ledger_counts_no_findings_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module(monkeypatch, Steps(Done(done=True, report=REPORT))).handler(SETTLE, Context())
    assert counted(capsys.readouterr().out) == {"VerificationFindings": 0, "VerificationEvents": 40}


def test_what_could_not_be_checked_is_no_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what was found all the same is counted before."""
    report = msgspec.structs.replace(REPORT, counts={"history": 1}, unchecked={"lake": "no answer"})
    handler = module(monkeypatch, Steps(Done(done=True, report=report))).handler
    with pytest.raises(VerificationError, match="not checked: lake: no answer"):
        handler(SETTLE, Context())
    assert counted(capsys.readouterr().out) == {"VerificationFindings": 1, "VerificationEvents": 40}


@pytest.mark.parametrize("event", [{}, {"step": "walk"}, {**WALK, "segment": "2"}, {**SETTLE, "rebuild": "../x"}])
def test_what_is_no_step_is_refused(monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        module(monkeypatch, Steps()).handler(event, Context())


def test_its_parts_are_made_once_and_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten(monkeypatch, HANDLER, VERIFICATION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", VERIFICATION["AWS_REGION"])
    found = importlib.import_module(HANDLER)
    made = found.deployed_verification(found._settings)
    assert isinstance(made, Verification)
    assert found.deployed_verification(found._settings) is made


class TestKMSVerifier:
    """The signature of a checkpoint, as KMS sees it."""

    def test_asks_for_ed25519_of_the_message_itself(self) -> None:
        asked: list[dict[str, Any]] = []

        def verify(**request: Any) -> dict[str, Any]:
            asked.append(request)
            return {"SignatureValid": True}

        assert KMSVerifier(SimpleNamespace(verify=verify), "key")(b"public", b"signature", b"message")
        assert asked == [
            {
                "KeyId": "key",
                "Message": b"message",
                "MessageType": "RAW",
                "Signature": b"signature",
                "SigningAlgorithm": "ED25519_SHA_512",
            }
        ]

    def test_a_signature_that_is_none(self) -> None:
        def verify(**_: Any) -> NoReturn:
            raise ClientError({"Error": {"Code": "KMSInvalidSignatureException"}}, "Verify")

        assert not KMSVerifier(SimpleNamespace(verify=verify), "key")(b"", b"", b"")

    def test_a_signature_that_is_told_to_be_none(self) -> None:
        def verify(**_: Any) -> dict[str, Any]:
            return {"SignatureValid": False}

        assert not KMSVerifier(SimpleNamespace(verify=verify), "key")(b"", b"", b"")

    @pytest.mark.parametrize(
        "error",
        [
            EndpointConnectionError(endpoint_url="https://kms.example"),
            ClientError({"Error": {"Code": "ThrottlingException"}}, "Verify"),
        ],
        ids=["away", "throttled"],
    )
    def test_no_answer_is_no_invalid_signature(self, error: Exception) -> None:
        def verify(**_: Any) -> NoReturn:
            raise error

        with pytest.raises(LogUnavailableError, match="could not check a signature"):
            KMSVerifier(SimpleNamespace(verify=verify), "key")(b"", b"", b"")
