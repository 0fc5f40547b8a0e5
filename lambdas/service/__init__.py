"""Where the domain meets the event store."""
