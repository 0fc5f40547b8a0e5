"""Stored commands: their table, the processor of its stream, and the marking of failed commands (dead letters)."""
