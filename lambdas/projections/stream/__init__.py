"""What reads the stream of domain events: the projector, and the measurement of how far it is behind."""
