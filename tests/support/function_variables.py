"""The environment variables of deployed functions, as Lambda and the stacks give them."""

from __future__ import annotations

POWERTOOLS = {"POWERTOOLS_SERVICE_NAME": "daybook", "POWERTOOLS_METRICS_NAMESPACE": "daybook"}
EVERY_FUNCTION = {
    **POWERTOOLS,
    "ENVIRONMENT": "test",  # the same for all: Powertools keeps a metric's dimensions for a process
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "eu-central-1",
}
ACCOUNTS = {
    **EVERY_FUNCTION,
    "EVENT_TABLE": "events",
    "RECEIPTS_TABLE": "receipts",
    "COMMANDS_TABLE": "commands",
    "SNAPSHOT_INTERVAL": "10",
    "TEST_CALLERS": "AROATESTER",
    "WRITES": "on",
    "READ_MODEL_TABLES": '{"account_summaries": "summaries", "daily_totals": "totals"}',
    "LOG_BUCKET": "log-bucket",
    "LOG_INDEX_TABLE": "log-index",
}
"""The HTTP API and the processor of commands."""
PUBLISHER = {**EVERY_FUNCTION, "DOMAIN_EVENT_STREAM": "domain-events", "PARKING_BUCKET": "parking"}
PROJECTION = {
    **EVERY_FUNCTION,
    "PROJECTION": "account_summaries",
    "READ_MODEL_TABLE": "summaries",
    "EVENT_TABLE": "events",
}
LAG = {
    **EVERY_FUNCTION,
    "READ_MODEL_TABLES": '{"account_summaries":"summaries","daily_totals":"totals"}',
    "DOMAIN_EVENT_STREAM": "domain-events",
}
REPORTS = {
    **EVERY_FUNCTION,
    "ATHENA_WORKGROUP": "athena_workgroup",
    "GLUE_DATABASE": "glue_database",
    "REPORT_BUCKET": "report_bucket",
}
SEALER = {
    **EVERY_FUNCTION,
    "LOG_BUCKET": "log-bucket",
    "LOG_INDEX_TABLE": "log-index",
    "LOG_KEY": "log-key",
    "LOG_TOPIC": "arn:aws:sns:eu-central-1:000000000000:checkpoints",
    "LOG_ORIGIN_PREFIX": "daybook/test/000000000000/eu-central-1",
    "ATHENA_WORKGROUP": "athena_workgroup",
    "GLUE_DATABASE": "glue_database",
    "SEAL_LOOKBACK_DAYS": "1",
    "SEAL_HOLE_MINUTES": "60",
}
VERIFICATION = {
    **EVERY_FUNCTION,
    "EVENT_TABLE": "events",
    "RECEIPTS_TABLE": "receipts",
    "COMMANDS_TABLE": "commands",
    "LOG_BUCKET": "log-bucket",
    "LOG_INDEX_TABLE": "log-index",
    "LOG_KEY": "log-key",
    "ATHENA_WORKGROUP": "athena_workgroup",
    "GLUE_DATABASE": "glue_database",
    "RESULTS_BUCKET": "results-bucket",
    "PENDING_HOURS": "24",
    "SETTLE_MINUTES": "60",
}
