"""Reads whole tables and parking buckets."""
