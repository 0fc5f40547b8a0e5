"""The AWS that runs here: the emulator, its ports, what is deployed on it, and its functions' logs."""
