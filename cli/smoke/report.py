"""Has the deployed function write the daily report of a day."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final

from botocore.config import Config

from cli.smoke.refusals import Use, using
from lambdas.smoke.steps import StepFailedError

ALIAS: Final = "live"
PATIENT: Final = Config(connect_timeout=2, read_timeout=910, retries={"total_max_attempts": 1, "mode": "standard"})
"""The function may take fifteen minutes. It is not invoked a second time while it may still run."""


def write_report(functions: Any, function: str, day: date, use: Use) -> str:
    """Invoke the function for one day; which files it wrote. Raises StepFailedError."""
    what = f"{function} was to write the report of {day}"
    with using(use, what):
        answer = functions.invoke(
            FunctionName=function,
            Qualifier=ALIAS,
            InvocationType="RequestResponse",
            Payload=json.dumps({"date": str(day)}).encode(),
        )
        content = answer["Payload"].read()
    look_at = 'its log, and docs/reports.md, "When it fails"'
    told = _object(content)
    if "FunctionError" in answer:
        raise StepFailedError(what, f"{told.get('errorType', 'an error')}: {told.get('errorMessage', '')}", look_at)
    files = told.get("files")
    if not isinstance(files, list) or not files:
        raise StepFailedError(what, f"it told of no file: {content[:200].decode('utf-8', 'replace')!r}", look_at)
    return f"{len(files)} files of {day}"


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
