"""Daily backups of the ledger, which nobody deletes before their time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stacks.backup import ENDS_BADLY, SILENT_HOURS
from stacks.environment import PROD, Environment
from tests.infrastructure.permissions import allowed, rendered, trusted
from tests.infrastructure.synthesis import Synthesized, synthesize
from tests.infrastructure.test_silence import heard, on_expressions, silences, state_of
from tests.support.alarm_evaluation import ALARM, INSUFFICIENT_DATA, OK, Series, evaluated

VAULT = "AWS::Backup::BackupVault"
ROLE = "Backup/Role"
ON_TABLES = ("DescribeTable", "ListTagsOfResource", "StartAwsBackupJob")
TABLES = ("<Ledger/Events/Table>", "<Ledger/Receipts/Table>", "<Ledger/Commands/Table>")


def rule(environment: Synthesized) -> dict[str, Any]:
    """The plan's only rule."""
    _, plan = environment.backup.only("AWS::Backup::BackupPlan")
    [found] = plan["Properties"]["BackupPlan"]["BackupPlanRule"]
    result: dict[str, Any] = found
    return result


def test_every_day_is_kept_for_35_days(anywhere: Synthesized) -> None:
    found = rule(anywhere)
    assert found["ScheduleExpression"] == "cron(0 2 * * ? *)"
    assert found["Lifecycle"] == {"DeleteAfterDays": 35}
    vault, _ = anywhere.backup.only(VAULT)
    assert found["TargetBackupVault"] == {"Fn::GetAtt": [vault, "BackupVaultName"]}


def test_all_three_tables_are_backed_up_and_nothing_else(cloud: Synthesized) -> None:
    _, selection = cloud.backup.only("AWS::Backup::BackupSelection")
    chosen = selection["Properties"]["BackupSelection"]
    assert {*(rendered(cloud, cloud.backup, each) for each in chosen["Resources"])} == {*TABLES}
    assert not {"ListOfTags", "Conditions", "NotResources"} & chosen.keys()
    assert rendered(cloud, cloud.backup, chosen["IamRoleArn"]) == f"<{ROLE}>"


def test_the_emulator_has_the_plan_without_its_tables(local: Synthesized) -> None:
    assert local.backup.resources("AWS::Backup::BackupSelection") == {}


def test_the_role_may_back_up_these_tables_and_nothing_more(anywhere: Synthesized) -> None:
    """AWS's own policy for the purpose may read and delete backups of nine services in the whole account."""
    found = allowed(anywhere, anywhere.backup, ROLE)
    [tagging] = [where for where in found if where.startswith("arn:")]
    assert tagging.endswith(":recovery-point:*")
    keys = ("<Ledger/Key>", "<Backup/Key>")
    assert found == {
        **{table: {f"dynamodb:{each}" for each in ON_TABLES} for table in TABLES},
        "<Backup/Vault>": {"backup:DescribeBackupVault"},
        tagging: {"backup:TagResource"},
        **{f"{key} via dynamodb": {"kms:Decrypt", "kms:GenerateDataKey"} for key in keys},
        **{key: {"kms:DescribeKey"} for key in keys},
        **{f"{key} for services of AWS": {"kms:CreateGrant"} for key in keys},
    }  # fmt: skip
    assert trusted(anywhere, anywhere.backup, ROLE) == "backup.amazonaws.com"


def test_backups_are_under_a_key_of_their_own(anywhere: Synthesized) -> None:
    """Whoever destroys the ledger's key destroys its tables, and not its backups."""
    key, _ = anywhere.backup.only("AWS::KMS::Key")
    _, vault = anywhere.backup.only(VAULT)
    assert vault["Properties"]["EncryptionKeyArn"] == {"Fn::GetAtt": [key, "Arn"]}


def lock(environment: Synthesized) -> object:
    _, vault = environment.backup.only(VAULT)
    return vault["Properties"].get("LockConfiguration")


def test_staging_and_prod_lock_their_backups(cloud: Synthesized) -> None:
    governed = {"MinRetentionDays": 7, "MaxRetentionDays": 365}
    assert lock(cloud) == (None if cloud.config.name == "dev" else governed)


def test_a_workstation_locks_nothing(local: Synthesized) -> None:
    assert lock(local) is None


def test_compliance_mode_begins_after_the_days_of_grace(tmp_path: Path) -> None:
    config = replace(PROD, vault_lock="compliance", vault_lock_grace_days=5)
    found = lock(synthesize("prod", outdir=tmp_path, config=config))
    assert found == {"MinRetentionDays": 7, "MaxRetentionDays": 365, "ChangeableForDays": 5}


@pytest.mark.parametrize(
    "change",
    [{"backup_days": 6}, {"backup_days": 366}, {"vault_lock_least_days": 36}, {"vault_lock_grace_days": 2}],
    ids=str,
)
def test_a_lock_that_would_refuse_the_backups_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"as long as the vault's lock allows|for at least 3 days"):
        replace(PROD, **change)  # type: ignore[arg-type]


def test_protected_backups_outlive_their_stack(cloud: Synthesized) -> None:
    config: Environment = cloud.config
    assert cloud.backup.termination_protection is config.protected
    if config.protect_data:
        cloud.backup.template.all_resources(VAULT, {"DeletionPolicy": "RetainExceptOnCreate"})


def counted(alarm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The metrics of an alarm by their ids."""
    return {each["Id"]: each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each}


def dimensions(metric: dict[str, Any]) -> dict[str, Any]:
    return {each["Name"]: each["Value"] for each in metric["Dimensions"]}


@pytest.mark.parametrize("end", [*ENDS_BADLY])
def test_a_backup_that_ends_badly_is_heard_whichever_dimensions_it_is_counted_under(
    cloud: Synthesized, end: str
) -> None:
    [alarm] = on_expressions(cloud, "-BackupFailed")
    found = {name: each for name, each in counted(alarm).items() if each["MetricName"] == f"NumberOfBackupJobs{end}"}
    vault, _ = cloud.backup.only(VAULT)
    named = {"BackupVaultName": {"Fn::GetAtt": [vault, "BackupVaultName"]}}
    assert [dimensions(each) for each in found.values()] == [named, {**named, "ResourceType": "DynamoDB"}]
    assert state_of(alarm, {}, now=10) == OK
    for each in found:
        assert state_of(alarm, {each: {10: 1.0}}, now=10) == ALARM


A_DAY: list[int | None] = [None] * 3 + [3] + [None] * 20
LATE: list[int | None] = [None] * 15 + [3] + [None] * 8


def test_silence_of_backups_is_heard_and_a_slow_one_is_not(cloud: Synthesized) -> None:
    """From two o'clock a backup may take thirteen hours."""
    [alarm] = [each for each in silences(cloud) if each["AlarmName"].endswith("-BackupMissing")]
    [(name, metric), (other, _)] = counted(alarm).items()
    assert metric["MetricName"] == "NumberOfBackupJobsCompleted"
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    for there in (name, other):
        series = {each: Series({10: 3.0} if each == there else {}) for each in (name, other)}
        assert evaluated(expression, series).values == {10: 3.0}
    hours = alarm["EvaluationPeriods"]
    assert {each["MetricStat"]["Period"] for each in alarm["Metrics"] if "MetricStat" in each} == {3600}
    assert 36 < hours == SILENT_HOURS
    assert heard(alarm, [None] * 100, hours=100) == []
    assert heard(alarm, A_DAY * 5 + LATE + A_DAY * 3, hours=24 * 9) == [OK]
    assert heard(alarm, A_DAY * 3 + [None] * 60, hours=24 * 5) == [OK, INSUFFICIENT_DATA]


def test_what_backs_nothing_up_watches_nothing(local: Synthesized) -> None:
    assert local.backup.resources("AWS::CloudWatch::Alarm") == {}
