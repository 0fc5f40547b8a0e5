"""The daily report: the figures of one booking day, as a table for programs and a page for people."""
