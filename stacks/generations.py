"""The names of what belongs to one generation of the ledger.

A restore makes new tables, and they are the next generation. Their construct ids hold its number, so that
CloudFormation sees new resources, which it can import, and every template new references to them. Standard library
only: the command that restores reads the names without the CDK.
"""

from typing import Final

EVENTS: Final = "Events"
RECEIPTS: Final = "Receipts"
COMMANDS: Final = "Commands"
TABLES: Final = (EVENTS, RECEIPTS, COMMANDS)
"""Construct ids of the tables in the ledger stack."""

FIRST: Final = 1


def generation_id(name: str, generation: int) -> str:
    """The construct id of `name` in a generation; the first generation is called as if there were no other.

    It is also the logical id of a table of a later generation, which the import's mapping names.
    """
    return name if generation == FIRST else f"{name}Generation{generation}"
