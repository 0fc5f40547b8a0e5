"""The parameters and headers of the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from lambdas.contracts.examples import ACCOUNT_ID, OTHER_ACCOUNT_ID
from lambdas.contracts.http import COMMAND_ID_PATTERN
from lambdas.contracts.json_schema import Document, one_value_of
from lambdas.contracts.limits import DEFAULT_PAGE, LARGEST_PAGE, MOST_DAYS, MOST_IDS
from lambdas.contracts.reply_examples import COMMAND_ID, CORRELATION_ID, NEXT_ACCOUNTS

_NEXT_PAGE: Final = "MjI"
_TAGS = r'(W/)?"[!#-~]*"'
_ENTITY_TAGS: Final = {"type": "string", "pattern": rf"^(\*|[ \t,]*{_TAGS}([ \t]*,[ \t,]*{_TAGS})*[ \t,]*)$"}
_KEY: Final = {"type": "string", "pattern": r'^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$'}
_COMMAND_ID: Final = {"type": "string", "pattern": COMMAND_ID_PATTERN, "maxLength": 64}
_COMMAND_KEY: Final = {
    "type": "string",
    "pattern": '^({0}|"{0}")$'.format(COMMAND_ID_PATTERN[1:-1]),
    "maxLength": 66,
}
_ID: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_CURSOR: Final = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}
_CURRENCY: Final = {"type": "string", "pattern": "^[A-Z]{3}$"}
_DAY: Final = {"type": "string", "format": "date"}
_VERSION: Final = {"type": "integer", "minimum": 1, "maximum": 10**16 - 1}


def _parameter(
    place: str, name: str, schema: Document, description: str, example: Any, *, required: bool = False
) -> Document:
    parameter = {"in": place, "name": name, "description": description, "schema": schema, "example": example}
    return parameter | {"required": True} if required or place == "path" else parameter


PARAMETERS: Final[Document] = {
    "AccountId": _parameter(
        "path",
        "account_id",
        {
            "type": "string",
            "pattern": f"^{_ID}$",
        },
        "A UUID in lower case.",
        ACCOUNT_ID,
    ),
    "CommandId": _parameter(
        "path",
        "command_id",
        _COMMAND_ID,
        "The `command_id` of the answer that accepted the command.",
        COMMAND_ID,
    ),
    "Version": _parameter(
        "query", "version", _VERSION, "The account as it was at this version; 404 beyond the newest.", 3
    ),
    "At": _parameter(
        "query",
        "at",
        {"type": "string", "format": "date-time"},
        "The account as the ledger knew it at this time, cut to milliseconds. Always answered up to the account's "
        "newest `updated_at`; 400 beyond that and more than 5 minutes in the future, 404 before the first event. "
        "While the answer may still change, it carries `Daybook-Settled: false`.",
        "2026-03-01T09:30:00Z",
    ),
    "MinVersion": _parameter(
        "query",
        "min_version",
        _VERSION,
        "Read your writes: 503 with Retry-After while the account is at a lower version, or about to be opened by a "
        "stored command.",
        3,
    ),
    "Limit": _parameter(
        "query",
        "limit",
        {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": DEFAULT_PAGE},
        "The most events on a page.",
        DEFAULT_PAGE,
    ),
    "Cursor": _parameter(
        "query",
        "cursor",
        _CURSOR,
        "`next_cursor` of the page before; opaque.",
        _NEXT_PAGE,
    ),
    "EventVersion": _parameter("path", "version", _VERSION, "The event's version.", 3),
    "Before": _parameter(
        "query",
        "before",
        {**_VERSION, "minimum": 2},
        "`next_before` of the page before: only rows of lower versions. Left out: from the newest on.",
        23,
    ),
    "ListLimit": _parameter(
        "query",
        "limit",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": LARGEST_PAGE,
        },  # a default would be sent beside ids by some clients
        f"The most accounts on a page; {DEFAULT_PAGE} if left out.",
        DEFAULT_PAGE,
    ),
    "ListCursor": _parameter(
        "query",
        "cursor",
        _CURSOR,
        "`next_cursor` of the page before, with the same `status` and `currency`; opaque. It goes on in the generation "
        "of the read model that it began in. Once that is gone, it is 400: begin again without it.",
        NEXT_ACCOUNTS,
    ),
    "Status": _parameter("query", "status", one_value_of("open", "closed"), "Only accounts of this status.", "open"),
    "CurrencyFilter": _parameter("query", "currency", _CURRENCY, "Only accounts in this currency.", "EUR"),
    "Ids": _parameter(
        "query",
        "ids",
        {"type": "string", "pattern": f"^{_ID}(,{_ID}){{0,{MOST_IDS - 1}}}$"},
        f"1 to {MOST_IDS} account ids, each once, with commas between. Unknown ones are left out of the answer.",
        f"{ACCOUNT_ID},{OTHER_ACCOUNT_ID}",
    ),
    "MinVersionOfIds": _parameter(
        "query",
        "min_version",
        _VERSION,
        "Read your writes, beside `ids` only: 503 with Retry-After while the read model has any of these accounts at a "
        "lower version, or does not know it.",
        3,
    ),
    "From": _parameter("query", "from", _DAY, "The first day, in UTC.", "2026-03-01", required=True),
    "To": _parameter(
        "query",
        "to",
        _DAY,
        f"The last day, in UTC: at most {MOST_DAYS} days from the first, with both counted.",
        "2026-03-31",
        required=True,
    ),
    "Currency": _parameter(
        "query", "currency", _CURRENCY, "The totals of accounts in this currency.", "EUR", required=True
    ),
    "IfMatch": _parameter(
        "header",
        "If-Match",
        _ENTITY_TAGS,
        "Proceed only if the account is at one of these versions, else 412. Weak tags never match.",
        '"22"',
    ),
    "IfNoneMatch": _parameter(
        "header", "If-None-Match", _ENTITY_TAGS, "304 if the account is at one of these versions.", '"22"'
    ),
    "IdempotencyKey": _parameter(
        "header",
        "Idempotency-Key",
        _KEY,
        "A request repeated with its key within 7 days gets the first answer again: successes, 412 and 422 are stored. "
        "A key belongs to its caller and the account; for transfers, to the sending one. 1 to 255 visible ASCII "
        "characters, bare or as a quoted string (RFC 8941); the quotes are no part of the key.",
        "5f1c9d4e-order-17",
    ),
    "CommandKey": _parameter(
        "header",
        "Idempotency-Key",
        _COMMAND_KEY,
        "Becomes the command's id, without quotes if it is quoted: 1 to 64 characters of `A-Z a-z 0-9 . _ : -`, not "
        "dots alone. Without a key, an id is generated. The same key with the same bytes gets 202 again and changes "
        "nothing; with other bytes 422. A key belongs to its caller and the account in the path, and does not expire.",
        "5f1c9d4e-order-17",
    ),
    "CorrelationId": _parameter(
        "header",
        "X-Correlation-Id",
        {"type": "string"},
        "Stored with the events and returned, if it is one value of 1 to 64 characters of `A-Z a-z 0-9 . _ : -`. "
        "Anything else is replaced by the gateway's request id, and refuses nothing.",
        CORRELATION_ID,
    ),
}


def _header(description: str, schema: Document | None = None) -> Document:
    return {"description": description, "schema": schema or {"type": "string"}}


HEADERS: Final[Document] = {
    "ETag": _header("The version of the account, quoted.", {"type": "string", "pattern": '^"[1-9][0-9]*"$'}),
    "Location": _header("The account or the command's status, relative to the URL of the request."),
    "IdempotentReplayed": _header("Present when the answer is a repetition of an earlier one.", one_value_of("true")),
    "Settled": _header(
        "Present when the answer to `at` may still change: what is booked within 20 seconds may appear later.",
        one_value_of("false"),
    ),
    "Lag": _header(
        "How far the read model was behind the ledger when that was last measured, which is every minute: events that "
        "it had not folded, a semicolon, and the seconds that the oldest of them had waited, rounded up. Of a long "
        "backlog not all events are counted: then there are at least so many. If the measurement is older than two "
        "minutes, its age is added to the seconds. Absent if nothing was measured.",
        {"type": "string", "pattern": "^[0-9]+;[0-9]+$"},
    ),
    "CorrelationId": _header("The correlation id of the request."),
    "CacheControl": _header("Account data must not be stored by caches.", one_value_of("no-store")),
    "RetryAfter": _header("Seconds to wait.", {"type": "string", "pattern": "^[0-9]+$"}),
}
