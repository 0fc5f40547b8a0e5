"""Check that the history of accounts is as it was written."""
