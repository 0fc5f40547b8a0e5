"""Which lines of the functions belong to a request."""

from __future__ import annotations

import json
import time
from dataclasses import fields
from typing import Any

import pytest

from local.emulator import aws, function_logs
from local.machine.environment import Environment

ENVIRONMENT = Environment(**{each.name: "" for each in fields(Environment) if each.name != "headers"})  # type: ignore[arg-type]
MINE, OTHER = "order-17", "order-1"
API = json.dumps({"message": "request answered", "correlation_id": MINE})
PROCESSOR = json.dumps({"message": "a command could not be carried out", "correlation_id": MINE})
NOISE = (
    "START RequestId: order-17 Version: 1",
    json.dumps({"_aws": {}, "Requests": [1.0]}),
    json.dumps({"message": "request answered", "correlation_id": OTHER}),
    json.dumps({"message": f"about {MINE}", "function_request_id": MINE}),
    json.dumps([MINE]),
    '{"correlation_id": "order-17"',
)


MOST = 10_000
"""So many events of a group ministack 1.5.33 gives, the oldest that match, and no token for the others."""


class FakeLogs:
    """Log groups; a page holds one line."""

    def __init__(self, groups: dict[str, list[tuple[int, str]]]) -> None:
        self._groups = groups

    def get_paginator(self, name: str) -> Any:
        self._call = name
        return self

    def paginate(self, **where: Any) -> list[dict[str, Any]]:
        if self._call == "describe_log_groups":
            return [{"logGroups": [{"logGroupName": name}]} for name in self._groups]
        term, start = where.get("filterPattern", "").strip('"'), where.get("startTime", 0)
        found = [each for each in self._groups[where["logGroupName"]] if term in each[1] and each[0] >= start]
        return [{"events": [{"timestamp": moment, "message": f"{line}\n"}]} for moment, line in found[:MOST]]


def written(monkeypatch: pytest.MonkeyPatch, **groups: list[tuple[int, str]]) -> None:
    monkeypatch.setattr(aws, "client", lambda _environment, _service: FakeLogs(groups))


def test_a_request_is_followed_through_all_functions_in_order_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = [(moment, line) for moment, line in enumerate(NOISE, start=3)]
    written(monkeypatch, processor=[(9, PROCESSOR), *noise], api=[(1, API), *noise])
    assert function_logs.correlated_lines(ENVIRONMENT, MINE) == [API, PROCESSOR]


def test_a_line_about_several_requests_bears_the_id_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    several = json.dumps({"correlation_id": [OTHER, MINE]})
    written(monkeypatch, publisher=[(1, several)])
    assert function_logs.correlated_lines(ENVIRONMENT, MINE) == [several]
    assert function_logs.correlated_lines(ENVIRONMENT, "order") == []


def test_a_request_is_found_however_old_it_is_and_without_one_the_newest_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = [(moment, f"line {moment}") for moment in range(2, 102)]
    written(monkeypatch, api=[(1, API), *later])
    assert function_logs.correlated_lines(ENVIRONMENT, MINE) == [API]
    assert function_logs.newest_lines(ENVIRONMENT) == [f"line {moment}" for moment in range(52, 102)]


def test_what_is_asked_for_is_found_among_more_lines_than_are_given_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(time.time() * 1000)
    long_ago = [(moment, f"line {moment}") for moment in range(MOST)]
    lately = [(now - 1_000 + number, f"late {number}") for number in range(60)]
    written(monkeypatch, api=[*long_ago, *lately, (now, API)])
    assert function_logs.correlated_lines(ENVIRONMENT, MINE) == [API]
    assert function_logs.newest_lines(ENVIRONMENT) == [*(f"late {number}" for number in range(11, 60)), API]
