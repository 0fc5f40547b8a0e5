"""`daybook republish`: send domain events once more."""
