"""Builds each deployed function from its environment variables: the only place where its parts are chosen."""
