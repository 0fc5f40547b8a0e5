"""Requests with an Idempotency-Key: what identifies them, and which replies are kept in receipts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from lambdas.accounts.business_time import given_time
from lambdas.accounts.commands import Command
from lambdas.accounts.errors import AccountAlreadyExistsError
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, Idempotency
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.httpapi.conditional import EntityTags
from lambdas.httpapi.problems import problem_reply
from lambdas.httpapi.replies import Reply, remember
from lambdas.httpapi.requests import Request
from lambdas.service.derived_ids import derived_uuid, digest
from lambdas.service.keys import stored_key

TIME_TO_LIVE = timedelta(days=7)
REMEMBERED_PROBLEMS = frozenset({412, 422})

_encode = msgspec.json.Encoder(order="sorted").encode
_ABSENT = (None, msgspec.UNSET)


def idempotency_of(
    request: Request,
    command: Command,
    scope: str,
    respond: Callable[[Committed[Account]], Reply],
) -> Idempotency[Account] | None:
    """What the request's receipt holds; None without a key. `scope` is the account that the caller's key belongs to."""
    key = request.idempotency_key
    if key is None:
        return None

    def reject(error: Exception) -> str | None:
        if isinstance(error, AccountAlreadyExistsError):
            return None  # the account's first event tells more, and for ever
        reply = problem_reply(error, request.correlation_id)
        return remember(reply) if reply.status in REMEMBERED_PROBLEMS else None

    return Idempotency(
        scope=scope,
        key=stored_key(request.caller, key),
        request_hash=request_hash(request.method, request.path, command, request.entity_tags("If-Match")),
        ttl=int(TIME_TO_LIVE.total_seconds()),
        respond=lambda committed: remember(respond(committed)),
        reject=reject,
    )


def request_hash(method: str, path: str, command: Command, if_match: EntityTags | None) -> bytes:
    """SHA-256 over method, path, body and If-Match, each preceded by its length in 4 bytes. Equal: the same request.

    `path` is the contract's, decoded. The body counts by its content (see `canonical_body`). Receipts outlive releases,
    so a request's hash never changes: tests/unit/httpapi/request_hashes.json keeps samples for ever. Raises
    InvalidFieldError for an `occurred_at` that is no acceptable moment.
    """
    parts = (
        method.encode(),
        path.encode(),
        canonical_body(command),
        if_match.canonical().encode() if if_match else b"",
    )
    return digest(*parts)


def canonical_body(command: Command) -> bytes:
    """A command as JSON text that equal commands have in common, in this release and in later ones.

    Its type and its fields, sorted by name, moments in UTC with milliseconds. A field that is absent, null or at its
    default is left out: so an optional field that a release adds changes nothing for requests that do not give it.
    """
    fields: dict[str, Any] = {"type": type(command).__struct_config__.tag}
    for field in msgspec.structs.fields(command):
        value = getattr(command, field.name)
        if value not in _ABSENT and value != field.default:
            fields[field.encode_name] = value
    if isinstance(command.occurred_at, str):
        fields["occurred_at"] = format_timestamp(given_time(command.occurred_at))
    return _encode(fields)


def derived_account_id(caller: str, key: str) -> str:
    """The id of the account that this caller opens with this key."""
    return derived_uuid(caller, key)
