"""Requests with an Idempotency-Key: what identifies them, and which replies are kept in receipts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import unquote

import msgspec

from lambdas.accounts.business_time import given_time
from lambdas.accounts.commands import Command
from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, Idempotency
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.httpapi.conditional import EntityTags
from lambdas.httpapi.problems import problem_reply
from lambdas.httpapi.replies import Reply, remember
from lambdas.httpapi.requests import Request
from lambdas.service.derived_ids import derived_uuid, digest

TIME_TO_LIVE = timedelta(days=7)
REMEMBERED_PROBLEMS = frozenset({412, 422})

_encode = msgspec.json.Encoder().encode


def idempotency_of(
    request: Request,
    command: Command,
    scope: str,
    respond: Callable[[Committed[Account]], Reply],
) -> Idempotency[Account] | None:
    """What the request's receipt holds; None without a key. `scope` is the account that the key belongs to."""
    key = request.idempotency_key
    if key is None:
        return None

    def reject(error: Exception) -> str | None:
        reply = problem_reply(error, request.correlation_id)
        return remember(reply) if reply.status in REMEMBERED_PROBLEMS else None

    return Idempotency(
        scope=scope,
        key=key,
        request_hash=request_hash(request.method, unquote(request.path), command, request.entity_tags("If-Match")),
        ttl=int(TIME_TO_LIVE.total_seconds()),
        respond=lambda committed: remember(respond(committed)),
        reject=reject,
    )


def request_hash(method: str, path: str, command: Command, if_match: EntityTags | None) -> bytes:
    """SHA-256 over method, path, body and If-Match, each preceded by its length in 4 bytes. Equal: the same request.

    The body counts by its content: white space, the order of keys and the spelling of a moment do not matter.
    Raises InvalidFieldError for an `occurred_at` that is no acceptable moment.
    """
    if isinstance(command.occurred_at, msgspec.UnsetType):
        body = _encode(command)
    else:
        occurred_at = format_timestamp(given_time(command.occurred_at))
        body = _encode(msgspec.structs.replace(command, occurred_at=occurred_at))
    parts = (method.encode(), path.encode(), body, if_match.canonical().encode() if if_match else b"")
    return digest(*parts)


def derived_account_id(caller: str, key: str) -> str:
    """The id of the account that this caller opens with this key."""
    return derived_uuid(caller, key)
