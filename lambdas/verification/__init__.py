"""Verifies everything: event table, receipts, commands, read models, lake and log against each other."""
