"""The AWS account that is examined: questions to it, and what several checks want to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.doctor.errors import DeniedError, NotThereError, SilentError, UnknownRequestError
from cli.doctor.permissions import action
from cli.errors import plain
from stacks.environment import Environment

QUICK: Final = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2, "mode": "standard"})
"""An account that does not answer is found out in seconds, not in minutes."""

DENIED: Final = frozenset({
    "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
    "UnauthorizedOperation",
})  # fmt: skip
ABSENT: Final = frozenset({
    "EntityNotFoundException", "NotFound", "NotFoundException", "ParameterNotFound", "ResourceNotFoundException",
})  # fmt: skip
UNKNOWN: Final = frozenset({
    "InvalidAction", "NotImplemented", "UnknownOperationException", "UnsupportedOperation"
})  # fmt: skip
REFUSED: Final = frozenset({
    "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidClientTokenId", "InvalidSignatureException",
    "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException",
})  # fmt: skip
"""Codes of errors, as the services' API references name them. A service that speaks of none has a number for it."""


class Account:
    """Asks AWS, one question after another. `config` is the environment that is, or will be, deployed there."""

    def __init__(
        self,
        config: Environment,
        client: Callable[[str, Config], Any],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.config = config
        self.now = now
        self.answers = 0
        """How many questions AWS answered, with an error or without."""
        self._client = cache(client)

    @cached_property
    def region(self) -> str:
        """The region that is asked."""
        return str(self._client("sts", QUICK).meta.region_name)

    def ask(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one request. Raises UnansweredError, NotThereError, and ClientError for any other refusal."""
        needed = action(service, operation)
        try:
            answer = getattr(self._client(service, QUICK), operation)(**parameters)
        except ClientError as error:
            self.answers += 1
            raise _meant(error, service, operation, needed) from error
        except BotoCoreError as error:
            raise SilentError(f"{service} did not answer: {plain(error)}") from error
        self.answers += 1
        return dict(answer)

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """What all pages of an answer list under `key`. Raises what `ask` raises."""
        token: dict[str, str] = {}
        while True:
            answer = self.ask(service, operation, **parameters, **token)
            yield from answer.get(key, [])
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}

    @cached_property
    def stacks(self) -> dict[str, dict[str, Any]]:
        """The environment's stacks by the last part of their names, such as `Ledger`, without those that were deleted.

        Raises UnansweredError.
        """
        prefix = f"Daybook-{self.config.name}-"
        return {
            each["StackName"].removeprefix(prefix): each
            for each in self.pages("cloudformation", "describe_stacks", "Stacks")
            if each["StackName"].startswith(prefix)
        }

    def is_deployed(self, stack: str) -> bool:
        """Whether that stack is there and was once complete. Raises UnansweredError."""
        return self.stacks.get(stack, {}).get("StackStatus", "") in COMPLETE

    def output(self, stack: str, name: str) -> str | None:
        """An output of a stack; None where it has none yet. Raises UnansweredError."""
        outputs = self.stacks.get(stack, {}).get("Outputs", [])
        return next((str(each["OutputValue"]) for each in outputs if each["OutputKey"] == name), None)


COMPLETE: Final = frozenset({
    "CREATE_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_FAILED",
})  # fmt: skip
"""States of a stack that was created. Source: CloudFormation User Guide, "Stack status codes"."""


def _meant(error: Any, service: str, operation: str, needed: str) -> Exception:
    code = str(error.response["Error"].get("Code", ""))
    message = str(error.response["Error"].get("Message", ""))
    if code in DENIED:
        return DeniedError(needed)
    if code in ABSENT or "does not exist" in message or "not found" in message.lower():
        return NotThereError(message or code)
    if code in UNKNOWN or code.isdigit():
        return UnknownRequestError(f"{service} does not know the request {operation}")
    refused: Exception = error
    return refused
