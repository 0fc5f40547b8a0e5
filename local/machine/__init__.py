"""Shared helpers: files, locks, paths, progress, errors. Standard library only."""
