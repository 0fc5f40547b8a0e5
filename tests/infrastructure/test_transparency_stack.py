"""The log: its bucket, the key that signs, the topic that tells, its index, and who may do what with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lambdas.transparency.index import HASH_KEY, RANGE_KEY
from lambdas.transparency.kms_signer import ALGORITHM, KEY_SPEC
from stacks.environment import DEV, LOCAL, PROD, STAGING
from tests.infrastructure.permissions import Allowed, allowed, as_list, path_of, policy_allows, rendered, trusted
from tests.infrastructure.synthesis import Synthesized, synthesize, synthesized_once

LOG = "<Transparency/Log/Bucket>"
INDEX = "<Transparency/Index/Table>"
OBJECTS = tuple(f"{LOG}/{each}" for each in ("seal/*", "tile/*", "checkpoints/*", "checkpoint"))
SEALER = "Transparency/Sealer"
ELSEWHERE = "arn:aws:s3:::kept-elsewhere"


def at(of: Synthesized, kind: str, path: str) -> dict[str, Any]:
    """The properties of a resource of the log's stack."""
    [found] = [each for key, each in of.transparency.resources(kind).items() if path_of(of.transparency, key) == path]
    properties: dict[str, Any] = found["Properties"]
    return properties


def statements(of: Synthesized, document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Of a resource's policy by Sid, with every reference as text."""
    found = {}
    for each in document["Statement"]:
        told = dict(each)
        for name in ("Resource", "Action"):
            told[name] = sorted(rendered(of, of.transparency, one) for one in as_list(each[name]))
        told["Principal"] = {
            kind: rendered(of, of.transparency, one)
            for kind, one in each["Principal"].items()
            if isinstance(each, dict)
        }
        if "Condition" in each:
            told["Condition"] = {
                operator: {name: rendered(of, of.transparency, one) for name, one in pairs.items()}
                for operator, pairs in each["Condition"].items()
            }
        found[told.pop("Sid", told["Action"][0])] = told
    return found


NOT_THE_SEALER = {"ArnNotEquals": {"aws:PrincipalArn": f"<{SEALER}>"}}


def test_the_bucket_takes_objects_from_the_sealer_only_and_each_but_once(anywhere: Synthesized) -> None:
    policy = at(anywhere, "AWS::S3::BucketPolicy", "Transparency/Log/Bucket/Policy")["PolicyDocument"]
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}}
    put = {**deny, "Action": ["s3:PutObject"]}
    everywhere = [f"{LOG}/*"]
    assert statements(anywhere, policy) == {
        "s3:*": {
            **deny,
            "Action": ["s3:*"],
            "Resource": [LOG, *everywhere],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        "OneWriter": {**put, "Resource": everywhere, "Condition": NOT_THE_SEALER},
        "AddedOnce": {
            **put,
            "Resource": sorted(OBJECTS[:3]),
            "Condition": {"Null": {"s3:if-none-match": "true"}},
        },
        "NeverBlindly": {
            **put,
            "Resource": everywhere,
            "Condition": {"Null": {"s3:if-none-match": "true", "s3:if-match": "true"}},
        },
    }


def test_no_key_can_be_deleted_with_which_the_log_would_be_lost(anywhere: Synthesized) -> None:
    bucket = at(anywhere, "AWS::S3::Bucket", "Transparency/Log/Bucket")
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert "LifecycleConfiguration" not in bucket, "nothing of it expires"


@pytest.mark.parametrize(
    ("name", "lock"),
    [
        (LOCAL.name, None),
        (DEV.name, None),
        (STAGING.name, {"Mode": "GOVERNANCE", "Days": 1}),
        (PROD.name, {"Mode": "COMPLIANCE", "Days": 3_650}),
    ],
)
def test_objects_are_locked_where_data_is_protected(name: str, lock: dict[str, Any] | None, shared: Path) -> None:
    found = synthesized_once(shared, name, lambda outdir: synthesize(name, outdir=outdir))
    bucket = at(found, "AWS::S3::Bucket", "Transparency/Log/Bucket")
    if lock is None:
        assert not {"ObjectLockEnabled", "ObjectLockConfiguration"} & bucket.keys()
        return
    assert bucket["ObjectLockEnabled"] is True, "at creation: the deployment can then never take it away"
    assert bucket["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": lock},
    }


def test_the_key_is_what_the_signer_takes_and_signs_for_the_sealer_only(anywhere: Synthesized) -> None:
    key = at(anywhere, "AWS::KMS::Key", "Transparency/Signing/Key")
    assert (key["KeySpec"], key["KeyUsage"]) == (KEY_SPEC, "SIGN_VERIFY")
    assert "EnableKeyRotation" not in key, "KMS rotates no key that signs"
    found = statements(anywhere, key["KeyPolicy"])
    assert {name: (each["Effect"], each["Principal"]) for name, each in found.items()} == {
        "Administration": ("Allow", {"AWS": "arn:<Partition>:iam::<AccountId>:root"}),
        "Signing": ("Allow", {"AWS": f"<{SEALER}>"}),
        "NobodyElse": ("Deny", {"AWS": "*"}),
    }
    assert found["Signing"]["Action"] == ["kms:Sign"]
    assert found["Signing"]["Condition"] == {
        "StringEquals": {"kms:SigningAlgorithm": ALGORITHM, "kms:MessageType": "RAW"}
    }
    assert found["NobodyElse"]["Action"] == ["kms:CreateGrant", "kms:Sign"]
    assert found["NobodyElse"]["Condition"] == NOT_THE_SEALER


def test_policies_of_the_account_can_allow_neither_signing_nor_a_grant(anywhere: Synthesized) -> None:
    key = at(anywhere, "AWS::KMS::Key", "Transparency/Signing/Key")
    actions = statements(anywhere, key["KeyPolicy"])["Administration"]["Action"]
    assert "kms:PutKeyPolicy" in actions, "or nobody could ever change the policy"
    assert not {"kms:Sign", "kms:CreateGrant", "kms:ReplicateKey"} & set(actions)
    assert not any("*" in each for each in actions)


def test_the_sealer_may_add_to_the_log_and_delete_nothing_of_it(anywhere: Synthesized) -> None:
    querying = policy_allows(anywhere, anywhere.lake, "Lake/MayQuery")
    own: Allowed = {
        LOG: {"s3:ListBucket"},
        **{key: {"s3:GetObject", "s3:PutObject"} for key in OBJECTS},
        INDEX: {
            f"dynamodb:{each}"
            for each in (
                *("BatchGetItem", "GetItem", "Query", "ConditionCheckItem", "DeleteItem", "PutItem"),
                *("BatchWriteItem", "Scan"),
            )
        },
        "<Transparency/Key> via dynamodb": {
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        },
        "<Transparency/Key> via sns": {"kms:Decrypt", "kms:GenerateDataKey"},
        "<Transparency/Signing/Key>": {"kms:GetPublicKey"},
        "<Transparency/Checkpoints>": {"sns:Publish"},
    }
    assert allowed(anywhere, anywhere.transparency, SEALER) == {**querying, **own}
    assert not querying.keys() & own.keys()
    assert trusted(anywhere, anywhere.transparency, SEALER) == "lambda.amazonaws.com"


READ_LOG: Allowed = {
    LOG: {"s3:ListBucket"},
    **{key: {"s3:GetObject"} for key in OBJECTS},
    INDEX: {"dynamodb:BatchGetItem", "dynamodb:Query"},
    "<Transparency/Key> via dynamodb": {"kms:Decrypt"},
    "<Transparency/Signing/Key>": {"kms:GetPublicKey"},
}


def test_an_auditor_reads_the_log_and_rows_and_writes_nothing(anywhere: Synthesized) -> None:
    assert policy_allows(anywhere, anywhere.transparency, "Transparency/MayAudit") == {
        **READ_LOG,
        "<Ledger/Events/Table>": {"dynamodb:Query", "dynamodb:GetItem"},
        "<Ledger/Key> via dynamodb": {"kms:Decrypt"},
    }


def test_a_verification_reads_the_whole_log(anywhere: Synthesized) -> None:
    assert policy_allows(anywhere, anywhere.transparency, "Transparency/MayReadLog") == READ_LOG


def test_nobody_else_may_write_to_the_log_or_its_index(anywhere: Synthesized) -> None:
    """Of all roles and policies of all stacks."""
    writing = ("s3:Put", "s3:Delete", "s3:Replicate", "dynamodb:Put", "dynamodb:Update", "dynamodb:Delete")
    for stack in anywhere.stacks:
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            for name, each in stack.resources(kind).items():
                for statement in each["Properties"]["PolicyDocument"]["Statement"]:
                    where = [rendered(anywhere, stack, one) for one in as_list(statement["Resource"])]
                    if any(each.startswith((LOG, INDEX)) for each in where) and any(
                        action.startswith(writing) for action in as_list(statement["Action"])
                    ):
                        assert path_of(stack, name) == "Transparency/MaySeal"


def test_the_index_is_found_by_account_and_version_and_goes_with_its_stack(anywhere: Synthesized) -> None:
    _, table = anywhere.transparency.only("AWS::DynamoDB::Table")
    properties = table["Properties"]
    assert [(each["AttributeName"], each["KeyType"]) for each in properties["KeySchema"]] == [
        (HASH_KEY, "HASH"),
        (RANGE_KEY, "RANGE"),
    ]
    types = {each["AttributeName"]: each["AttributeType"] for each in properties["AttributeDefinitions"]}
    assert types == {HASH_KEY: "S", RANGE_KEY: "N"}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert properties["SSESpecification"]["SSEEnabled"] is True
    assert not {"StreamSpecification", "TimeToLiveSpecification"} & properties.keys()


def test_the_topic_is_encrypted_and_refuses_what_comes_without_tls(anywhere: Synthesized) -> None:
    topic = at(anywhere, "AWS::SNS::Topic", "Transparency/Checkpoints")
    key_id = rendered(anywhere, anywhere.transparency, topic["KmsMasterKeyId"])
    assert key_id == "<Transparency/Key>"
    _, policy = anywhere.transparency.only("AWS::SNS::TopicPolicy")
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_operators_find_what_they_need(anywhere: Synthesized) -> None:
    outputs = {
        name: rendered(anywhere, anywhere.transparency, each["Value"])
        for name, each in anywhere.transparency.body["Outputs"].items()
        if not name.startswith("PublishOutput")
    }
    assert outputs == {
        "LogBucketName": LOG,
        "LogIndexTableName": INDEX,
        "LogKeyArn": "<Transparency/Signing/Key>",
        "CheckpointTopicArn": "<Transparency/Checkpoints>",
        "AuditPolicyArn": "<Transparency/MayAudit>",
    }


@pytest.fixture(scope="module")
def copied(shared: Path) -> Synthesized:
    """`prod`, whose checkpoints go to another account's bucket, too."""
    config = replace(PROD, checkpoint_bucket_arn=ELSEWHERE)
    return synthesized_once(shared, "prod-copies", lambda outdir: synthesize("prod", outdir=outdir, config=config))


def test_checkpoints_go_to_another_account_as_they_are(copied: Synthesized) -> None:
    _, subscription = copied.transparency.only("AWS::SNS::Subscription")
    properties = subscription["Properties"]
    assert (properties["Protocol"], properties["RawMessageDelivery"]) == ("firehose", True)
    assert rendered(copied, copied.transparency, properties["TopicArn"]) == "<Transparency/Checkpoints>"
    assert rendered(copied, copied.transparency, properties["Endpoint"]) == "<Transparency/Copies/Delivery>"
    _, delivery = copied.transparency.only("AWS::KinesisFirehose::DeliveryStream")
    destination = delivery["Properties"]["ExtendedS3DestinationConfiguration"]
    assert (destination["BucketARN"], destination["Prefix"]) == (ELSEWHERE, "daybook-prod/")
    assert delivery["Properties"]["DeliveryStreamEncryptionConfigurationInput"] == {"KeyType": "AWS_OWNED_CMK"}


def test_the_copies_role_writes_below_its_prefix_and_deletes_nothing(copied: Synthesized) -> None:
    may = allowed(copied, copied.transparency, "Transparency/Copies/Role")
    assert may == {
        f"{ELSEWHERE}/daybook-prod/*": {"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject", "s3:PutObjectAcl"},
        ELSEWHERE: {"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
        "<Transparency/Copies/Logs>": {"logs:CreateLogStream", "logs:PutLogEvents"},
    }
    output = copied.transparency.body["Outputs"]["CheckpointCopyRoleArn"]["Value"]
    assert rendered(copied, copied.transparency, output) == "<Transparency/Copies/Role>"
    subscriber = allowed(copied, copied.transparency, "Transparency/Copies/Subscriber")
    assert set(subscriber) == {"<Transparency/Copies/Delivery>"}
    assert not any("Delete" in each or "Create" in each for each in subscriber["<Transparency/Copies/Delivery>"])


@pytest.mark.parametrize("arn", ["kept-elsewhere", "arn:aws:s3:::", "arn:aws:s3:::One", "arn:aws:s3:eu:1:bucket"])
def test_a_bucket_for_copies_is_named_by_its_arn(arn: str) -> None:
    with pytest.raises(ValueError, match="a bucket's ARN is"):
        replace(PROD, checkpoint_bucket_arn=arn)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seal_silent_hours": 0}, "looks back 1 to 168 hours"),
        ({"seal_silent_hours": 169}, "looks back 1 to 168 hours"),
        ({"seal_lookback_days": -1}, "0 days back or more"),
        ({"verification_settle_minutes": -1}, "0 minutes on their way"),
        ({"seal_hole_minutes": 0}, "a minute old or more"),
        ({"log_lock_days": 0}, "a lock lasts a day"),
        ({"verification_pending_hours": 0}, "a command may wait an hour"),
    ],
)
def test_numbers_of_the_log_have_bounds(change: dict[str, int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        replace(PROD, **change)  # type: ignore[arg-type]
