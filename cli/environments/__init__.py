"""Where an environment is, and clients that reach it."""
