"""A small HTTP client for the accounts API: JSON in, JSON out, errors as sentences."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from local.machine.environment import Environment
from local.machine.errors import ExampleFailedError

_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True)
class Answer:
    """An answer of the API; `body` is an object. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]


class Client:
    """Calls the API of one environment, over one connection."""

    def __init__(self, environment: Environment) -> None:
        address = urlsplit(environment.api_url)
        self._base = address.path
        self._headers = {"Content-Type": "application/json", **environment.headers}
        connect = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = connect(address.netloc, timeout=_TIMEOUT_SECONDS)

    def get(self, path: str, *, or_else: int = 200) -> Answer:
        """Send a GET. Raises ExampleFailedError unless the answer is 200, or has the other status that is allowed."""
        return self._send("GET", path, None, expected=(200, or_else))

    def post(self, path: str, body: Mapping[str, object], *, expected: int) -> Answer:
        """Send a POST. Raises ExampleFailedError unless the answer has the expected status."""
        return self._send("POST", path, json.dumps(body), expected=(expected,))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, method: str, path: str, body: str | None, *, expected: tuple[int, ...]) -> Answer:
        try:
            self._connection.request(method, self._base + path, body=body, headers=self._headers)
            response = self._connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ExampleFailedError(f"{method} {path} got no answer: {error}") from error
        text = raw.decode("utf-8", errors="replace")
        if response.status not in expected:
            raise ExampleFailedError(
                f"{method} {path} answered {response.status}, and the example expects {expected[0]}.",
                detail=text[:2000],
            )
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, _object(f"{method} {path}", text))


def _object(what: str, text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ExampleFailedError(f"{what} did not answer with a JSON object.", detail=text[:2000])
    return found
