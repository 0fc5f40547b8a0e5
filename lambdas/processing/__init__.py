"""From the commands table's stream to the end state of every command."""
