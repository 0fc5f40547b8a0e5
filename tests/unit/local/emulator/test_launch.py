"""What is repaired in the emulator: an event without fields reaches the lake, and a batch says its capacity."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from local.emulator.launch import reading_empty_as_null, saying_capacity


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


REQUEST = {"RequestItems": {"t": {"Keys": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}], "ConsistentRead": True}}}


@pytest.mark.parametrize(("consistent", "units"), [(True, 2.0), (False, 1.0)])
def test_batch_says_its_capacity_when_asked(consistent: bool, units: float) -> None:
    request: Any = {
        "RequestItems": {"t": {**REQUEST["RequestItems"]["t"], "ConsistentRead": consistent}},
        "ReturnConsumedCapacity": "TOTAL",
    }
    answer = saying_capacity(lambda _: (200, {"a": "b"}, b'{"Responses": {"t": []}}'))

    status, headers, body = answer(request)

    assert (status, headers) == (200, {"a": "b"})
    consumed = [{"TableName": "t", "CapacityUnits": units}]
    assert json.loads(body) == {"Responses": {"t": []}, "ConsumedCapacity": consumed}


@pytest.mark.parametrize("reply", [(200, {}, b'{"Responses": {}}'), (400, {}, b'{"__type": "ValidationException"}')])
def test_other_answers_stay(reply: Any) -> None:
    asked = {} if reply[0] == 200 else {"ReturnConsumedCapacity": "TOTAL"}

    assert saying_capacity(lambda _: reply)({**REQUEST, **asked}) == reply


def test_ministacks_own_batch_has_the_form_that_is_repaired() -> None:
    dynamodb: Any = importlib.import_module("ministack.services.dynamodb")
    _, _, refused = saying_capacity(dynamodb._batch_get_item)({**REQUEST, "ReturnConsumedCapacity": "TOTAL"})

    assert "ValidationException" in refused.decode()
