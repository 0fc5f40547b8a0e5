"""The example of asynchronous commands follows each to its end, and notices an end that is not the expected one."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from local.example import submission
from local.example.client import Answer, Client
from local.example.submission import submit_and_follow
from local.machine.errors import ExampleFailedError


class FakeGateway:
    """Takes commands; each is PENDING for two looks, then ends as told in `ends` (by type)."""

    def __init__(self, ends: Mapping[str, dict[str, Any]]) -> None:
        self._ends = ends
        self._looks: dict[str, list[dict[str, Any]]] = {}

    def post(self, path: str, body: Mapping[str, object], *, expected: int) -> Answer:
        assert expected == 202
        assert path.endswith("/commands")
        command_id = f"c{len(self._looks)}"
        pending = {"command_id": command_id, "status": "PENDING"}
        self._looks[f"{path}/{command_id}"] = [pending, pending, {**pending, **self._ends[str(body["type"])]}]
        return Answer(202, {"location": f"commands/{command_id}"}, pending)

    def get(self, path: str) -> Answer:
        looks = self._looks[path]
        return Answer(200, {}, looks.pop(0) if len(looks) > 1 else looks[0])


ENDS = {str(command["type"]): end for command, end in submission.COMMANDS}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "_POLL_SECONDS", 0)


def follow(ends: Mapping[str, dict[str, Any]], **patience: float) -> list[submission.Followed]:
    return submit_and_follow(cast("Client", FakeGateway(ends)), **patience)[1]


def test_each_command_is_followed_from_pending_to_its_end() -> None:
    followed = follow(ENDS)
    assert [[answer["status"] for answer in each.answers] for each in followed] == [
        ["PENDING", "PENDING", "SUCCEEDED"],
        ["PENDING", "PENDING", "SUCCEEDED"],
        ["PENDING", "PENDING", "REJECTED"],
    ]


@pytest.mark.parametrize(
    ("command", "end"),
    [
        ("CreditAccount", {"status": "SUCCEEDED", "version": 2, "balance": 59}),
        ("OpenAccount", {"status": "FAILED"}),
        ("WithdrawFromAccount", {"status": "SUCCEEDED", "version": 3, "balance": -40}),
    ],
)
def test_another_end_than_expected_is_told(command: str, end: dict[str, Any]) -> None:
    with pytest.raises(ExampleFailedError, match=f"The end of {command} is"):
        follow({**ENDS, command: end})


def test_a_command_that_stays_pending_ends_the_example_with_a_sentence() -> None:
    with pytest.raises(ExampleFailedError, match="is still PENDING after 0 seconds"):
        follow({**ENDS, "OpenAccount": {"status": "PENDING"}}, patience=0)
