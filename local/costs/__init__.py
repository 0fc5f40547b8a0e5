"""What an environment costs: counted in its templates, at the prices of one file."""
