"""Stored commands: their table, the processor that works on its stream, and what becomes of failures."""
