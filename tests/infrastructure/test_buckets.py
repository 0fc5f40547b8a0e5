"""Every bucket of every stack: private, TLS only, encrypted, with a life cycle."""

from typing import Any

from tests.infrastructure.synthesis import Deployable, Synthesized

BUCKET = "AWS::S3::Bucket"
LAKE = "Lake/Lake/Bucket"
LOG = "Transparency/Log/Bucket"


def buckets(environment: Synthesized) -> dict[str, tuple[Deployable, str, dict[str, Any]]]:
    """Path to stack, logical id and properties."""
    found = {}
    for stack in environment.stacks:
        for name, each in stack.resources(BUCKET).items():
            path = each["Metadata"]["aws:cdk:path"].partition("/")[2].removesuffix("/Resource")
            found[path] = (stack, name, each["Properties"])
    return found


def data(environment: Synthesized) -> dict[str, tuple[Deployable, str, dict[str, Any]]]:
    """The buckets that hold something else than access logs."""
    return {path: each for path, each in buckets(environment).items() if "AccessLogs" not in path}


def test_these_are_all_the_buckets(anywhere: Synthesized) -> None:
    assert set(buckets(anywhere)) == {
        "Ledger/AccessLogs/Bucket",
        "Ledger/Parking/Bucket",
        "DomainEvents/AccessLogs/Bucket",
        "DomainEvents/Parking/Bucket",
        "DomainEvents/ProjectionParking/Bucket",
        "Lake/AccessLogs/Bucket",
        LAKE,
        "Lake/Results/Bucket",
        "Transparency/AccessLogs/Bucket",
        LOG,
    }


def test_nothing_is_public_and_nobody_owns_an_object_but_the_account(anywhere: Synthesized) -> None:
    for _, _, bucket in buckets(anywhere).values():
        assert bucket["PublicAccessBlockConfiguration"] == {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        }
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_whoever_comes_without_tls_is_refused(anywhere: Synthesized) -> None:
    for stack, name, _ in buckets(anywhere).values():
        policies = [each["Properties"] for each in stack.resources("AWS::S3::BucketPolicy").values()]
        [policy] = [each for each in policies if each["Bucket"] == {"Ref": name}]
        refusals = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Deny"]
        [refusal] = [each for each in refusals if each["Action"] == "s3:*"]
        assert refusal["Principal"] == {"AWS": "*"}
        assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_data_lies_under_the_stacks_own_key_is_versioned_and_access_is_logged(anywhere: Synthesized) -> None:
    for path, (stack, _, bucket) in data(anywhere).items():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["LoggingConfiguration"]["LogFilePrefix"].endswith("/")
        if path == LOG:  # see test_transparency_stack.py
            continue
        key_id, _ = stack.only("AWS::KMS::Key")
        [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption == {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": {"Fn::GetAtt": [key_id, "Arn"]},
            },
        }


def test_files_of_events_cool_down_and_are_never_removed(anywhere: Synthesized) -> None:
    _, _, lake = buckets(anywhere)[LAKE]
    rules = {rule["Id"]: rule for rule in lake["LifecycleConfiguration"]["Rules"]}
    assert rules["Cool"] == {
        "Id": "Cool",
        "Prefix": "events/",
        "Status": "Enabled",
        "Transitions": [
            {"StorageClass": "STANDARD_IA", "TransitionInDays": 90},
            {"StorageClass": "GLACIER_IR", "TransitionInDays": 365},
        ],
    }
    assert set(rules) == {"Cool", "Tidy"}
    assert not {"ExpirationInDays", "ExpirationDate"} & rules["Tidy"].keys()


def test_results_of_queries_expire_and_reports_stay(anywhere: Synthesized) -> None:
    _, _, results = buckets(anywhere)["Lake/Results/Bucket"]
    expiring = [rule for rule in results["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in rule]
    assert [(rule["Prefix"], rule["ExpirationInDays"]) for rule in expiring] == [("athena/", 30)]
