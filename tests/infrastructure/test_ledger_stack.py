"""The stack that must never lose anything."""

import pytest
from aws_cdk.assertions import Match

from tests.infrastructure.synthesis import Synthesized

TABLE = "AWS::DynamoDB::Table"
EVENT_KEYS = [
    {"AttributeName": "stream_id", "KeyType": "HASH"},
    {"AttributeName": "version", "KeyType": "RANGE"},
]
COMMAND_KEYS = [
    {"AttributeName": "account_id", "KeyType": "HASH"},
    {"AttributeName": "command_id", "KeyType": "RANGE"},
]
RECEIPT_KEYS = [
    {"AttributeName": "scope", "KeyType": "HASH"},
    {"AttributeName": "key", "KeyType": "RANGE"},
]
EVERY_TABLE = [EVENT_KEYS, COMMAND_KEYS, RECEIPT_KEYS]


def test_the_event_table_is_keyed_by_stream_and_numeric_version_on_demand(anywhere: Synthesized) -> None:
    anywhere.ledger.template.has_resource_properties(
        TABLE,
        {
            "KeySchema": EVENT_KEYS,
            "AttributeDefinitions": [
                {"AttributeName": "stream_id", "AttributeType": "S"},
                {"AttributeName": "version", "AttributeType": "N"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": Match.absent(),
        },
    )


@pytest.mark.parametrize("keys", [EVENT_KEYS, COMMAND_KEYS])
def test_events_and_commands_stream_new_images(anywhere: Synthesized, keys: list[dict[str, str]]) -> None:
    anywhere.ledger.template.has_resource_properties(
        TABLE, {"KeySchema": keys, "StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}
    )


def test_commands_are_keyed_by_account_and_those_that_ended_as_invalid_may_expire(anywhere: Synthesized) -> None:
    anywhere.ledger.template.has_resource_properties(
        TABLE,
        {
            "KeySchema": COMMAND_KEYS,
            "AttributeDefinitions": [
                {"AttributeName": "account_id", "AttributeType": "S"},
                {"AttributeName": "command_id", "AttributeType": "S"},
                {"AttributeName": "failed_on", "AttributeType": "S"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        },
    )


def test_receipts_have_a_table_of_their_own_that_expires_and_has_no_stream(anywhere: Synthesized) -> None:
    anywhere.ledger.template.has_resource_properties(
        TABLE,
        {
            "KeySchema": RECEIPT_KEYS,
            "AttributeDefinitions": [
                {"AttributeName": "scope", "AttributeType": "S"},
                {"AttributeName": "key", "AttributeType": "S"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
            "StreamSpecification": Match.absent(),
            "GlobalSecondaryIndexes": Match.absent(),
        },
    )
    assert len(anywhere.ledger.resources(TABLE)) == len(EVERY_TABLE)


def test_failed_commands_of_a_day_are_found_by_an_index_that_holds_nothing_else(anywhere: Synthesized) -> None:
    anywhere.ledger.template.has_resource_properties(
        TABLE,
        {
            "KeySchema": COMMAND_KEYS,
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "failed",
                    "KeySchema": [
                        {"AttributeName": "failed_on", "KeyType": "HASH"},
                        {"AttributeName": "command_id", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        },
    )


@pytest.mark.parametrize("keys", EVERY_TABLE)
def test_tables_can_be_restored_to_a_point_in_time_and_use_the_ledgers_own_key(
    anywhere: Synthesized, keys: list[dict[str, str]]
) -> None:
    key_id, _ = anywhere.ledger.only("AWS::KMS::Key")
    anywhere.ledger.template.has_resource_properties(
        TABLE,
        {
            "KeySchema": keys,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": {"Fn::GetAtt": [key_id, "Arn"]},
            },
        },
    )


def test_the_key_rotates_and_is_governed_by_the_accounts_iam_alone(anywhere: Synthesized) -> None:
    root = {"AWS": {"Fn::Join": ["", Match.array_with([{"Ref": "AWS::AccountId"}, ":root"])]}}
    anywhere.ledger.template.has_resource_properties(
        "AWS::KMS::Key",
        {
            "EnableKeyRotation": True,
            "KeyPolicy": {
                "Statement": [{"Action": "kms:*", "Effect": "Allow", "Principal": root, "Resource": "*"}],
                "Version": "2012-10-17",
            },
        },
    )


def test_nobody_rewrites_the_event_table(anywhere: Synthesized) -> None:
    anywhere.ledger.template.has_resource_properties(
        TABLE,
        {
            "KeySchema": EVENT_KEYS,
            "ResourcePolicy": {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "AppendOnly",
                            "Effect": "Deny",
                            "Principal": {"AWS": "*"},
                            "Action": [
                                "dynamodb:BatchWriteItem",
                                "dynamodb:DeleteItem",
                                "dynamodb:PartiQLDelete",
                                "dynamodb:PartiQLInsert",
                                "dynamodb:PartiQLUpdate",
                                "dynamodb:UpdateItem",
                            ],
                            "Resource": "*",
                            "Condition": Match.absent(),
                        }
                    ],
                }
            },
        },
    )


def test_others_find_the_tables_by_stable_output_names(anywhere: Synthesized) -> None:
    by_keys = {
        str(table["Properties"]["KeySchema"]): logical_id
        for logical_id, table in anywhere.ledger.resources(TABLE).items()
    }
    event_table, commands_table, receipts_table = (by_keys[str(keys)] for keys in EVERY_TABLE)
    template = anywhere.ledger.template
    template.has_output("EventTableName", {"Value": {"Ref": event_table}})
    template.has_output("EventTableStreamArn", {"Value": {"Fn::GetAtt": [event_table, "StreamArn"]}})
    template.has_output("CommandsTableName", {"Value": {"Ref": commands_table}})
    template.has_output("ReceiptsTableName", {"Value": {"Ref": receipts_table}})
