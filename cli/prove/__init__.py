"""Write a proof that an event, or all of an account's history, stands in the transparency log."""
