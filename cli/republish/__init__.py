"""Send domain events to Kinesis once more."""
