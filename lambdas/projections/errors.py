"""What can go wrong with read models. `str()` of each is a sentence for an operator.

ProjectionError
├── UnknownProjectionError     no projection has that name
├── ReadModelUnavailableError  the table does not answer, within the time there is
├── StreamUnavailableError     the stream of domain events does not answer
├── CorruptItemError           an item of the table is not what this release writes there
├── AdditionRefusedError       the table does not take what is to be added to a shared row
├── RowChangedError            somebody else has written the row meanwhile; it carries the row
├── ControlChangedError        somebody else has changed the control row meanwhile
├── NotBuiltError              no generation is live yet
├── CursorError                a place in a listing that the listing does not have
│   └── GenerationGoneError    a generation that the control row does not name (any more)
└── ControlError               what was asked is not possible now: the sentence says what is
    └── RebuildRunningError    another rebuild is under way; it carries its id
"""

from __future__ import annotations

from typing import Any


class ProjectionError(Exception):
    """The base of all."""


class UnknownProjectionError(ProjectionError):
    """No projection has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no projection {name}.")
        self.name = name


class ReadModelUnavailableError(ProjectionError):
    """The table of a read model did not answer, or refused, until the deadline. Trying again later is safe."""


class StreamUnavailableError(ProjectionError):
    """A shard of the stream of domain events could not be read, so that nothing can be said of the lag."""


class CorruptItemError(ProjectionError):
    """An item of the table cannot be read. A rebuild makes all items of a generation anew."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"The item {key} cannot be read: {reason}.")
        self.key = key


class AdditionRefusedError(ProjectionError):
    """The table does not add to a shared row: a measure would have more than 38 digits, or is no number there.

    Nothing was written, and trying again does not help.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"Nothing can be added to the row {key}: {reason}.")
        self.key = key


class RowChangedError(ProjectionError):
    """An account's row is not what it was when it was read: `current` is what it is now, an `AccountRow`."""

    def __init__(self, current: Any) -> None:
        super().__init__("The row was changed by somebody else.")
        self.current = current


class ControlChangedError(ProjectionError):
    """The control row is not what it was when it was read."""


class NotBuiltError(ProjectionError):
    """No generation is live: `daybook projections rebuild` builds the first one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The read model {name} has not been built yet: `daybook projections rebuild {name}` builds it."
        )
        self.name = name


class CursorError(ProjectionError):
    """A cursor names a place that the listing does not have: it is of another listing, or was made up."""


class GenerationGoneError(CursorError):
    """The control row does not name the generation: it was dropped, or is not built yet."""

    def __init__(self, generation: int) -> None:
        super().__init__(f"Generation {generation} is not there.")
        self.generation = generation


class ControlError(ProjectionError):
    """A generation cannot be started, switched to or dropped now."""


class RebuildRunningError(ControlError):
    """A rebuild is under way: `rebuild` is its id."""

    def __init__(self, rebuild: str) -> None:
        super().__init__(f"The rebuild {rebuild} is under way.")
        self.rebuild = rebuild
