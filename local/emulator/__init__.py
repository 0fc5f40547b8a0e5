"""The local AWS: the emulator, its ports, the deployment of the stacks on it, and the logs of its functions."""
