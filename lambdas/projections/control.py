"""The control row of a projection: which generation is live, which is being built, and which is kept for going back.

Every change is a pure function from one `Control` to the next, and is written on the condition that the row is what it
was. A projector reads the row at the beginning of every batch, strongly consistent: an event of a batch was recorded
before that read, so a rebuild that begins to walk the event table after the row names its generation misses nothing.
"""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from lambdas.projections.errors import ControlError, RebuildRunningError


class Building(Struct, frozen=True, kw_only=True):
    """The generation that is being built.

    `walking`: the event table is walked, and live events far ahead of a gate are left to the walk. `settling`: the walk
    is over, and accounts that were left are brought up to date. `built`: it can be compared and switched to.
    `rebuild` is the id of the run that may write progress; who takes a dead run over gives it another.
    """

    generation: int
    rebuild: str
    segments: int
    started_at: str
    state: Literal["walking", "settling", "built"] = "walking"


class Control(Struct, frozen=True, kw_only=True):
    """Generations are numbered from 1 and never used again; 0 stands for none. `newest` is the last number given."""

    live: int = 0
    previous: int = 0
    building: Building | None = None
    newest: int = 0

    @property
    def generations(self) -> tuple[int, ...]:
        """All generations that take events, the live one first."""
        building = self.building.generation if self.building else 0
        return tuple(each for each in (self.live, building, self.previous) if each)

    @property
    def walking(self) -> Building | None:
        """The generation whose rebuild walks the event table now."""
        return self.building if self.building and self.building.state == "walking" else None

    def started(self, rebuild: str, *, segments: int, at: str) -> Control:
        """A rebuild begins with the next generation. Raises RebuildRunningError, ControlError."""
        if self.building is not None and self.building.state != "built":
            raise RebuildRunningError(self.building.rebuild)
        if self.building is not None:
            raise ControlError(f"Generation {self.building.generation} is built: switch to it or drop it first.")
        if self.previous:
            raise ControlError(f"Generation {self.previous} is kept, for a rollback: drop it first.")
        number = self.newest + 1
        building = Building(generation=number, rebuild=rebuild, segments=segments, started_at=at)
        return replace(self, building=building, newest=number)

    def taken_over(self, rebuild: str) -> Control:
        """Another run goes on with the rebuild, which has died. Raises ControlError."""
        return replace(self, building=replace(self._unfinished(), rebuild=rebuild))

    def settling(self, rebuild: str) -> Control:
        """The walk is over. Raises ControlError."""
        return self._advanced(rebuild, "settling")

    def built(self, rebuild: str) -> Control:
        """The generation is complete; where none is live, it is live at once. Raises ControlError."""
        done = self._advanced(rebuild, "built")
        return done if done.live else done.switched()

    def switched(self) -> Control:
        """The generation that was built is live, and the one before is kept. Raises ControlError."""
        if self.building is None or self.building.state != "built":
            raise ControlError("No generation is built: `rebuild` builds one.")
        return replace(self, live=self.building.generation, previous=self.live, building=None)

    def rolled_back(self) -> Control:
        """The generation before is live again, and the one that was live is kept. Raises ControlError."""
        if not self.previous:
            raise ControlError("No earlier generation is kept.")
        return replace(self, live=self.previous, previous=self.live)

    def dropped(self) -> Control:
        """The generation beside the live one takes no more events. Raises ControlError if there is none."""
        if self.building is None and not self.previous:
            raise ControlError("No generation stands beside the live one.")
        return replace(self, building=None, previous=0)

    def _unfinished(self) -> Building:
        if self.building is None or self.building.state == "built":
            raise ControlError("No rebuild is under way.")
        return self.building

    def _advanced(self, rebuild: str, state: Literal["settling", "built"]) -> Control:
        building = self._unfinished()
        if building.rebuild != rebuild:
            raise RebuildRunningError(building.rebuild)
        return replace(self, building=replace(building, state=state))


class ControlRow(Protocol):
    """The control row of one projection. Every method raises ReadModelUnavailableError."""

    def read(self) -> Control:
        """The row, strongly consistent; an empty Control if there is none."""
        ...

    def change(self, before: Control, after: Control) -> None:
        """Write `after` if the row is still `before`. Raises ControlChangedError. Idempotent."""
        ...
