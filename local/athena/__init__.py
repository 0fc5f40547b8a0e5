"""Athena on the emulator: a proxy before its endpoint, which speaks Athena's SQL to clients and DuckDB's behind."""
