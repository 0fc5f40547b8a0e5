"""Athena on the emulator: a proxy in front of its endpoint, which translates Athena's SQL into DuckDB's."""
