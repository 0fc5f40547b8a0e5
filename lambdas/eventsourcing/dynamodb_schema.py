"""Key attributes of the event table and of the receipt table, shared by the DynamoDB adapter and the infrastructure."""

EVENT_TABLE_HASH_KEY = "stream_id"
"""String: the stream an event belongs to."""

EVENT_TABLE_RANGE_KEY = "version"
"""Number: 1-based, gapless position of the event in its stream."""

RECEIPT_TABLE_HASH_KEY = "scope"
"""String: what an idempotency key belongs to; here an account id."""

RECEIPT_TABLE_RANGE_KEY = "key"
"""String: the idempotency key under which a request was answered."""

RECEIPT_TABLE_TTL = "expires_at"
"""Number: epoch seconds after which the receipt counts as absent, and DynamoDB may delete it."""
