"""Check that the transparency log still holds all that it held at an earlier checkpoint."""
