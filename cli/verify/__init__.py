"""Check the hash chains of accounts' histories."""
