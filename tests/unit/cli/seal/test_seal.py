"""`daybook seal`: what it asks the function for, what it says and how it exits."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cli.app import main
from cli.aws import AWS
from cli.environments.place import Place
from cli.seal.sealing import Sealer, open_sealer
from lambdas.eventsourcing import timestamps
from lambdas.transparency.findings import Fork, Hole, Sealed
from tests.support.clocks import TickingClock
from tests.support.envelopes import printed
from tests.support.workloads import accounts

A, B = sorted(accounts(2))
CHECKPOINT = "daybook/test/1/eu/0123\n603\nroot\n\n— daybook/test/1/eu/0123 signature\n"
WELL = Sealed(
    seals=(4,), leaves=3, size=603, root="root", checkpoint=CHECKPOINT, vkey="daybook/test/1/eu/0123+0a0b0c0d+key",
    holes=(), hole_count=0, overdue_count=0, forks=(), fork_count=0, complete=True,
)  # fmt: skip


class Functions:
    """A client of Lambda whose function answers something."""

    def __init__(self, answer: object = None, *, error: bool = False, raises: Exception | None = None) -> None:
        self.content = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        self.more = {"FunctionError": "Unhandled"} if error else {}
        self.raises = raises
        self.asked: list[Mapping[str, Any]] = []

    def invoke(self, **request: Any) -> Mapping[str, Any]:
        self.asked.append(request)
        if self.raises:
            raise self.raises
        return {"Payload": io.BytesIO(self.content), **self.more}

    @property
    def event(self) -> Any:
        return json.loads(self.asked[-1]["Payload"])


class Deployed(AWS):
    """The sealer with this client of Lambda."""

    def __init__(self, functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Place, "output", lambda self, stack, name: f"{stack}.{name}")
        monkeypatch.setattr(Place, "client", lambda self, service, config: functions)

    def sealer(self, place: Place) -> Sealer:
        return open_sealer(place)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def go(functions: Functions, *words: str) -> int:
        return main(["seal", *words, "--env", "dev"], connections=Deployed(functions, monkeypatch))

    return go


def test_what_is_said(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    functions = Functions(WELL)
    assert run(functions) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Made seal 4 of 3 leaves.", "", *CHECKPOINT.splitlines(), "",
        "The log has 603 leaves. Keep the checkpoint and this key outside the account:", WELL.vkey,
    ]  # fmt: skip
    assert functions.asked == [{"FunctionName": "Sealing.SealerName", "Qualifier": "live", "Payload": b"{}"}]


def test_json(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Functions(WELL), "--json") == 0
    assert printed("seal", capsys)["data"] == msgspec.to_builtins(WELL) | {"seals": [4], "holes": [], "forks": []}


@pytest.mark.parametrize(
    ("words", "event"),
    [
        ([], {}),
        (["--through", "now"], {"through": "2026-03-01T12:00:00.000Z"}),
        (["--through", "2026-11-22"], {"through": "2026-11-22T00:00:00.000Z"}),
        (["--through", "2026-11-22T09:30:00.1239+01:00"], {"through": "2026-11-22T08:30:00.123Z"}),
        (["--rebuild-index"], {"rebuild_index": True}),
        (["--rebuild-index", "--through", "now"], {"rebuild_index": True, "through": "2026-03-01T12:00:00.000Z"}),
    ],
)
def test_what_the_function_is_asked_for(
    words: list[str], event: object, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = TickingClock()
    monkeypatch.setattr(timestamps, "utc_now", clock)
    functions = Functions(WELL)
    assert run(functions, *words) == 0
    assert functions.event == event


def test_several_seals_and_none(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Functions(msgspec.structs.replace(WELL, seals=(4, 5, 6), leaves=150_000, complete=False))) == 0
    said = capsys.readouterr().out
    assert said.startswith("Made seals 4 to 6 of 150,000 leaves.\n")
    assert "There is more to seal than one run has time for: repeat the command." in said
    assert run(Functions(msgspec.structs.replace(WELL, seals=(), leaves=0))) == 0
    assert capsys.readouterr().out.startswith("There was nothing new to seal.\n")


def test_a_fork_is_a_finding(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = msgspec.structs.replace(WELL, forks=(Fork(A, 3, "old=", "new="),), fork_count=101)
    assert run(Functions(found)) == 1
    said = capsys.readouterr().out
    assert f"FORK: version 3 of {A} has the hash new=, and the log has old=\nand 100 more forks\n" in said
    assert run(Functions(found), "--json") == 1
    assert printed("seal", capsys)["problem"]["detail"] == ("101 accounts differ in the lake from what was sealed.")


@pytest.mark.parametrize(("overdue", "status"), [(0, 0), (1, 1)])
def test_a_hole_is_a_finding_once_it_is_overdue(
    overdue: int, status: int, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    hole = Hole(B, 3, "2026-11-22T09:30:00.000Z")
    found = msgspec.structs.replace(WELL, holes=(hole,), hole_count=1, overdue_count=overdue)
    assert run(Functions(found)) == status
    assert f"waits: the lake lacks version 3 of {B} since 2026-11-22T09:30:00.000Z\n" in capsys.readouterr().out
    if status:
        run(Functions(found), "--json")
        assert printed("seal", capsys)["problem"]["detail"] == (
            "1 account waits too long for an event that the lake lacks (`daybook reconcile`)."
        )


@pytest.mark.parametrize(
    ("kind", "status"),
    [("LogConflictError", 1), ("QueryFailedError", 1), ("LogUnavailableError", 3), ("AthenaUnavailableError", 3)],
)
def test_a_function_that_fails(kind: str, status: int, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"errorType": kind, "errorMessage": "tile/0/000 is there with other bytes.", "stackTrace": []}
    assert run(Functions(answer, error=True)) == status
    assert capsys.readouterr().err == (
        f"daybook seal: The sealer failed ({kind}): tile/0/000 is there with other bytes.\n"
    )


@pytest.mark.parametrize(("answer", "error"), [(b"", False), (b"\xff", True), ({"seals": 4}, False)])
def test_an_answer_that_is_none(answer: object, error: bool, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Functions(answer, error=error)) == 1
    assert "answered something else" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not allowed."}}, "Invoke"),
        EndpointConnectionError(endpoint_url="http://nowhere"),
    ],
)
def test_a_function_that_cannot_be_invoked(error: Exception, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Functions(raises=error)) == 3
    assert "The function Sealing.SealerName could not be invoked: " in capsys.readouterr().err


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["seal", "--through", "yesterday"]) == 2
    assert "is not a time such as" in capsys.readouterr().err
