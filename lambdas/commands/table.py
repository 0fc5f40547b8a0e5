"""Key attributes of the commands table, shared by its users and the infrastructure that creates it."""

HASH_KEY = "account_id"
"""String: the account a command or an idempotency receipt belongs to."""

RANGE_KEY = "command_id"
"""String: a command's id, or `RECEIPT_PREFIX` followed by an idempotency key."""

TTL_ATTRIBUTE = "expires_at"
"""Number: epoch seconds after which DynamoDB may delete the row. Rows without it never expire."""

RECEIPT_PREFIX = "receipt#"
"""Marks idempotency receipts in the range key. Command ids must refuse this prefix."""
