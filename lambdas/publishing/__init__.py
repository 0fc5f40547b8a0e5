"""Publishes the event table's stream as domain events in Kinesis."""
