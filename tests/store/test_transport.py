"""What the network does to a real client, and what the store takes it to mean.

The seeded faults rest on botocore's exceptions; here they come from sockets.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from lambdas.eventsourcing.dynamodb_faults import FAILURES, Fault, classify
from tests.support.broken_server import (
    Behaviour,
    answer,
    break_tls,
    hang_up,
    reset,
    say,
    serving,
)
from tests.support.dynamodb_tables import REGION

THROTTLED = b'{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'
REFUSED_WRITE = b'{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}'

BEHAVIOURS: dict[str, tuple[Behaviour, Fault]] = {
    "hangs up": (hang_up, Fault.UNKNOWN),
    "resets": (reset, Fault.UNKNOWN),
    "says half an answer": (answer(200, b"{", promised=100), Fault.UNKNOWN),
    "does not speak HTTP": (say(b"\x00\x01\x02\r\n\r\n"), Fault.UNKNOWN),
    "fails in a balancer": (answer(502, b"<html>Bad Gateway</html>"), Fault.UNKNOWN),
    "is not available": (answer(503, b""), Fault.UNKNOWN),
    "fails inside": (answer(500, b'{"__type": "InternalServerError"}'), Fault.UNKNOWN),
    "throttles": (answer(400, THROTTLED), Fault.REFUSED),
    "refuses a condition": (answer(400, REFUSED_WRITE), Fault.CONDITION),
    "does not know us": (answer(400, b'{"__type": "UnrecognizedClientException"}'), Fault.FATAL),
}


def _client(url: str) -> Any:
    config = Config(connect_timeout=1, read_timeout=0.3, retries={"total_max_attempts": 1, "mode": "standard"})
    session = boto3.Session("test", "test", region_name=REGION)
    return session.client("dynamodb", endpoint_url=url, config=config, verify=False)


def _fault(client: Any) -> Fault:
    item = {"stream_id": {"S": "a"}, "version": {"N": "1"}}
    with pytest.raises(FAILURES) as raised:
        client.put_item(TableName="events", Item=item)
    return classify(raised.value)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_after_the_request_arrived(name: str) -> None:
    behaviour, fault = BEHAVIOURS[name]
    with serving(behaviour) as url:
        assert _fault(_client(url)) is fault


def test_no_answer_in_time() -> None:
    heard = threading.Event()

    def wait(connection: object) -> None:
        heard.wait(10)

    with serving(wait) as url:
        assert _fault(_client(url)) is Fault.UNKNOWN
        heard.set()


def test_nobody_listens() -> None:
    with serving(hang_up) as url:
        pass
    assert _fault(_client(url)) is Fault.REFUSED


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize(
    ("behaviour", "fault"),
    [(break_tls, Fault.UNKNOWN), (reset, Fault.UNKNOWN), (answer(400, THROTTLED), Fault.REFUSED)],
    ids=["breaks", "resets", "throttles"],
)
def test_on_tls_after_the_request_arrived(certificate: Path, behaviour: Behaviour, fault: Fault) -> None:
    with serving(behaviour, certificate) as url:
        assert _fault(_client(url)) is fault
