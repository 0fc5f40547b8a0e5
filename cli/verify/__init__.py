"""`daybook verify`: is the history of accounts as it was written?"""
