"""`$context`: what API Gateway knows about a request besides its content."""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from datetime import datetime
from typing import Any

_CHOSEN = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")


def request_context(
    *, now: datetime, api_id: str, stage: str, method: str, path: str, resource_path: str, chosen_id: str | None = None
) -> dict[str, Any]:
    """The context of a request that arrives `now` (UTC), without IAM: there is no caller.

    `path` is the one sent, without the stage. requestTime is in the Common Log Format, requestTimeEpoch in
    milliseconds. The extended id is base64 of random bytes, with a "=" at its end, as API Gateway's. `chosen_id` is the
    request id that the client sets (header x-amzn-RequestId), which API Gateway allows. Which ids it accepts is not
    documented; here it is any printable ASCII.
    """
    return {
        "apiId": api_id,
        "stage": stage,
        "httpMethod": method,
        "path": f"/{stage}{path}",
        "resourcePath": resource_path,
        "requestId": chosen_id if chosen_id and _CHOSEN.fullmatch(chosen_id) else str(uuid.uuid4()),
        "extendedRequestId": base64.b64encode(secrets.token_bytes(11)).decode(),
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now.timestamp()) * 1000 + now.microsecond // 1000,
        "identity": {"caller": ""},
    }
