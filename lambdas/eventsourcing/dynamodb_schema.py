"""Key attributes of the event table, shared by the DynamoDB adapter and the infrastructure."""

EVENT_TABLE_HASH_KEY = "stream_id"
"""String: the stream an event belongs to."""

EVENT_TABLE_RANGE_KEY = "version"
"""Number: 1-based, gapless position of the event in its stream."""
