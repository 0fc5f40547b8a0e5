"""A deployed API over HTTP, one connection a request; nothing is tidied up before it is sent."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.unit.httpapi.suite.api import Answer, Api, Call

TIMEOUT_SECONDS = 30


@dataclass
class HttpApi(Api):
    """Sends requests to `url`, with `common_headers` on each."""

    common_headers: Mapping[str, str] = field(default_factory=dict)

    def exchange(self, call: Call) -> Answer:
        place = urlsplit(self.url)
        connect = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = connect(place.hostname or "", place.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.putrequest(call.method, place.path + call.target, skip_accept_encoding=True)
            for name, value in (*self.common_headers.items(), *call.headers):
                connection.putheader(name, value)
            if call.body is not None or call.method == "POST":
                connection.putheader("Content-Length", str(len(call.body or b"")))
            connection.endheaders(call.body)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body)
