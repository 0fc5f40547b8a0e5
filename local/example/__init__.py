"""The example of `make run`: one account over HTTP, in the event table and in SQL, and asynchronous commands."""
