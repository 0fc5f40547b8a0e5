"""What `make run` shows: one account's story over HTTP, then in the table, in SQL, and as a command."""
