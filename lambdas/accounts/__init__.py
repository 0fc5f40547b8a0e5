"""The domain of bank accounts, pure: no clock, no ids, no I/O, no logging."""
