"""Follow one correlation id from the request to the lake."""
