"""Queries on the lake, from deployed code and from operators."""
