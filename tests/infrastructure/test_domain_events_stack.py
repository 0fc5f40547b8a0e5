"""The stream of domain events, and the bucket of what could not be published."""

from aws_cdk.assertions import Match

from tests.infrastructure.permissions import policy_allows
from tests.infrastructure.synthesis import Synthesized

STREAM = "AWS::Kinesis::Stream"
BUCKET = "AWS::S3::Bucket"


def test_the_stream_is_on_demand_under_its_own_key_and_keeps_a_week(anywhere: Synthesized) -> None:
    key_id, _ = anywhere.domain_events.only("AWS::KMS::Key")
    anywhere.domain_events.template.has_resource_properties(
        STREAM,
        {
            "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
            "ShardCount": Match.absent(),
            "RetentionPeriodHours": 7 * 24,
            "StreamEncryption": {"EncryptionType": "KMS", "KeyId": {"Fn::GetAtt": [key_id, "Arn"]}},
        },
    )


def test_other_services_are_given_a_policy_that_reads_and_no_more(anywhere: Synthesized) -> None:
    assert policy_allows(anywhere, anywhere.domain_events, "DomainEvents/Readers") == {
        "<DomainEvents/Events/Stream>": {
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        },
        "<DomainEvents/Key> via kinesis": {"kms:Decrypt"},
    }


def test_who_fills_gaps_is_given_a_policy_that_queries_the_event_table_and_no_more(anywhere: Synthesized) -> None:
    assert policy_allows(anywhere, anywhere.ledger, "Ledger/Readers") == {
        "<Ledger/Events/Table>": {"dynamodb:Query"},
        "<Ledger/Key> via dynamodb": {"kms:Decrypt"},
    }
    [policy_id] = [
        name
        for name, policy in anywhere.ledger.resources("AWS::IAM::ManagedPolicy").items()
        if policy["Properties"]["Description"] == "Reading the event table, to fill gaps"
    ]
    anywhere.ledger.template.has_output("EventTableReadPolicyArn", {"Value": {"Ref": policy_id}})


def test_what_is_parked_stays_until_somebody_has_dealt_with_it(anywhere: Synthesized) -> None:
    parking = [
        each["Properties"]
        for each in anywhere.domain_events.resources(BUCKET).values()
        if "VersioningConfiguration" in each["Properties"]
    ]
    assert len(parking) == 2, "what was not published, and what was not projected"
    for each in parking:
        rules = each["LifecycleConfiguration"]["Rules"]
        assert [rule["Id"] for rule in rules] == ["Tidy"]
        assert not any("ExpirationInDays" in rule for rule in rules), "only what was replaced or deleted may go"


def test_others_find_stream_key_policy_and_bucket_by_stable_output_names(anywhere: Synthesized) -> None:
    own = {name for name in anywhere.domain_events.body["Outputs"] if not name.startswith("PublishOutput")}
    assert own == {
        "DomainEventStreamName",
        "DomainEventStreamArn",
        "DomainEventKeyArn",
        "DomainEventReadPolicyArn",
        "ParkingBucketName",
        "ProjectionParkingBucketName",
    }
    stream_id, _ = anywhere.domain_events.only(STREAM)
    template = anywhere.domain_events.template
    template.has_output("DomainEventStreamName", {"Value": {"Ref": stream_id}})
    template.has_output("DomainEventStreamArn", {"Value": {"Fn::GetAtt": [stream_id, "Arn"]}})
