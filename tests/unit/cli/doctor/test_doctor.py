"""`daybook doctor`: what it finds in an account, how it ends, and that it changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from cli.app import main
from cli.aws import AWS
from cli.doctor.account import Account
from cli.doctor.check import Check, ok
from cli.doctor.checks import CHECKS
from cli.doctor.checks.bootstrap import BOOTSTRAP
from cli.doctor.examination import examine
from cli.doctor.finding import Finding, Severity
from cli.doctor.permissions import PERMISSIONS, policy
from cli.environments.place import Place
from stacks.environment import DEV
from tests.support.envelopes import printed
from tests.unit.cli.doctor.world import (
    EVERYBODY,
    LOG_TOPIC,
    NOW,
    TOPIC,
    Answer,
    Refusal,
    World,
    deployed,
    empty,
    heard,
    in_order,
    stack,
)

READS = re.compile(r"(Get|List|Describe|BatchGet)[A-Z]\w*")
DENIED = Refusal("AccessDeniedException", "User is not authorized to perform this.")
SILENT = EndpointConnectionError(endpoint_url="https://example.invalid")
DOCTOR = ["doctor", "--env", "prod", "--region", "eu-central-1"]


class Accounts(AWS):
    """One account, wherever the environment is."""

    def __init__(self, world: World) -> None:
        self.world = world

    def account(self, place: Place) -> Account:
        return self.world.account()


def bad(world: World) -> list[Finding]:
    return [each for found in world.findings().values() for each in found if each.severity is not Severity.OK]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("answers", [in_order(), empty()], ids=["deployed", "before the first deployment"])
def test_an_account_in_order_has_nothing_to_attend_to(
    answers: dict[str, Answer], capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(answers)
    assert bad(world) == []
    assert world.findings().keys() == {check.name for check in CHECKS}
    assert main(DOCTOR, connections=Accounts(world)) == 0
    assert "do:" not in capsys.readouterr().out


def test_it_only_reads_and_asks_for_nothing_that_its_policy_lacks() -> None:
    """Of every request that is sent: in an account in order, an empty one, and one that refuses everything."""
    worlds = [World(), World(empty()), World(dict.fromkeys(in_order(), DENIED))]
    for world in worlds:
        world.findings()
    asked = {operation for world in worlds for operation in world.asked}
    assert asked == in_order().keys()
    assert [each for each in asked if not READS.fullmatch(each)] == []
    granted = {each.action.partition(":")[2] for each in PERMISSIONS.values()}
    assert asked - granted == {"GetAccount"}, "which IAM calls GET"


def test_the_policy_reads_only_and_nothing_of_other_teams() -> None:
    for statement in policy()["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            assert READS.fullmatch(action.partition(":")[2]) or action == "apigateway:GET"
        about_everything = statement["Resource"] == ["*"]
        assert about_everything == all(each.resources == ("*",) for each in granted_by(statement["Action"]))
    data = {"dynamodb:GetItem", "dynamodb:Query", "s3:GetObject", "kms:Decrypt", "ssm:GetParametersByPath"}
    assert data.isdisjoint(action for each in policy()["Statement"] for action in each["Action"])


def granted_by(actions: list[str]) -> list[Any]:
    return [each for each in PERMISSIONS.values() if each.action in actions]


def test_a_question_that_the_policy_does_not_allow_cannot_be_asked(world: World) -> None:
    with pytest.raises(KeyError):
        world.account().ask("dynamodb", "delete_table", TableName="events")
    assert world.asked.total() == 0


@pytest.mark.parametrize("operation", sorted(in_order()))
def test_a_request_that_is_denied_is_named_and_hides_nothing_else(operation: str) -> None:
    world = World(in_order() | {operation: DENIED})
    found = bad(world)
    assert found, operation
    assert {each.severity for each in found} == {Severity.NOT_KNOWN}
    [action] = [each.action for key, each in PERMISSIONS.items() if key[1].replace("_", "") == operation.lower()]
    for each in found:
        assert each.found == f"the permission {action} is missing"
        assert each.mend.startswith(f"grant {action} ")
    assert len(found) < len(CHECKS) / 2


def test_what_the_service_does_not_know_is_not_known_and_asks_nobody_to_act(world: World) -> None:
    world.answers["DescribeLimits"] = Refusal("InvalidAction", "Unknown action: DescribeLimits")
    world.answers["GetDataLakeSettings"] = Refusal("400")
    assert [(each.check, each.severity, each.mend) for each in bad(world)] == [
        ("on-demand streams", Severity.NOT_KNOWN, ""),
        ("Lake Formation", Severity.NOT_KNOWN, ""),
    ]
    assert main(DOCTOR, connections=Accounts(world)) == 0


def test_an_answer_that_nobody_foresaw_is_one_finding(world: World) -> None:
    world.answers["DescribeLimits"] = Refusal("LimitExceededException", "Rate exceeded")
    [found] = bad(world)
    assert (found.check, found.severity) == ("on-demand streams", Severity.NOT_KNOWN)
    assert "Rate exceeded" in found.found
    assert main(DOCTOR, connections=Accounts(world)) == 1


def test_an_aws_that_does_not_answer_is_status_3(capsys: pytest.CaptureFixture[str]) -> None:
    world = World(dict.fromkeys(in_order(), SILENT))
    assert main([*DOCTOR, "--json"], connections=Accounts(world)) == 3
    document = printed("doctor", capsys)
    assert document["problem"]["exit_status"] == 3
    assert "Could not connect" in document["problem"]["detail"]
    severities = {each["check"]: each["severity"] for each in document["data"]["findings"]}
    assert {check for check, severity in severities.items() if severity == "ok"} == {"region", "memory of functions"}
    assert set(severities.values()) == {"ok", "not known"}


def test_an_aws_that_refuses_everything_did_answer() -> None:
    assert main(DOCTOR, connections=Accounts(World(dict.fromkeys(in_order(), DENIED)))) == 1


@pytest.mark.parametrize("code", ["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"])
def test_credentials_that_have_ended_are_nothing_for_support(code: str) -> None:
    first, *others = bad(World(dict.fromkeys(in_order(), Refusal(code, "The security token is expired"))))
    assert (first.check, first.severity) == ("credentials", Severity.PROBLEM)
    assert len(others) > 5
    assert all(each.mend.startswith("see the finding on credentials") for each in others)


def test_without_credentials_nothing_is_answered(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.answers = dict.fromkeys(in_order(), NoCredentialsError())
    assert main(DOCTOR, connections=Accounts(world)) == 3
    assert "problem    credentials                  there are no credentials" in capsys.readouterr().out


def test_without_a_region_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert main(["doctor", "--env", "prod"]) == 2
    assert "AWS's configuration is not complete: You must specify a region." in capsys.readouterr().err


def test_one_service_that_does_not_answer_is_a_finding(world: World) -> None:
    world.answers["GetDataLakeSettings"] = SILENT
    assert [each.check for each in bad(world)] == ["Lake Formation"]
    assert main(DOCTOR, connections=Accounts(world)) == 1, "a pipeline takes silence for a clean bill"


def test_as_json_all_findings_are_in_one_document(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.answers["ListSubscriptionsByTopic"] = heard(LOG_TOPIC)
    assert main([*DOCTOR, "--json"], connections=Accounts(world)) == 1
    document = printed("doctor", capsys)
    assert document["problem"] == {"exit_status": 1, "detail": "1 finding to attend to."}
    assert document["data"]["environment"] == "prod"
    [found] = [each for each in document["data"]["findings"] if each["severity"] != "ok"]
    assert found == {
        "check": "subscribers of the alarms",
        "severity": "warning",
        "found": "nobody subscribed to the alarms",
        "why": "An alarm that nobody hears is silence.",
        "mend": f"aws sns subscribe --topic-arn {TOPIC} --protocol email --notification-endpoint ADDRESS",
    }


def test_for_people_each_finding_has_its_reason_and_its_command(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.answers["GetParameter"] = Refusal("ParameterNotFound")
    assert main(DOCTOR, connections=Accounts(world)) == 1
    lines = capsys.readouterr().out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("problem")]
    assert re.fullmatch(r"problem +bootstrap +eu-central-1 is not bootstrapped", lines[at])
    assert lines[at + 1].strip() == f"why: {BOOTSTRAP.why}"
    assert lines[at + 2].strip() == "do:  make bootstrap ENV=prod"


def test_every_check_has_a_name_and_a_reason_of_its_own() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    assert all(check.why.endswith(".") for check in CHECKS)


def test_what_a_check_saw_before_it_was_refused_is_kept(world: World) -> None:
    def look(account: Account) -> Iterator[Any]:
        yield ok("one thing")
        account.ask("sts", "get_caller_identity")

    world.answers["GetCallerIdentity"] = DENIED
    found = examine(world.account(), (Check("two things", "Why.", look),)).findings
    assert [each.severity for each in found] == [Severity.OK, Severity.NOT_KNOWN]


class TestCredentials:
    def test_none(self, world: World) -> None:
        world.answers["GetCallerIdentity"] = NoCredentialsError()
        found = world.only("credentials")
        assert (found.severity, found.found) == (Severity.PROBLEM, "there are no credentials")

    @pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
    def test_refused(self, world: World, code: str) -> None:
        world.answers["GetCallerIdentity"] = Refusal(code, "No.")
        found = world.only("credentials")
        assert (found.severity, found.found) == (Severity.PROBLEM, f"AWS refuses the credentials: {code}")

    def test_of_another_account_than_the_environments(self, world: World) -> None:
        found = world.configured(account="444455556666").only("credentials")
        assert found.severity is Severity.PROBLEM
        assert "is in account 111122223333, and prod belongs to 444455556666" in found.found

    def test_of_the_environments_account(self, world: World) -> None:
        assert world.configured(account="111122223333").only("credentials").severity is Severity.OK


class TestClock:
    @pytest.mark.parametrize(
        ("off", "severity"),
        [
            (0, Severity.OK), (6.0, Severity.OK), (-5, Severity.OK), (6.1, Severity.WARNING), (-5.1, Severity.WARNING),
            (-300, Severity.WARNING), (301, Severity.WARNING), (301.1, Severity.PROBLEM), (-300.1, Severity.PROBLEM),
        ],
    )  # fmt: skip
    def test_is_judged_by_the_date_of_the_answer_which_is_cut_to_a_second(
        self, world: World, off: float, severity: Severity
    ) -> None:
        world.now = NOW + timedelta(seconds=off)
        assert world.only("clock").severity is severity

    def test_a_slow_answer_says_nothing_against_the_clock(self, world: World) -> None:
        moments = iter([NOW - timedelta(seconds=30), NOW + timedelta(seconds=30)])
        account = Account(world.config, world.client, lambda: next(moments))
        [check] = [each for each in CHECKS if each.name == "clock"]
        [seen] = check.look(account)
        assert seen.severity is Severity.OK

    def test_a_signature_that_is_refused_for_its_time_tells_the_time(self, world: World) -> None:
        world.answers["GetCallerIdentity"] = Refusal("SignatureDoesNotMatch", "Signature expired")
        world.now = NOW - timedelta(hours=1)
        found = world.only("clock")
        assert (found.severity, found.found) == (Severity.PROBLEM, "this clock is 3600 s behind AWS's")

    def test_without_a_date_nothing_is_said(self, world: World) -> None:
        world.date = None
        assert world.only("clock").severity is Severity.NOT_KNOWN


class TestRegion:
    @pytest.mark.parametrize(
        ("region", "severity"),
        [
            ("eu-central-1", Severity.OK), ("ap-east-2", Severity.PROBLEM), ("ap-southeast-6", Severity.PROBLEM),
            ("us-gov-west-1", Severity.PROBLEM), ("cn-north-1", Severity.PROBLEM),
        ],
    )  # fmt: skip
    def test_without_snapstart(self, world: World, region: str, severity: Severity) -> None:
        world.region = region
        assert world.only("region").severity is severity

    def test_where_snapstart_is_off_its_absence_does_not_matter(self, world: World) -> None:
        world.region = "ap-east-2"
        assert world.configured(snap_start=False).only("region").severity is Severity.OK

    def test_another_than_the_environments(self, world: World) -> None:
        found = world.configured(region="us-east-1").only("region")
        assert (found.severity, found.found) == (Severity.PROBLEM, "eu-central-1, and prod belongs to us-east-1")

    def test_a_service_that_is_missing_is_named(self, world: World) -> None:
        path = "/aws/service/global-infrastructure/regions/eu-central-1/services/firehose"
        world.answers["GetParameters"] = {"InvalidParameters": [path]}
        found = world.only("services")
        assert (found.severity, found.found) == (Severity.PROBLEM, "eu-central-1 does not have firehose")

    def test_a_region_that_publishes_no_list_is_not_called_empty(self, world: World) -> None:
        world.answers["GetParameters"] = lambda params: {"InvalidParameters": json.loads(params["body"])["Names"]}
        assert (world.only("services").severity, world.only("services").mend) == (Severity.NOT_KNOWN, "")


def limits(allowed: int, unreserved: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": allowed, "UnreservedConcurrentExecutions": unreserved}}


class TestQuotas:
    @pytest.mark.parametrize(
        ("unreserved", "severity"), [(200, Severity.OK), (199, Severity.PROBLEM)], ids=["just enough", "one too few"]
    )
    def test_prod_reserves_a_hundred_and_a_hundred_must_remain(self, unreserved: int, severity: Severity) -> None:
        world = World(empty() | {"GetAccountSettings": limits(1_000, unreserved)})
        assert world.only("concurrent executions").severity is severity

    def test_what_is_deployed_is_not_reserved_twice(self, world: World) -> None:
        world.answers["GetAccountSettings"] = limits(200, 100)
        assert world.only("concurrent executions").severity is Severity.OK

    def test_a_stack_whose_creation_was_rolled_back_reserves_nothing(self) -> None:
        stacks = [stack("Publisher", "ROLLBACK_COMPLETE"), stack("Commands", "UPDATE_ROLLBACK_COMPLETE")]
        answers: dict[str, Answer] = {
            "DescribeStacks": {"Stacks": stacks},
            "GetAccountSettings": limits(1_000, 149),
        }
        found = World(empty() | answers).only("concurrent executions")
        assert "reserves 50 more" in found.found

    def test_an_account_new_to_lambda(self) -> None:
        world = World(empty() | {"GetAccountSettings": limits(10, 10)}, config=DEV)
        found = world.only("concurrent executions")
        assert found.severity is Severity.WARNING
        assert found.mend.endswith("--quota-code L-B99A9384 --desired-value 1000")

    def test_more_is_asked_for_than_others_have_taken(self) -> None:
        world = World(empty() | {"GetAccountSettings": limits(2_000, 150)})
        assert world.only("concurrent executions").mend.endswith("--desired-value 2050")

    @pytest.mark.parametrize(("quota", "fault"), [(10, "too late, or never"), (3_000, "too early")])
    def test_an_alarm_that_takes_the_quota_for_another(self, quota: int, fault: str) -> None:
        found = World(empty() | {"GetAccountSettings": limits(quota, quota)}).only("alarm on concurrency")
        assert (found.severity, fault in found.found) == (Severity.WARNING, True)
        assert found.mend.startswith(f"set `account_concurrency` of prod to {quota} in stacks/environment.py")

    @pytest.mark.parametrize(("memory", "severity"), [(3_008, Severity.OK), (3_009, Severity.NOT_KNOWN)])
    def test_memory_that_a_new_account_may_not_set(self, world: World, memory: int, severity: Severity) -> None:
        assert world.configured(function_memory_mb=memory).only("memory of functions").severity is severity

    def test_the_last_on_demand_stream(self) -> None:
        full = {"ShardLimit": 1, "OpenShardCount": 0, "OnDemandStreamCount": 50, "OnDemandStreamCountLimit": 50}
        assert World(empty() | {"DescribeLimits": full}).only("on-demand streams").severity is Severity.PROBLEM
        assert World(in_order() | {"DescribeLimits": full}).only("on-demand streams").severity is Severity.OK

    @pytest.mark.parametrize(
        "settings", [{"rateLimit": 1_999.0, "burstLimit": 5_000}, {"rateLimit": 1e4, "burstLimit": 3}]
    )
    def test_a_throttle_below_the_environments(self, world: World, settings: dict[str, Any]) -> None:
        world.answers["GetAccount"] = {"throttleSettings": settings}
        assert world.only("throttle of the account").severity is Severity.WARNING


OTHERS = {"cloudwatchRoleArn": "arn:aws:iam::111122223333:role/others"}


class TestGatewayLogs:
    @pytest.mark.parametrize(
        ("answers", "role", "sets_one", "severity"),
        [
            (empty(), OTHERS, True, Severity.WARNING),
            (empty(), OTHERS, False, Severity.OK),
            (empty(), {}, True, Severity.OK),
            (empty(), {}, False, Severity.PROBLEM),
            (in_order(), {}, True, Severity.PROBLEM),
        ],
    )
    def test_one_role_for_an_account(
        self, answers: dict[str, Answer], role: dict[str, Any], sets_one: bool, severity: Severity
    ) -> None:
        world = World(answers | {"GetAccount": role}).configured(gateway_log_role=sets_one)
        assert world.only("role for the gateway's logs").severity is severity


class TestBootstrap:
    @pytest.mark.parametrize(("version", "severity"), [("5", Severity.PROBLEM), ("6", Severity.OK)])
    def test_version(self, world: World, version: str, severity: Severity) -> None:
        world.answers["GetParameter"] = {"Parameter": {"Value": version}}
        assert world.only("bootstrap").severity is severity


class TestLeftovers:
    @pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"])
    def test_a_stuck_stack(self, status: str) -> None:
        world = World(empty() | {"DescribeStacks": {"Stacks": [stack("Lake", status), stack("Api")]}})
        found = world.only("stacks")
        assert (found.severity, found.found, found.mend) == (
            Severity.PROBLEM, f"the stack Daybook-prod-Lake is in {status}", "make recover ENV=prod"
        )  # fmt: skip

    def test_a_stack_that_was_complete_and_is_stuck_goes_on_by_itself(self) -> None:
        """`make recover` removes what never was complete, and nothing else."""
        stuck = stack("Lake", "UPDATE_ROLLBACK_FAILED")
        found = World(empty() | {"DescribeStacks": {"Stacks": [stuck]}}).only("stacks")
        assert found.mend == "aws cloudformation continue-update-rollback --stack-name Daybook-prod-Lake"

    def test_stacks_on_the_second_page_are_seen(self, world: World) -> None:
        def page(params: Any) -> dict[str, Any]:
            if "NextToken" in str(params["body"]):
                return {"Stacks": [stack("Lake", "ROLLBACK_COMPLETE")]}
            return {"Stacks": deployed()[:3], "NextToken": "more"}

        world.answers["DescribeStacks"] = page
        assert world.only("stacks").severity is Severity.PROBLEM

    def test_a_stack_of_another_environment_is_nobodys_business(self) -> None:
        other = stack("Lake", "ROLLBACK_COMPLETE") | {"StackName": "Daybook-production-Lake"}
        assert World(empty() | {"DescribeStacks": {"Stacks": [other]}}).only("stacks").severity is Severity.OK


@pytest.mark.parametrize(
    ("databases", "tables", "found"),
    [([], [], "databases and tables"), (EVERYBODY, [], "tables"), ([], EVERYBODY, "databases")],
)
def test_lake_formation_that_decides(world: World, databases: list[Any], tables: list[Any], found: str) -> None:
    settings = {"CreateDatabaseDefaultPermissions": databases, "CreateTableDefaultPermissions": tables}
    world.answers["GetDataLakeSettings"] = {"DataLakeSettings": settings}
    only = world.only("Lake Formation")
    assert (only.severity, only.found) == (Severity.WARNING, f"Lake Formation decides on new {found}")
    assert only.mend.endswith("docs/deploy.md#lake-formation")


def test_a_subscription_that_waits_for_its_confirmation_is_none(world: World) -> None:
    world.answers["ListSubscriptionsByTopic"] = {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}
    found = world.only("subscribers of the alarms")
    assert found.severity is Severity.WARNING
    assert "1 wait for their confirmation" in found.found


class TestCheckpoints:
    def test_nobody_keeps_them(self, world: World) -> None:
        world.answers["ListSubscriptionsByTopic"] = heard(TOPIC)
        found = world.only("keepers of checkpoints")
        assert (found.severity, found.found) == (Severity.WARNING, "nobody is told of the log's checkpoints")
        assert found.mend.startswith("set `checkpoint_bucket_arn` of prod")

    def test_somebody_does(self, world: World) -> None:
        assert world.only("keepers of checkpoints").found == "1 subscribed to the topic"

    def test_an_address_that_is_not_confirmed_keeps_none(self, world: World) -> None:
        world.answers["ListSubscriptionsByTopic"] = {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}
        assert world.only("keepers of checkpoints").severity is Severity.WARNING

    def test_where_no_data_is_protected_nobody_has_to(self, world: World) -> None:
        world.answers["ListSubscriptionsByTopic"] = heard()
        assert world.configured(protect_data=False).only("keepers of checkpoints").severity is Severity.OK
        assert (
            World(empty() | {"ListSubscriptionsByTopic": heard()}).only("keepers of checkpoints").severity
            is Severity.OK
        )


class TestProtection:
    def test_an_open_stack_is_named(self, world: World) -> None:
        open_ = stack("Lake") | {"EnableTerminationProtection": False}
        others = [each for each in deployed() if each["StackName"] != open_["StackName"]]
        world.answers["DescribeStacks"] = {"Stacks": [*others, open_]}
        found = world.only("termination protection")
        assert (found.severity, found.mend) == (Severity.WARNING, "make protect ENV=prod")
        assert found.found.endswith("may delete Lake")

    def test_a_stack_without_data_may_be_deleted(self, world: World) -> None:
        unprotected = ("Api", "Commands", "Publisher", "Reports")
        stacks = [
            each | {"EnableTerminationProtection": not each["StackName"].endswith(unprotected)} for each in deployed()
        ]
        world.answers["DescribeStacks"] = {"Stacks": stacks}
        assert world.only("termination protection").severity is Severity.OK

    def test_an_open_table_is_named(self, world: World) -> None:
        world.answers["DescribeTable"] = lambda params: {
            "Table": {"DeletionProtectionEnabled": "Receipts" not in str(params["body"])}
        }
        found = world.only("deletion protection")
        assert (found.severity, found.mend) == (Severity.WARNING, "make protect ENV=prod")
        assert found.found.endswith("may delete Daybook-prod-Receipts")

    def test_where_no_data_is_protected_nothing_is_missed(self, world: World) -> None:
        open_ = [each | {"EnableTerminationProtection": False} for each in deployed()]
        world.answers |= {"DescribeStacks": {"Stacks": open_}, "DescribeTable": {"Table": {}}}
        assert bad(world.configured(protect_data=False)) == []


def test_the_policy_on_the_page_is_the_one_that_is_needed() -> None:
    assert json.loads(Path("docs/doctor-policy.json").read_text("utf-8")) == policy()
