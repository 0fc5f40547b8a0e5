"""Compare the event table with the lake, event by event."""
