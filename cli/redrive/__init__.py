"""`daybook redrive`: retry commands that failed for a technical reason."""
