"""Import time of each handler in a fresh interpreter, against a bare boto3 DynamoDB client.

Runs of the two alternate, and the medians are compared.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report import Row, at_most

ROOT = Path(__file__).resolve().parents[1]
RUNS = 15
BARE_CLIENT = "import boto3; boto3.client('dynamodb')"
FUNCTION_ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "EVENT_TABLE": "events",
    "RECEIPTS_TABLE": "receipts",
    "COMMANDS_TABLE": "commands",
    "SNAPSHOT_INTERVAL": "10",
    "TEST_CALLERS": "",
    "WRITES": "on",
    "READ_MODEL_TABLES": '{"account_summaries": "summaries", "daily_totals": "totals"}',
    "LOG_BUCKET": "log-bucket",
    "LOG_INDEX_TABLE": "log-index",
    "LOG_KEY": "log-key",
    "RESULTS_BUCKET": "results",
    "PENDING_HOURS": "24",
    "SETTLE_MINUTES": "60",
    "PROJECTION": "account_summaries",
    "READ_MODEL_TABLE": "summaries",
    "API_URL": "https://api.example/v1",
    "DOMAIN_EVENT_STREAM": "domain-events",
    "PARKING_BUCKET": "parking",
    "ATHENA_WORKGROUP": "reports",
    "GLUE_DATABASE": "lake",
    "REPORT_BUCKET": "reports",
    "LOG_TOPIC": "arn:aws:sns:eu-central-1:000000000000:checkpoints",
    "LOG_ORIGIN_PREFIX": "daybook/local/000000000000/eu-central-1",
    "SEAL_LOOKBACK_DAYS": "1",
    "SEAL_HOLE_MINUTES": "60",
    "ENVIRONMENT": "local",
    "POWERTOOLS_SERVICE_NAME": "daybook",
    "POWERTOOLS_METRICS_NAMESPACE": "daybook",
}


def _seconds(statement: str) -> float:
    program = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=kept | FUNCTION_ENVIRONMENT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1])


def handlers() -> list[str]:
    """The import names of all handler modules."""
    return [
        f"lambdas.handlers.{path.stem}"
        for path in sorted((ROOT / "lambdas" / "handlers").glob("*.py"))
        if path.stem != "__init__"
    ]


def measure() -> Iterator[Row]:
    """Yield the medians and, for each handler, the ratio that has a budget."""
    statements = {"bare boto3 client": BARE_CLIENT} | {name: f"import {name}" for name in handlers()}
    times: dict[str, list[float]] = {name: [] for name in statements}
    for statement in statements.values():
        _seconds(statement)
    for _ in range(RUNS):
        for name, statement in statements.items():
            times[name].append(_seconds(statement))
    bare = statistics.median(times["bare boto3 client"])
    group = "import in a fresh interpreter"
    for name, seconds in times.items():
        median = statistics.median(seconds)
        yield Row(group=group, name=name, value=median * 1000, unit="ms")
        if name != "bare boto3 client":
            budget, met = at_most(median / bare, 1.5)
            yield Row(group=group, name=f"{name} to bare", value=median / bare, unit="ratio", budget=budget, met=met)
