"""The `daybook` command for operators."""
