"""`daybook report`: write the daily report of a day."""
