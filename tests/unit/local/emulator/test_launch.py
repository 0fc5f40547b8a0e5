"""What is repaired in the emulator: an event without fields reaches the lake."""

from __future__ import annotations

import importlib
import json
from typing import Any

from local.emulator.launch import reading_empty_as_null


def test_an_empty_object_is_null_and_everything_else_stays() -> None:
    document: dict[str, Any] = {"data": {}, "id": "a/1", "streamversion": 0, "reference": "", "more": {"a": {}}}
    read = reading_empty_as_null(lambda data: [json.loads(line) for line in data.splitlines()])
    assert read(json.dumps(document).encode()) == [document | {"data": None}]


def test_ministacks_own_reader_has_the_form_that_is_repaired() -> None:
    firehose: Any = importlib.import_module("ministack.services.firehose")
    assert reading_empty_as_null(firehose._json_documents)(b'{"data":{}}\n{"data":{"amount":1}}\n') == [
        {"data": None},
        {"data": {"amount": 1}},
    ]
