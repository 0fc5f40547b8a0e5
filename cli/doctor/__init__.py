"""Check, without changing anything, whether an account and an environment are ready, and say what mends what is not."""
