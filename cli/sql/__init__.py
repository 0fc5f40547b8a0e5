"""Ask the lake in Athena's SQL."""
