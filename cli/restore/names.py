"""The tables of a generation of the ledger, and their names after a restore.

Every step of a restore finds the restored tables by their names, which follow from the deployed ones and the next
generation: no step leaves a file for the next.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

import msgspec

from cli.environments.place import Place
from cli.errors import PlaceError
from stacks.generations import COMMANDS, EVENTS, RECEIPTS

STACK: Final = "Ledger"
OUTPUTS: Final = {EVENTS: "EventTableName", RECEIPTS: "ReceiptsTableName", COMMANDS: "CommandsTableName"}
"""For the construct id of each table, the stack's output that names it."""

LONGEST: Final = 255
"""Characters of a table's name. Source: DynamoDB Developer Guide, "Quotas", naming rules."""

_RESTORED: Final = re.compile(r"-restored-\d+$")
_DIGEST: Final = 8


class Tables(msgspec.Struct, frozen=True):
    """The names of the three tables of one generation."""

    generation: int
    events: str
    receipts: str
    commands: str

    def by_id(self) -> dict[str, str]:
        """Name by construct id in the ledger stack, the event table first."""
        return {EVENTS: self.events, RECEIPTS: self.receipts, COMMANDS: self.commands}


def deployed_tables(place: Place) -> Tables:
    """The tables that the ledger stack holds now. Raises PlaceError."""
    outputs = place.outputs(STACK)
    try:
        names = {each: outputs[output] for each, output in OUTPUTS.items()}
        generation = int(outputs["LedgerGeneration"])
    except KeyError as error:
        raise PlaceError(f"The ledger stack of {place.environment} has no output {error.args[0]}.") from None
    return Tables(generation, names[EVENTS], names[RECEIPTS], names[COMMANDS])


def restored_tables(deployed: Tables) -> Tables:
    """The tables that a restore makes: the next generation. They need not be there yet."""
    generation = deployed.generation + 1
    return Tables(
        generation,
        restored_name(deployed.events, generation),
        restored_name(deployed.receipts, generation),
        restored_name(deployed.commands, generation),
    )


def restored_name(name: str, generation: int) -> str:
    """The name of a table in a later generation.

    The ending replaces that of an earlier restore. A name that would be too long is cut, and a digest of what it was
    keeps two of them apart.
    """
    original = _RESTORED.sub("", name)
    ending = f"-restored-{generation}"
    room = LONGEST - len(ending)
    if len(original) > room:
        digest = hashlib.sha256(original.encode()).hexdigest()[:_DIGEST]
        original = f"{original[: room - _DIGEST - 1]}-{digest}"
    return original + ending
