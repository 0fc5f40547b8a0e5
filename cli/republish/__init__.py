"""Send domain events to Kinesis again."""
