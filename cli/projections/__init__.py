"""Show, rebuild, compare and switch the read models."""
