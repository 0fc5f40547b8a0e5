"""From the event table's stream to the stream of domain events."""
