"""`$context`: what API Gateway knows of a request besides what it says."""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from datetime import datetime
from typing import Any

_CHOSEN = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")


def request_context(
    *, now: datetime, api_id: str, stage: str, method: str, resource_path: str, chosen_id: str | None = None
) -> dict[str, Any]:
    """The context of a request that arrives `now` (UTC), without IAM: nobody is the caller.

    requestTime is in the Common Log Format, requestTimeEpoch in milliseconds. The extended id is base64 of random
    bytes, with a "=" at its end, as API Gateway's. `chosen_id` is the request's id as the client wants it (header
    x-amzn-RequestId), which API Gateway allows; what it takes for one is not documented, here any printable ASCII.
    """
    return {
        "apiId": api_id,
        "stage": stage,
        "httpMethod": method,
        "resourcePath": resource_path,
        "requestId": chosen_id if chosen_id and _CHOSEN.fullmatch(chosen_id) else str(uuid.uuid4()),
        "extendedRequestId": base64.b64encode(secrets.token_bytes(11)).decode(),
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now.timestamp()) * 1000 + now.microsecond // 1000,
        "identity": {"caller": ""},
    }
