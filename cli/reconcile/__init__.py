"""`daybook reconcile`: compare the event table with the lake."""
