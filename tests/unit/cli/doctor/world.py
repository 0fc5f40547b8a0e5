"""An AWS account for tests: real clients, whose requests are answered here, in the form that AWS's models demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.validate import validate_parameters

from cli.doctor.account import Account
from cli.doctor.checks import CHECKS
from cli.doctor.examination import examine
from cli.doctor.finding import Finding
from stacks.environment import PROD, Environment

NOW: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)
DATE: Final = "Fri, 27 Nov 2026 12:00:00 GMT"
ACCOUNT: Final = "111122223333"
TOPIC: Final = f"arn:aws:sns:eu-central-1:{ACCOUNT}:Daybook-prod-Notifications-Alarms"
EVERYBODY: Final = [{"Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}, "Permissions": ["ALL"]}]
LOG_TOPIC: Final = f"arn:aws:sns:eu-central-1:{ACCOUNT}:Daybook-prod-Transparency-Checkpoints"
STACKS: Final = (
    "Notifications", "Ledger", "Api", "Commands", "DomainEvents", "Lake", "Publisher", "Reports", "Transparency"
)  # fmt: skip

Answer = dict[str, Any] | Exception | Callable[[Mapping[str, Any]], "Answer"]


class Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """AWS's answer to a request that it refuses: a code and a message."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


def stack(name: str, status: str = "CREATE_COMPLETE", outputs: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A stack of `prod`, as DescribeStacks tells it."""
    return {
        "StackName": f"Daybook-prod-{name}",
        "CreationTime": NOW,
        "StackStatus": status,
        "EnableTerminationProtection": True,
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in (outputs or {}).items()],
    }


def deployed() -> list[dict[str, Any]]:
    """All stacks of `prod`, and one of another team."""
    outputs = {
        "Notifications": {"AlarmTopicArn": TOPIC},
        "Transparency": {"CheckpointTopicArn": LOG_TOPIC},
        "Ledger": {f"{each}TableName": f"Daybook-prod-{each}" for each in ("Event", "Receipts", "Commands")},
    }
    return [*(stack(name, outputs=outputs.get(name)) for name in STACKS), stack("Else") | {"StackName": "Else"}]


def heard(*topics: str) -> Answer:
    """Subscriptions to these topics, and to no other."""

    def answer(params: Mapping[str, Any]) -> Answer:
        topic = params["body"]["TopicArn"]
        return {"Subscriptions": [{"SubscriptionArn": f"{topic}:1"}] if topic in topics else []}

    return answer


def in_order() -> dict[str, Answer]:
    """Answers of an account in which `prod` is deployed and nothing is wrong, by operation."""
    return {
        "GetCallerIdentity": {"Account": ACCOUNT, "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Deploy/me"},
        "DescribeStacks": {"Stacks": deployed()},
        "GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 900}},
        "DescribeLimits": {
            "ShardLimit": 500, "OpenShardCount": 0, "OnDemandStreamCount": 1, "OnDemandStreamCountLimit": 50
        },
        "GetAccount": {
            "cloudwatchRoleArn": f"arn:aws:iam::{ACCOUNT}:role/Daybook-prod-Api-RestApiCloudWatchRole",
            "throttleSettings": {"rateLimit": 10_000.0, "burstLimit": 5_000},
        },
        "GetParameter": {"Parameter": {"Value": "30"}},
        "GetParameters": {"Parameters": []},
        "GetDataLakeSettings": {
            "DataLakeSettings": {
                "CreateDatabaseDefaultPermissions": EVERYBODY, "CreateTableDefaultPermissions": EVERYBODY
            }
        },
        "ListSubscriptionsByTopic": heard(TOPIC, LOG_TOPIC),
        "DescribeTable": {"Table": {"DeletionProtectionEnabled": True}},
    }  # fmt: skip


def empty() -> dict[str, Answer]:
    """Answers of an account that was bootstrapped, and in which nothing is deployed."""
    unused = {"AccountLimit": {"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 1_000}}
    throttle = {"throttleSettings": {"rateLimit": 10_000.0, "burstLimit": 5_000}}
    return in_order() | {"DescribeStacks": {"Stacks": []}, "GetAccountSettings": unused, "GetAccount": throttle}


@dataclass
class World:
    """`answers` by operation; each request is counted in `asked`, and each pair of service and operation noted."""

    answers: dict[str, Answer] = field(default_factory=in_order)
    config: Environment = PROD
    region: str = "eu-central-1"
    now: datetime = NOW
    date: str | None = DATE
    asked: Counter[str] = field(default_factory=Counter)

    def account(self) -> Account:
        """The account, to be examined."""
        return Account(self.config, self.client, lambda: self.now)

    def findings(self) -> dict[str, list[Finding]]:
        """All findings by check."""
        found: dict[str, list[Finding]] = {}
        for each in examine(self.account()).findings:
            found.setdefault(each.check, []).append(each)
        return found

    def only(self, name: str) -> Finding:
        """The one finding of a check."""
        [check] = [each for each in CHECKS if each.name == name]
        [found] = examine(self.account(), (check,)).findings
        return found

    def configured(self, **changes: Any) -> World:
        """With another configuration."""
        self.config = replace(self.config, **changes)
        return self

    def client(self, service: str, config: Config) -> Any:
        """A real client of a service. Its requests go no further than to this object."""
        del config
        made = _session().client(
            service, region_name=self.region, aws_access_key_id="test", aws_secret_access_key="test"
        )  # fmt: skip
        made.meta.events.register_last("before-call", self._answer)
        return made

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        self.asked[model.name] += 1
        answer: Any = self.answers[model.name]
        while callable(answer):
            answer = answer(params)
        metadata = {"HTTPHeaders": {} if self.date is None else {"date": self.date}}
        if isinstance(answer, Refusal):
            refused = {"Code": answer.code, "Message": answer.message}
            return _Http(400), {"Error": refused, "ResponseMetadata": metadata}
        if isinstance(answer, Exception):
            raise answer
        if model.output_shape is not None:
            validate_parameters(answer, model.output_shape)
        return _Http(200), answer | {"ResponseMetadata": metadata}


@dataclass
class _Http:
    status_code: int


@cache
def _session() -> Any:
    return boto3.Session()
