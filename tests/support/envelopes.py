"""The documents that commands print with `--json`, each held against its schema."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from cli.reference import SCHEMA


def printed(command: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one document on standard output. Fails when it is not what docs/cli.schema.json says of the command."""
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    check(command, document)
    return document


def check(command: str, document: dict[str, Any]) -> None:
    """Raises ValidationError."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    definitions = schema["$defs"]
    for each in definitions.values():
        each.setdefault("additionalProperties", False)  # so that what the schema does not tell is noticed here
    jsonschema_rs.validate({**schema["commands"][command], "$defs": definitions}, document)
    assert document["ok"] is (document["problem"] is None)
