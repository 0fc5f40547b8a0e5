"""What folds events into an account's row, through its gate: one by one, filled, checked and undone."""
