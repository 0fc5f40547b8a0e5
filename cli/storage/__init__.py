"""Reads whole tables and parking buckets, and writes the files of answers."""
