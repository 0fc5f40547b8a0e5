"""The same stacks on one machine: an AWS emulator, a deployment, and the worked example."""
