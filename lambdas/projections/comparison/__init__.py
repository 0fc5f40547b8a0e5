"""Compares a read model with the event table, account by account."""
