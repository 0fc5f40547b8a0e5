"""Have a command fail on the running local system, to see what FAILED looks like and how it is carried out later.

In the cloud a command fails when Lambda has tried it three times. Lambda then writes the batch to the dead-letter
bucket, and a function marks the command FAILED. The emulator's Lambda retries for ever, so this script stands in for
it: it switches off the processor's event source mapping, hands over a command, and writes the batch to the dead-letter
bucket in Lambda's own form. All that follows is the system's doing.
"""

import base64
import json
import sys
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

PATIENCE_SECONDS = 60.0
CALLER = "anonymous"
"""Locally nobody has to say who he is. A stored command's id is the caller and the key."""


def main(environment_file: str = ".local/environment.json") -> None:
    """Print the ids of a command that says FAILED, and what to do with it. Raises TimeoutError if it never does."""
    place = json.loads(Path(environment_file).read_text(encoding="utf-8"))
    account_id = str(uuid.uuid4())
    functions = client(place, "lambda")
    [mapping] = functions.list_event_source_mappings(FunctionName=place["command_processor"])["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        command = {"type": "OpenAccount", "currency": "EUR"}
        accepted = http(f"{place['api_url']}/accounts/{account_id}/commands", command)
        stored_id = f"{CALLER}/{accepted['command_id']}"
        park(place, account_id, stored_id)
        url = f"{place['api_url']}/accounts/{account_id}/commands/{accepted['command_id']}"
        failed = wait_until_failed(url)
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    print(json.dumps(failed, indent=2))
    print(f"\ncurl -s {url}")
    print(f"make logs CORRELATION_ID={failed['problem']['correlation_id']}")
    print(f".venv/bin/daybook redrive --command {account_id} {stored_id}")


def client(place: dict[str, Any], service: str) -> Any:
    """A client of the emulator, which takes any credentials."""
    return boto3.client(
        service,
        endpoint_url=place["aws_endpoint_url"],
        region_name=place["region"],
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - no secret
    )


def http(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """POST a body, or GET. The answer's object."""
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=10) as answer:  # noqa: S310 - local
        found: dict[str, Any] = json.load(answer)
    return found


def park(place: dict[str, Any], account_id: str, stored_id: str) -> None:
    """Write what Lambda writes of a batch that failed three times: the records of the stream as the text `payload`."""
    keys = {"account_id": {"S": account_id}, "command_id": {"S": stored_id}}
    row = client(place, "dynamodb").get_item(TableName=place["commands_table"], Key=keys, ConsistentRead=True)["Item"]
    image = {name: encoded(value) for name, value in row.items()}
    record = {"eventName": "INSERT", "dynamodb": {"Keys": keys, "NewImage": image, "SequenceNumber": "1"}}
    document = {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3},
        "payload": json.dumps({"Records": [record]}),
    }
    name = f"aws/lambda/by-hand/shard/{datetime.now(UTC):%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"
    client(place, "s3").put_object(Bucket=place["command_parking_bucket"], Key=name, Body=json.dumps(document).encode())


def encoded(value: dict[str, Any]) -> dict[str, Any]:
    """An attribute as a stream shows it: binary is base64 text."""
    return {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value


def wait_until_failed(url: str) -> dict[str, Any]:
    """Ask what became of the command until it says FAILED."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := http(url))["status"] != "FAILED":
        if time.monotonic() > deadline:
            raise TimeoutError(f"the command is {found['status']} and not FAILED; see `make logs`")
        time.sleep(0.1)
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
