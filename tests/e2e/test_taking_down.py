"""Up, down and up again, in an account of its own: what is removed is gone, and in nobody's way afterwards.

And the first deployment of an environment whose data is protected, by the CDK's command line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aws_cdk import App

from cli.app import main
from deploy.account import Account
from deploy.contents import holds_something
from deploy.deployment import deploy, protect
from deploy.errors import RefusedError
from deploy.removal import destroy
from deploy.stacks import Leftover, stacks_of
from local import system
from local.emulator import deployment, ports, read_models
from local.emulator import process as emulator
from local.emulator.process import Emulator
from local.machine.layout import Layout
from stacks.environment import LOCAL, STACKS_WITH_DATA, Environment
from stacks.stage import DaybookStage
from tests.e2e.own_account import own_account
from tests.infrastructure.synthesis import NO_PACKAGES, feature_flags

GUARDED = replace(LOCAL, name="guarded", protect_data=True)
"""An environment that the emulator can hold, and whose data is protected."""
Inventory = dict[str, set[str]]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """Of an emulator that only this file uses, since all on it is removed."""
    found = Layout(tmp_path_factory.mktemp("account") / "state")
    found.prepare()
    yield found
    system.down(found)


@pytest.fixture(scope="module")
def own(layout: Layout) -> Emulator:
    """The emulator, ready for the CDK."""
    started = emulator.start(layout, port=ports.choose_port(None))
    deployment.bootstrap(layout, started)
    return started


LISTS: dict[str, tuple[str, str, str, str]] = {
    "stacks": ("cloudformation", "describe_stacks", "Stacks", "StackName"),
    "tables": ("dynamodb", "list_tables", "TableNames", ""),
    "buckets": ("s3", "list_buckets", "Buckets", "Name"),
    "functions": ("lambda", "list_functions", "Functions", "FunctionName"),
    "mappings": ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    "log groups": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "streams": ("kinesis", "list_streams", "StreamNames", ""),
    "deliveries": ("firehose", "list_delivery_streams", "DeliveryStreamNames", ""),
    "databases": ("glue", "get_databases", "DatabaseList", "Name"),
    "workgroups": ("athena", "list_work_groups", "WorkGroups", "Name"),
    "APIs": ("apigateway", "get_rest_apis", "items", "id"),
    "topics": ("sns", "list_topics", "Topics", "TopicArn"),
    "queues": ("sqs", "list_queues", "QueueUrls", ""),
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "schedules": ("scheduler", "list_schedules", "Schedules", "Name"),
    "rules": ("events", "list_rules", "Rules", "Name"),
    "roles": ("iam", "list_roles", "Roles", "RoleName"),
}
"""For each kind: service, operation, where its answer has the list, and what names one of it."""


def inventory(account: Account) -> Inventory:
    """The names of everything in the account; keys that are to be deleted count as gone."""
    found: Inventory = {}
    for kind, (service, operation, listed, name) in LISTS.items():
        items = getattr(account.client(service), operation)().get(listed, [])
        found[kind] = {each[name] if name else each for each in items}
    policies = account.client("iam").list_policies(Scope="Local")["Policies"]
    found["policies"] = {each["PolicyName"] for each in policies}
    kms = account.client("kms")
    keys = [kms.describe_key(KeyId=each["KeyId"])["KeyMetadata"] for each in kms.list_keys()["Keys"]]
    found["keys"] = {each["KeyId"] for each in keys if each["KeyState"] != "PendingDeletion"}
    return found


def use(layout: Layout) -> None:
    """All that `daybook smoke` does: accounts, a stored command, the stream, a read model, the lake, a report."""
    read_models.build(layout.environment_file)
    assert main(["smoke", "--environment-file", str(layout.environment_file), "--json"]) == 0


def test_what_was_destroyed_is_gone_and_can_be_deployed_again(layout: Layout, own: Emulator) -> None:
    account = own_account(own, layout.assembly)
    before = inventory(account)
    running = deployment.deploy(layout, own)
    use(layout)
    used = inventory(account)
    assert {kind for kind in used if used[kind] == before[kind]} == set(), "every kind is there to be removed"
    assert holds_something(account, Leftover(type="AWS::S3::Bucket", id=running.lake_bucket))
    said: list[str] = []

    destroy(LOCAL, account, said.append, yes=False)
    assert inventory(account) == used, "it was only told what would go"
    assert f"  empty and delete the bucket {running.lake_bucket}" in said
    destroy(LOCAL, account, said.append, yes=True)

    left = {kind: names - before[kind] for kind, names in inventory(account).items() if names - before[kind]}
    [role] = left.pop("roles")
    assert "CloudWatchRole" in role, "the account's setting names it, and other APIs may log with it"
    assert left == {}
    assert {line for line in said if line.startswith("  stays")} == {
        line for line in said if role in line or "AWS::ApiGateway::Account" in line
    }
    deployment.deploy(layout, own)
    use(layout)


@dataclass
class Guarded:
    """An environment whose data is protected, and what the command line was asked for it."""

    config: Environment
    asked: list[str]

    def translate(self, arguments: Sequence[str], folder: Path) -> Sequence[str]:
        """Deploy the stacks with data, as app.py would synthesize them with this configuration."""
        self.asked.append(" ".join(arguments))
        command, *_ = arguments
        assembly = folder / f"assembly-{len(self.asked)}"
        synthesize(replace(self.config, first="first=true" in arguments), assembly)
        stacks = [f"Daybook-{self.config.name}/{name}" for name in STACKS_WITH_DATA]
        forced = ["--force"] if command == "destroy" else []
        return [command, *stacks, "--exclusively", f"--app={assembly}", *forced]


def synthesize(config: Environment, folder: Path) -> None:
    app = App(outdir=str(folder), context={**feature_flags(), **NO_PACKAGES})
    DaybookStage(app, f"Daybook-{config.name}", config=config)
    app.synth()


def protection(account: Account) -> tuple[set[bool], set[bool]]:
    """Of the guarded stacks, and of their tables that hold what cannot be made again."""
    dynamodb = account.client("dynamodb")
    guarded = [each for each in dynamodb.list_tables()["TableNames"] if "guarded" in each.lower()]
    names = [each for each in guarded if "log-index" not in each]
    assert len(names) == 3
    tables = {bool(dynamodb.describe_table(TableName=each)["Table"].get("DeletionProtectionEnabled")) for each in names}
    return {each.protected for each in stacks_of(account.client("cloudformation"), GUARDED.name)}, tables


def test_protection_comes_second_stays_and_goes_when_it_is_given_up(own: Emulator, tmp_path: Path) -> None:
    guarded, said = Guarded(GUARDED, []), list[str]()
    account = own_account(own, tmp_path / "out", translate=lambda arguments: guarded.translate(arguments, tmp_path))

    with pytest.raises(RefusedError, match=f"Not deployed yet: {', '.join(STACKS_WITH_DATA)}"):
        protect(GUARDED, account, said.append)
    deploy(GUARDED, account, said.append)
    assert guarded.asked == ["deploy ** -c env=guarded -c first=true"]
    assert protection(account) == ({False}, {False})
    assert said[-1] == "Nothing protects its data yet: `make protect ENV=guarded`."

    protect(GUARDED, account, said.append)
    assert protection(account) == ({True}, {True})
    with pytest.raises(RefusedError, match="protects its data"):
        destroy(GUARDED, account, said.append, yes=True)
    deploy(GUARDED, account, said.append)
    assert guarded.asked[1:] == ["deploy ** -c env=guarded"] * 2, "never without protection again"
    assert protection(account) == ({True}, {True})

    guarded.config = replace(GUARDED, protect_data=False)
    deploy(guarded.config, account, said.append)
    assert protection(account) == ({False}, {False})
    destroy(guarded.config, account, said.append, yes=True)
    assert stacks_of(account.client("cloudformation"), GUARDED.name) == []
    assert not [each for each in account.client("dynamodb").list_tables()["TableNames"] if "guarded" in each.lower()]
