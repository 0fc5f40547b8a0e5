"""Read models: projections of the domain events, with generations that can be rebuilt while the live one is read."""
