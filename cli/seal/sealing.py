"""Has the deployed sealer make a seal, and prints what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.environments.place import Place
from cli.errors import CommandError, UnavailableError, plain
from cli.output import Outcome, Output
from cli.progress import Steps
from cli.seal.telling import told
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.transparency.findings import Sealed

Sealer: TypeAlias = Callable[[Mapping[str, Any]], Sealed]
"""Invokes the function with an event. Raises CommandError."""

ALIAS: Final = "live"
PATIENT: Final = Config(connect_timeout=2, read_timeout=910, retries={"total_max_attempts": 1, "mode": "standard"})
"""The function may take fifteen minutes. It is not invoked a second time while it may still run."""

PASSING: Final = frozenset({"LogUnavailableError", "AthenaUnavailableError", "QueryTimeoutError"})
"""The function's errors that another run may not have."""


class _Failure(msgspec.Struct):
    """What Lambda answers when a function fails. Source: AWS Lambda Developer Guide, "Function errors"."""

    errorType: str = "an error"  # noqa: N815 - Lambda's name
    errorMessage: str = ""  # noqa: N815 - Lambda's name


def open_sealer(place: Place) -> Sealer:
    """The sealer of an environment. Raises PlaceError."""
    function, client = place.output("Sealing", "SealerName"), place.client("lambda", PATIENT)

    def invoke(event: Mapping[str, Any]) -> Sealed:
        try:
            answer = client.invoke(FunctionName=function, Qualifier=ALIAS, Payload=msgspec.json.encode(event))
            content = answer["Payload"].read()
        except ClientError as error:
            why = error.response["Error"].get("Message") or error.response["Error"].get("Code", "no reason given")
            raise UnavailableError(f"The function {function} could not be invoked: {why.rstrip('.')}.") from error
        except BotoCoreError as error:
            raise UnavailableError(f"The function {function} could not be invoked: {plain(error)}.") from error
        return sealed(function, content, failed="FunctionError" in answer)

    return invoke


def sealed(function: str, content: bytes, *, failed: bool) -> Sealed:
    """What the function answered. Raises CommandError, UnavailableError."""
    try:
        if not failed:
            return msgspec.json.decode(content, type=Sealed)
        failure = msgspec.json.decode(content, type=_Failure)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CommandError(
            f"The function {function} answered something else than a seal: {content[:200]!r}."
        ) from error
    sentence = f"The sealer failed ({failure.errorType}): {failure.errorMessage.rstrip('.')}."
    raise (UnavailableError if failure.errorType in PASSING else CommandError)(sentence)


def run(sealer: Sealer, through: datetime | None, output: Output, *, rebuild_index: bool) -> Outcome:
    """Seal, maybe after the index was made again. Raises CommandError."""
    event: dict[str, Any] = {} if through is None else {"through": format_timestamp(through)}
    if rebuild_index:
        event["rebuild_index"] = True
    with Steps("Sealing"):
        found = sealer(event)
    return told(found, output)
