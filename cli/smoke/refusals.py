"""Says of a refusal by AWS which action on which resource was refused, and which policy allows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.smoke.steps import StepFailedError

DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "KMSAccessDeniedException"}
)
"""Error codes of a missing permission. Source: the API references of Kinesis, Lambda and Athena, "Common errors"."""

_OF_KEYS: Final = "KMSAccessDeniedException"
_ACTIONS: Final = {"Invoke": "InvokeFunction"}
"""Where an action is not called like its operation (Service Authorization Reference)."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """What a step uses of AWS: the service as in its actions, a resource, and the output that names the policy."""

    service: str
    resource: str
    policy: str

    def action(self, operation: str, code: str = "") -> str:
        """The action that allows an operation."""
        if code == _OF_KEYS:
            return "kms:Decrypt"
        return f"{self.service}:{_ACTIONS.get(operation, operation)}"


@contextmanager
def using(use: Use, what: str) -> Iterator[None]:
    """Turn AWS's errors into StepFailedError. `what` did not work, then."""
    try:
        yield
    except ClientError as error:
        raise refused(error, use, what) from error
    except BotoCoreError as error:
        raise unreachable(error, use, what) from error


def refused(error: ClientError, use: Use, what: str) -> StepFailedError:
    """The failure that an answer of AWS means."""
    code = error.response["Error"].get("Code", "no code")
    why = error.response["Error"].get("Message") or code
    if code in DENIED:
        needed = f"{use.action(error.operation_name, code)} on {use.resource}"
        return StepFailedError(
            what, why, f"the caller's policies: it needs {needed}, which the policy of the output {use.policy} gives"
        )
    return StepFailedError(what, f"{error.operation_name} ended in {code}: {why}", f"{use.service} and {use.resource}")


def unreachable(error: BotoCoreError, use: Use, what: str) -> StepFailedError:
    """The failure that no answer means."""
    return StepFailedError(
        what, f"{type(error).__name__}: {error}", f"the credentials, the region, and whether {use.service} answers here"
    )
