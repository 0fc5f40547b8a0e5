"""The command routes without a server: the rendered templates in front of a DynamoDB in this process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests

from lambdas.contracts.command_model import command_model
from lambdas.inbox.table import FAILED_INDEX, FAILED_ON
from local.gateway.answers import Answer
from local.gateway.context import request_context
from local.gateway.integration import Integration, parse_integration, run
from local.gateway.models import BodyModels
from local.gateway.rendering import GatewayRequest
from stacks import command_templates
from stacks.command_templates import IntegrationAnswer
from tests.support.dynamodb_tables import REGION, dynamodb_client

TABLE = "commands"
ACCOUNT = "6f1f6a4e-0c7e-4a7b-9f0e-3d1f2b7c8a90"
NOW = datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC)
Headers = Iterable[tuple[str, str]]


def deployed(action: str, template: str, answers: Iterable[IntegrationAnswer]) -> dict[str, Any]:
    """An integration as API Gateway's control plane shows it."""
    return {
        "type": "AWS",
        "uri": f"arn:aws:apigateway:{REGION}:dynamodb:action/{action}",
        "passthroughBehavior": "NEVER",
        "requestTemplates": {"application/json": template},
        "integrationResponses": {
            str(answer.status): {
                "statusCode": str(answer.status),
                **({"selectionPattern": answer.selection_pattern} if answer.selection_pattern else {}),
                "responseTemplates": {"application/json": answer.template},
                "responseParameters": {f"method.response.header.{name}": to for name, to in answer.headers.items()},
            }
            for answer in answers
        },
    }


def integration(action: str, template: str, answers: Iterable[IntegrationAnswer], models: BodyModels) -> Integration:
    """The same, as the border reads it."""
    parsed = parse_integration(deployed(action, template, answers))
    assert parsed is not None
    return replace(parsed, models=models)


def send_to_moto(integration: Integration, payload: bytes) -> tuple[int, bytes]:
    """DynamoDB's own protocol, so that nothing between the template and the table is lenient."""
    answer = requests.post(
        f"https://dynamodb.{integration.region}.amazonaws.com/",
        data=payload,
        headers={
            "X-Amz-Target": f"DynamoDB_20120810.{integration.action}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=x/20260301/{integration.region}/dynamodb/aws4_request",
        },
        timeout=5,
    )
    return answer.status_code, answer.content


class CommandGateway:
    """Both command routes on a commands table. `validated=False` leaves the request model out."""

    def __init__(self, table: str, *, validated: bool = True, send: Any = send_to_moto) -> None:
        models = BodyModels({"application/json": command_model()} if validated else {})
        templates = command_templates
        self.submit = integration("UpdateItem", templates.submit_request(table), templates.submit_answers(), models)
        self.status = integration(
            "GetItem", templates.status_request(table), templates.status_answers(), BodyModels({})
        )
        self.sent: list[bytes] = []
        self._send = send

    def post(self, body: bytes, headers: Headers = (), *, account_id: str = ACCOUNT, **more: Any) -> Answer:
        """POST …/commands."""
        return run(self.submit, self.request({"account_id": account_id}, body, headers, **more), self._sending)

    def get(self, command_id: str, headers: Headers = (), *, account_id: str = ACCOUNT, **more: Any) -> Answer:
        """GET …/commands/{command_id}."""
        path = {"account_id": account_id, "command_id": command_id}
        return run(self.status, self.request(path, b"", headers, **more), self._sending)

    def request(
        self,
        path: Mapping[str, str],
        body: bytes,
        headers: Headers,
        *,
        query: Headers = (),
        caller: str = "",
        now: datetime = NOW,
        sent_path: str | None = "/v1/-",
        **context: Any,
    ) -> GatewayRequest:
        """A request as it reaches the integration; `context` replaces some of `$context`, `sent_path` its path."""
        made = request_context(now=now, api_id="a", stage="v1", method="-", path="/-", resource_path="-")
        request = GatewayRequest(body=body, headers=tuple(headers), query=tuple(query), path=path)
        return replace(request, context={**made, "path": sent_path, "identity": {"caller": caller}, **context})

    def _sending(self, integration: Integration, payload: bytes) -> tuple[int, bytes]:
        self.sent.append(payload)
        status, answer = self._send(integration, payload)
        return status, answer


class Rows:
    """The commands table as it is."""

    def __init__(self) -> None:
        self.dynamodb = dynamodb_client()
        self.dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "account_id", "KeyType": "HASH"},
                {"AttributeName": "command_id", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "account_id", "AttributeType": "S"},
                {"AttributeName": "command_id", "AttributeType": "S"},
                {"AttributeName": FAILED_ON, "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": FAILED_INDEX,
                    "KeySchema": [
                        {"AttributeName": FAILED_ON, "KeyType": "HASH"},
                        {"AttributeName": "command_id", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        )

    def all(self) -> list[dict[str, Any]]:
        """Every row, in DynamoDB's JSON."""
        rows: list[dict[str, Any]] = self.dynamodb.scan(TableName=TABLE, ConsistentRead=True)["Items"]
        return rows

    def clear(self) -> None:
        """Delete every row."""
        for row in self.all():
            self.dynamodb.delete_item(TableName=TABLE, Key={name: row[name] for name in ("account_id", "command_id")})


def problem(answer: Answer) -> dict[str, Any]:
    """The problem an answer is, which agrees with its own status."""
    document: dict[str, Any] = json.loads(answer.body)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert document["status"] == answer.status
    assert document["correlation_id"] == answer.headers["X-Correlation-Id"]
    return document


def failing(status: int, document: object) -> Any:
    """A DynamoDB that answers this to everything."""
    return lambda *_: (status, json.dumps(document).encode())


def error_of(name: str, message: str = "no") -> dict[str, str]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": message}
