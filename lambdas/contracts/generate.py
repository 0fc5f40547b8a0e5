"""`python -m lambdas.contracts.generate`: write every document of the contract beside this module.

It also writes a stored sample of each event in its current version, where there is none yet: samples are kept for ever.
When a command or an event lacks something in the contract, it says what and where, and writes nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from lambdas.accounts.codec import EVENT_SCHEMAS
from lambdas.contracts.asyncapi import asyncapi_document
from lambdas.contracts.command_model import command_model
from lambdas.contracts.completeness import gaps
from lambdas.contracts.event_schemas import event_schema_documents, schema_name
from lambdas.contracts.examples import event_example
from lambdas.contracts.json_schema import Document
from lambdas.contracts.openapi import OPENAPI_FILE, openapi_text
from lambdas.service.decider import ACCOUNT_DECIDER

FOLDER: Final = Path(__file__).parent
SCHEMA_FOLDER: Final = FOLDER / "schemas"
ASYNCAPI_FILE: Final = FOLDER / "asyncapi.json"
COMMAND_MODEL_FILE: Final = FOLDER / "command_model.json"
SAMPLE_FOLDER: Final = FOLDER.parents[1] / "tests" / "unit" / "accounts" / "samples" / "events"


def artifacts() -> dict[Path, str]:
    """Every generated file and its text."""
    schemas = {SCHEMA_FOLDER / f"{name}.json": _text(each) for name, each in event_schema_documents().items()}
    return {
        OPENAPI_FILE: openapi_text(),
        ASYNCAPI_FILE: _text(asyncapi_document()),
        COMMAND_MODEL_FILE: _text(command_model()),
        **schemas,
    }


def samples() -> dict[Path, str]:
    """The example of every event as it is stored today: what the sample of its version begins as."""
    return {
        SAMPLE_FOLDER / f"{schema_name(each)}.json": ACCOUNT_DECIDER.codec.encode(event_example(each.cls))[2] + "\n"
        for each in EVENT_SCHEMAS
    }


def _text(document: Document) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the documents and new samples. Exits with the gaps, one per line, if there are any."""
    if missing := list(gaps()):
        sys.exit("\n".join(missing))
    missing_samples = {path: text for path, text in samples().items() if not path.exists()}
    for path, text in (artifacts() | missing_samples).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
