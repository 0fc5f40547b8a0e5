"""API Gateway on one machine: a proxy for the integrations that the emulator cannot run itself."""
