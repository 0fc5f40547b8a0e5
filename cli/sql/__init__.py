"""`daybook sql`: ask the lake in Athena's SQL."""
