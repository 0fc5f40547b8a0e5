"""`python -m lambdas.contracts.generate`: write every document of the contract beside this module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from lambdas.contracts.asyncapi import asyncapi_document
from lambdas.contracts.command_model import command_model
from lambdas.contracts.components import Document
from lambdas.contracts.event_schemas import event_schema_documents
from lambdas.contracts.openapi import OPENAPI_FILE, openapi_text

FOLDER: Final = Path(__file__).parent
SCHEMA_FOLDER: Final = FOLDER / "schemas"
ASYNCAPI_FILE: Final = FOLDER / "asyncapi.json"
COMMAND_MODEL_FILE: Final = FOLDER / "command_model.json"


def artifacts() -> dict[Path, str]:
    """Every generated file and its text."""
    schemas = {SCHEMA_FOLDER / f"{name}.json": _text(each) for name, each in event_schema_documents().items()}
    return {
        OPENAPI_FILE: openapi_text(),
        ASYNCAPI_FILE: _text(asyncapi_document()),
        COMMAND_MODEL_FILE: _text(command_model()),
        **schemas,
    }


def _text(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FOLDER.mkdir(exist_ok=True)
    for path, text in artifacts().items():
        path.write_text(text, encoding="utf-8")
