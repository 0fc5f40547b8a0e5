"""Try a deployed system out end to end, on an account in the test currency."""
