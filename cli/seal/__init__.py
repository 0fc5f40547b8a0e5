"""Seal new events into the transparency log, and print its signed checkpoint."""
