"""API Gateway's requests to DynamoDB for asynchronous commands, and its answers to the client.

The `.vtl` files beside this module are API Gateway mapping templates (Velocity, with `$input`, `$util` and `$context`).
This module fills in `{{name}}` in them: the table, and the texts of the API's contract. Sources: API Gateway Developer
Guide, "Mapping template and access logging variable reference" and "Override your API's request and response
parameters"; Apache Velocity 1.7 User Guide.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lambdas.contracts import problems
from lambdas.contracts.problems import PROBLEM_MEDIA_TYPE, ProblemType
from lambdas.httpapi.bodies import MAX_BODY_BYTES, MEDIA_TYPE_PATTERN, NOT_ENCODED, ONE_MEDIA_TYPE
from lambdas.httpapi.idempotency_keys import TOKEN
from lambdas.httpapi.requests import ANONYMOUS, NO_ACCOUNT_ID, UNKNOWN_REQUEST
from lambdas.httpapi.routing import NO_SLASH
from lambdas.inbox import table
from lambdas.service.keys import CALLER_PATTERN, SEPARATOR
from stacks.command_templates.fields import field_checks, field_refusals

POLL_SECONDS: Final = 1
"""After how many seconds a client may ask again about a command that is PENDING."""

_UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ENCODED_TOKEN_PATTERN = "([A-Za-z0-9._:-]|%[0-9A-Fa-f]{2}){1,64}"  # noqa: S105 - of ids in a URL
_ENCODED_UUID_PATTERN = "([0-9a-f-]|%[0-9A-Fa-f]{2}){36}"
_NOT_A_KEY = (
    "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -, not dots alone, bare or in quotation marks: this route "
    "takes no other keys"
)
_BUSY = (
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "TransactionConflictException",  # the command is stored, and its end is being written
)
_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")
_NO_STORE = {"Cache-Control": "'no-store'"}


@dataclass(frozen=True, kw_only=True)
class IntegrationAnswer:
    """The answer to the client for one kind of DynamoDB's answers.

    `selection_pattern` is matched with the HTTP status of DynamoDB's answer; None matches what no other pattern does.
    The client gets `status` unless `template` overrides it. `headers` are mapping expressions, fixed values in single
    quotes; the template adds its own (Content-Type of problems, X-Correlation-Id, Location, Retry-After).
    """

    selection_pattern: str | None
    status: int
    template: str
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_STORE)


def submit_request(table_name: str) -> str:
    """POST …/commands: the `UpdateItem` on the commands table."""
    return _filled("submit_request", table_name=table_name)


def submit_answers() -> tuple[IntegrationAnswer, ...]:
    """The answers of POST …/commands: 202, or a problem."""
    return (
        IntegrationAnswer(selection_pattern="200", status=202, template=_filled("submit_accepted")),
        IntegrationAnswer(selection_pattern=r"4\d{2}", status=400, template=_filled("submit_refused")),
        IntegrationAnswer(selection_pattern=None, status=503, template=_filled("submit_failed")),
    )


def status_request(table_name: str) -> str:
    """GET …/commands/{command_id}: the `GetItem` on the commands table."""
    return _filled("status_request", table_name=table_name)


def status_answers() -> tuple[IntegrationAnswer, ...]:
    """The answers of GET …/commands/{command_id}: 200, or a problem."""
    return (
        IntegrationAnswer(selection_pattern="200", status=200, template=_filled("status_found")),
        IntegrationAnswer(selection_pattern=r"4\d{2}", status=400, template=_filled("status_refused")),
        IntegrationAnswer(selection_pattern=None, status=503, template=_filled("status_failed")),
    )


def _problem(kind: ProblemType, offender: str | None = None, reason: str = "") -> str:
    """VTL that answers with a problem. Its detail is the reason, and names the field `offender`."""
    document: dict[str, object] = {"type": kind.uri, "title": kind.title, "status": kind.status}
    if offender is not None:
        document |= {"detail": f"{offender}: {reason}", "field": offender}
    elif reason:
        document |= {"detail": reason}
    lines = [
        f"#set($context.responseOverride.status = {kind.status})",
        f"#set($context.responseOverride.header.Content-Type = '{PROBLEM_MEDIA_TYPE}')",
    ]
    if kind.retry_after is not None:
        lines.append(f"#set($context.responseOverride.header.Retry-After = '{kind.retry_after}')")
    lines.append(json.dumps({**document, "correlation_id": "$correlation_id"}))
    return "\n".join(lines)


def _field_refusals() -> str:
    answers = field_refusals(lambda name, reason: _problem(problems.INVALID_REQUEST, name, reason))
    return "\n".join(f"#elseif($message.contains('#{name}'))\n{answer}" for name, answer in answers.items())


_REFUSALS = {
    "refused_path": "refusedPath",
    "refused_account_id": "refusedAccountId",
    "refused_if_match": "refusedIfMatch",
    "refused_idempotency_key": "refusedIdempotencyKey",
    "refused_caller": "refusedCaller",
    "refused_empty_body": "refusedEmptyBody",
    "refused_body_size": "refusedBodySize",
    "refused_media_type": "refusedMediaType",
}
"""Names by which DynamoDB's error tells why the template refused a request. No name may be the beginning of another."""

_PROBLEMS = {
    "path_not_found": _problem(problems.PATH_NOT_FOUND, reason=NO_SLASH),
    "invalid_account_id": _problem(problems.INVALID_REQUEST, table.HASH_KEY, NO_ACCOUNT_ID),
    "invalid_if_match": _problem(problems.INVALID_REQUEST, "If-Match", "must be left out: no version is known by then"),
    "invalid_idempotency_key": _problem(problems.INVALID_REQUEST, "Idempotency-Key", _NOT_A_KEY),
    "invalid_empty_body": _problem(problems.INVALID_REQUEST, "body", "is empty: it must be a JSON object"),
    "forbidden": _problem(problems.FORBIDDEN),
    "payload_too_large": _problem(problems.PAYLOAD_TOO_LARGE, reason=f"at most {MAX_BODY_BYTES} bytes are taken"),
    "unsupported_media_type": _problem(problems.UNSUPPORTED_MEDIA_TYPE, reason=ONE_MEDIA_TYPE),
    "idempotency_key_reused": _problem(problems.IDEMPOTENCY_KEY_REUSED),
    "command_not_found": _problem(problems.COMMAND_NOT_FOUND),
    "too_many_requests": _problem(problems.TOO_MANY_REQUESTS),
    "not_applied": _problem(problems.NOT_APPLIED),
    "outcome_unknown": _problem(problems.OUTCOME_UNKNOWN),
    "store_unavailable": _problem(problems.STORE_UNAVAILABLE),
}

_VALUES = {
    **_REFUSALS,
    **_PROBLEMS,
    "field_checks": field_checks(),
    "field_refusals": _field_refusals(),
    "media_type_pattern": MEDIA_TYPE_PATTERN,
    "not_encoded": NOT_ENCODED,
    "is_busy": " || ".join(f"$type.endsWith('{name}')" for name in _BUSY),
    "token_pattern": TOKEN,
    "uuid_pattern": _UUID_PATTERN,
    "encoded_token_pattern": _ENCODED_TOKEN_PATTERN,
    "encoded_uuid_pattern": _ENCODED_UUID_PATTERN,
    "unknown_request": UNKNOWN_REQUEST,
    "max_body_bytes": str(MAX_BODY_BYTES),
    "poll_seconds": str(POLL_SECONDS),
    "pending": table.PENDING,
    "anonymous": ANONYMOUS,
    "caller_pattern": CALLER_PATTERN,
    "separator": SEPARATOR,
    "up_to_separator": f"^[^{SEPARATOR}]*{SEPARATOR}",
}


_PARTS = ("correlation", "caller")
"""Templates that stand in others."""


def _filled(name: str, **values: str) -> str:
    """A template with its placeholders filled, without comments. Raises KeyError for a placeholder without a value."""
    known = {**_VALUES, **values}
    text = _source(name)
    for part in _PARTS:
        text = text.replace(f"{{{{{part}}}}}", _source(part).rstrip())
    return _PLACEHOLDER.sub(lambda match: known[match[1]], text)


def _source(name: str) -> str:
    lines = (Path(__file__).parent / f"{name}.vtl").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("##"))
