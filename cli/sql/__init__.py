"""Query the lake in Athena's SQL."""
