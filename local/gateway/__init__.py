"""API Gateway's border on one machine: what the emulator cannot do itself, done as the deployed API says."""
