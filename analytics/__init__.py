"""SQL over the lake, in Athena's dialect, one statement a file. `analytics.catalog` finds them and fills in values."""
