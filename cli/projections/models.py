"""The read models of an environment: their ports, and the names of what is deployed for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from botocore.config import Config

from cli.environments.ledger import ONE_ATTEMPT
from cli.environments.place import Place
from cli.errors import PlaceError
from cli.projections.executions import Executions
from lambdas.projections.control import ControlRow
from lambdas.projections.dynamodb.read_model import open_table
from lambdas.projections.lag import Positions
from lambdas.projections.projection import AnyProjection
from lambdas.projections.read_model import AccountRow, ReadModel
from lambdas.projections.registry import PROJECTIONS
from lambdas.projections.segments import Segments
from lambdas.projections.stream.measuring import LagMeter

STACK: Final = "Projections"
TABLE, PROJECTOR, REBUILD = "TableName", "ProjectorName", "RebuildArn"
"""Endings of the stack's outputs for each projection."""

AGAIN: Final = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 8, "mode": "standard"})
INVOCATION_SECONDS: Final = 120
"""Longer than a projector may run: a client that times out does not know the outcome."""
ONCE: Final = Config(connect_timeout=5, read_timeout=INVOCATION_SECONDS, retries={"total_max_attempts": 1})


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One read model. `projector` names its function, `dynamodb` is boto3's client for walking its table."""

    projection: AnyProjection
    table: str
    projector: str
    rows: ReadModel[Any]
    control: ControlRow
    segments: Segments
    positions: Positions
    executions: Executions
    dynamodb: Any
    functions: Any

    @property
    def name(self) -> str:
        """The projection's."""
        return self.projection.name

    def stopped(self, generation: int) -> Iterator[AccountRow[Any]]:
        """The accounts that are stopped in a generation."""
        return self.rows.stopped(generation)


Models: TypeAlias = Mapping[str, Model]
"""By the projection's name, in the order of the registry."""


def prefix(name: str) -> str:
    """How the outputs of a projection begin: `AccountSummaries` for account_summaries."""
    return "".join(word.capitalize() for word in name.split("_"))


def open_models(place: Place) -> Models:
    """All read models that the stack of an environment holds. Raises PlaceError."""
    outputs = place.outputs(STACK)
    rows, walk = place.client("dynamodb", ONE_ATTEMPT), place.client("dynamodb", AGAIN)
    states, functions = place.client("stepfunctions", AGAIN), place.client("lambda", ONCE)
    try:
        return {each.name: _model(each, outputs, rows, walk, states, functions) for each in PROJECTIONS}
    except KeyError as error:
        raise PlaceError(f"The projections stack of {place.environment} has no output {error.args[0]}.") from None


def open_meter(place: Place) -> LagMeter:
    """A meter on the environment's stream. Raises PlaceError."""
    return LagMeter(place.client("kinesis", AGAIN), place.output("DomainEvents", "DomainEventStreamName"))


def _model(
    projection: AnyProjection, outputs: Mapping[str, str], rows: Any, walk: Any, states: Any, functions: Any
) -> Model:
    named = {ending: outputs[f"{prefix(projection.name)}{ending}"] for ending in (TABLE, PROJECTOR, REBUILD)}
    table = open_table(rows, named[TABLE], projection)
    return Model(
        projection=projection,
        table=named[TABLE],
        projector=named[PROJECTOR],
        rows=table,
        control=table.control,
        segments=table.segments,
        positions=table.positions,
        executions=Executions(states, named[REBUILD]),
        dynamodb=walk,
        functions=functions,
    )
