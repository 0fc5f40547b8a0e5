"""The validators that the consumer's guide shows: they know the schemas by their URNs, and refuse what is wrong."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.examples.validator import event_validator
from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.contracts.event_examples import restored_example
from lambdas.contracts.generate import SCHEMA_FOLDER
from lambdas.contracts.ledger_events import encode_ledger_event
from local.machine.layout import REPOSITORY
from tests.support.event_rows import row_of, stored_events

JAVASCRIPT = REPOSITORY / "docs" / "examples" / "validator.mjs"
EVENTS: list[dict[str, Any]] = [
    json.loads(encode_domain_event(domain_event(row_of(name)))) for name in sorted(stored_events())
]
CREDIT = next(event for event in EVENTS if event["type"].endswith("BalanceCredited.v1"))
WRONG = [
    CREDIT | {"data": {}},
    CREDIT | {"data": CREDIT["data"] | {"amount": 0}},
    CREDIT | {"dataschema": "urn:daybook:schema:account:AccountClosed:1"},
    CREDIT | {"subject": "somebody"},
    {name: value for name, value in CREDIT.items() if name != "id"},
]
RESTORED: dict[str, Any] = json.loads(encode_ledger_event(restored_example()))
WRONG += [RESTORED | {"source": "/daybook/accounts"}, RESTORED | {"data": {}}]
EVENTS.append(RESTORED)
TO_COME = CREDIT | {"type": "daybook.account.AccountFrozen.v1", "data": {}, "later": 1}
Judge = Callable[[list[dict[str, Any]]], list[bool]]


def in_python(events: list[dict[str, Any]]) -> list[bool]:
    validator = event_validator(SCHEMA_FOLDER)
    return [validator.is_valid(event) for event in events]


def in_javascript(events: list[dict[str, Any]]) -> list[bool]:
    """Fails also when ajv, which is strict unless told otherwise, has something to say about the schemas."""
    program = (
        f"import {{ eventValidator }} from {json.dumps(JAVASCRIPT.as_uri())};"
        f"const valid = eventValidator({json.dumps(str(SCHEMA_FOLDER))});"
        f"console.log(JSON.stringify({json.dumps(events)}.map((event) => valid(event))));"
    )
    command = ["node", "--input-type=module", "--eval", program]
    done = subprocess.run(command, cwd=Path.home(), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    judged: list[bool] = json.loads(done.stdout)
    return judged


@pytest.mark.parametrize("judge", [in_python, in_javascript])
def test_every_event_is_valid_and_what_is_wrong_is_not(judge: Judge) -> None:
    assert judge([*EVENTS, TO_COME]) == [True] * (len(EVENTS) + 1)
    assert judge(WRONG) == [False] * len(WRONG)
