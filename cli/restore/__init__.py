"""Restore the ledger's tables to a second, in steps: plan, run, check, mend, finish, announce."""
