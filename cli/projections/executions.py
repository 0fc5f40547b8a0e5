"""The state machine of a projection's rebuilds. An execution has the id of its rebuild as its name."""

from __future__ import annotations

import contextlib
from typing import Any, Final, Literal

import msgspec
from botocore.exceptions import ClientError

from lambdas.projections.control import Building

MOST_CHARACTERS: Final = 300
"""Of a cause that are shown."""

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"]


class Execution(msgspec.Struct, frozen=True):
    """How an execution stands. `cause` is a sentence without a full stop, empty unless it has failed."""

    status: Status
    cause: str = ""

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.status == "RUNNING"


class Executions:
    """Starts and finds executions. Every method raises ClientError, BotoCoreError."""

    def __init__(self, client: Any, machine: str) -> None:
        self._client = client
        self._machine = machine

    def find(self, rebuild: str) -> Execution | None:
        """The execution of a rebuild; None: it was never started, or ended over 90 days ago."""
        try:
            found = self._client.describe_execution(executionArn=self._arn(rebuild))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise
            return None
        why = found
        if found["status"] == "FAILED":
            with contextlib.suppress(ClientError):  # whoever may not look at segments hears of the whole
                why = self._failed_segment(found["executionArn"]) or found
        return Execution(found["status"], told(why.get("error", ""), why.get("cause", "")))

    def start(self, building: Building) -> None:
        """Start the execution of a rebuild. It is the same one however often it is started.

        Source: AWS Step Functions API Reference, StartExecution: it is idempotent for standard workflows, by name and
        input, and a name cannot be used again for 90 days.
        """
        segments = [{"segment": number} for number in range(building.segments)]
        given = {
            "generation": building.generation,
            "rebuild": building.rebuild,
            "segments": segments,
            "count": building.segments,
        }
        try:
            self._client.start_execution(
                stateMachineArn=self._machine, name=building.rebuild, input=msgspec.json.encode(given).decode()
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise

    def stop(self, rebuild: str) -> None:
        """Stop the execution of a rebuild; nothing if there is none, or if it has ended."""
        try:
            self._client.stop_execution(executionArn=self._arn(rebuild), cause="The generation was dropped.")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionDoesNotExist":
                raise

    def _failed_segment(self, execution: str) -> Any:
        """The first segment that failed: the whole says no more than that one did. None: it was not a segment.

        Source: AWS Step Functions API Reference, ListMapRuns and ListExecutions (`mapRunArn`).
        """
        for run in self._client.list_map_runs(executionArn=execution)["mapRuns"]:
            failed = self._client.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED", maxResults=1)
            for each in failed["executions"]:
                return self._client.describe_execution(executionArn=each["executionArn"])
        return None

    def _arn(self, rebuild: str) -> str:
        return f"{self._machine.replace(':stateMachine:', ':execution:')}:{rebuild}"


class _FunctionError(msgspec.Struct, rename="camel"):
    error_message: str


def told(error: str, cause: str) -> str:
    """Why an execution failed, without control characters, and cut. A function's error says it in JSON.

    Source: AWS Step Functions Developer Guide, "Handling errors in Step Functions workflows".
    """
    with contextlib.suppress(msgspec.MsgspecError, UnicodeError):
        cause = msgspec.json.decode(cause, type=_FunctionError).error_message
    words = ": ".join(each for each in (error, cause) if each)
    return "".join(each if each.isprintable() else " " for each in words[:MOST_CHARACTERS]).rstrip(". ")
