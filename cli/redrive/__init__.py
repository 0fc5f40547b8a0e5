"""Retry commands that failed for a technical reason."""
