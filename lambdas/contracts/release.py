"""`python -m lambdas.contracts.release`: note which stored schemas this release reads, once it is deployed everywhere.

The next release may write these and no others (see `lambdas.accounts.codec`): a test holds what it writes against them.
No function imports this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lambdas.accounts.codec import EVENT_SCHEMAS, STATE_SCHEMA, WRITES, Schema
from lambdas.contracts.event_schemas import data_document
from lambdas.contracts.json_schema import Document

RELEASED_FILE: Final = Path(__file__).parents[2] / "tests" / "unit" / "accounts" / "samples" / "released_schemas.json"
_WHERE: Final = "lambdas/accounts/codec.py"
STORED: Final = (*EVENT_SCHEMAS, STATE_SCHEMA)

Released = Mapping[str, Mapping[str, Document]]
"""JSON Schemas by stored type and version."""


def stored_document(schema: Schema) -> Document:
    """The JSON Schema of a stored class as it is today. It allows no other fields: a release would lose them."""
    plain: Document = _without_texts(data_document(schema))
    return {**plain, "additionalProperties": False}


def unreadable(
    released: Released, stored: Sequence[Schema] = STORED, writes: Mapping[str, int] = WRITES
) -> Iterator[str]:
    """What the release before could not read of what these write, and what to do about it."""
    for schema in stored:
        name, version = schema.cls.__name__, schema.version
        known = released.get(name, {})
        written = writes.get(name, version)
        if written and str(written) not in known:
            older = max(map(int, known), default=0)
            yield f"{name} v{written} is not released yet: put {older} for it into WRITES in {_WHERE}"
        elif str(version) in known and known[str(version)] != stored_document(schema):
            yield f"{name} v{version} is released and has changed: give it the next version in {_WHERE}"


def noted(released: Released) -> Released:
    """The released schemas after this release: today's, and those of earlier versions as they were."""
    return {
        schema.cls.__name__: {**released.get(schema.cls.__name__, {}), str(schema.version): stored_document(schema)}
        for schema in STORED
    }


def read_released() -> Released:
    """The committed file."""
    released: Released = json.loads(RELEASED_FILE.read_text("utf-8")) if RELEASED_FILE.exists() else {}
    return released


def _without_texts(value: Any) -> Any:
    """Without titles and descriptions, which may change."""
    if isinstance(value, dict):
        return {
            key: {name: _without_texts(each) for name, each in item.items()}
            if key == "properties"
            else _without_texts(item)
            for key, item in value.items()
            if key not in {"title", "description"}
        }
    return [_without_texts(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    RELEASED_FILE.write_text(json.dumps(noted(read_released()), indent=2) + "\n", encoding="utf-8")
