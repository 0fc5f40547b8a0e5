"""The reading side of a read model, for routes."""
