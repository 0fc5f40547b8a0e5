"""Finds an environment and opens clients of its services."""
