"""SQL over the lake, in Athena's dialect, one statement a file. `analytics.catalog` finds and fills it in."""
