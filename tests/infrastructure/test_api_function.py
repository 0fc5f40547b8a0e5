"""The API's function: how it runs, and exactly what it may do."""

import json
from pathlib import Path
from typing import Any

from aws_cdk.assertions import Match

from lambdas.projections.registry import PROJECTIONS
from stacks.projections import pascal
from tests.infrastructure.permissions import Allowed, allowed, rendered, told_callers
from tests.infrastructure.synthesis import REPOSITORY, Deployable, Resource, Synthesized

FUNCTION = "AWS::Lambda::Function"
KEY_ACTIONS = {
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
}


def as_list(value: Any) -> list[Any]:
    """A policy writes a single element without a list."""
    return value if isinstance(value, list) else [value]


def function_role(stack: Deployable) -> tuple[str, Resource]:
    """Logical id and resource of the role the function assumes."""
    _, function = stack.only(FUNCTION)
    role_id = function["Properties"]["Role"]["Fn::GetAtt"][0]
    return role_id, stack.body["Resources"][role_id]


def statements(stack: Deployable) -> list[dict[str, Any]]:
    """Every policy statement attached to the function's role."""
    role_id, _ = function_role(stack)
    policies = stack.resources("AWS::IAM::Policy").values()
    attached = [each["Properties"] for each in policies if {"Ref": role_id} in each["Properties"]["Roles"]]
    return [one for policy in attached for one in policy["PolicyDocument"]["Statement"]]


def exported(environment: Synthesized, reference: Any) -> Any:
    """What a reference into the ledger's stack stands for there."""
    stack, value = environment.meant(reference) or (None, None)
    assert stack is environment.ledger
    return value


def ledger_table(environment: Synthesized, hash_key: str) -> str:
    """Logical id of the table with this hash key."""
    tables = environment.ledger.resources("AWS::DynamoDB::Table")
    [found] = [key for key, each in tables.items() if each["Properties"]["KeySchema"][0]["AttributeName"] == hash_key]
    return found


def test_the_function_may_append_and_query_events_put_receipts_query_commands_read_models_and_index_and_no_more(
    anywhere: Synthesized,
) -> None:
    """It writes no stored command and no read model: whoever has taken it over can replace none."""
    found = allowed(anywhere, anywhere.api, "Api/Accounts/Role")
    assert {where: actions for where, actions in found.items() if where in of_tables(found)} == {
        "<Ledger/Events/Table>": {"dynamodb:PutItem", "dynamodb:Query"},
        "<Ledger/Receipts/Table>": {"dynamodb:PutItem"},
        "<Ledger/Commands/Table>": {"dynamodb:Query"},
        "<Transparency/Index/Table>": {"dynamodb:Query"},
        **{
            f"<Projections/{pascal(each.name)}/ReadModel/Table>": {
                "dynamodb:BatchGetItem",
                "dynamodb:GetItem",
                "dynamodb:Query",
            }
            for each in PROJECTIONS
        },
        **{
            f"<Projections/{pascal(each.name)}/ReadModel/Table>/index/listings": {"dynamodb:Query"}
            for each in PROJECTIONS
        },
    }


def of_tables(found: Allowed) -> set[str]:
    """The resources on which something of DynamoDB is allowed."""
    return {where for where, actions in found.items() if any(each.startswith("dynamodb:") for each in actions)}


def test_the_function_uses_keys_through_dynamodb_only_and_that_of_read_models_to_read(anywhere: Synthesized) -> None:
    found = allowed(anywhere, anywhere.api, "Api/Accounts/Role")
    assert {where: actions for where, actions in found.items() if "/Key>" in where} == {
        "<Ledger/Key> via dynamodb": KEY_ACTIONS,
        "<DomainEvents/Key> via dynamodb": {"kms:Decrypt"},
        "<Transparency/Key> via dynamodb": {"kms:Decrypt"},
    }


def test_the_function_reads_of_the_log_what_proofs_are_made_of_and_writes_nothing_there(anywhere: Synthesized) -> None:
    found = allowed(anywhere, anywhere.api, "Api/Accounts/Role")
    assert {where: actions for where, actions in found.items() if where.startswith("<Transparency/Log/")} == {
        "<Transparency/Log/Bucket>": {"s3:ListBucket"},
        "<Transparency/Log/Bucket>/tile/*": {"s3:GetObject"},
        "<Transparency/Log/Bucket>/checkpoint": {"s3:GetObject"},
    }


def test_besides_the_ledger_the_function_may_write_its_log_and_its_traces(anywhere: Synthesized) -> None:
    _, function = anywhere.api.only(FUNCTION)
    log_group = function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    others = {
        str(each["Resource"]): set(as_list(each["Action"]))
        for each in statements(anywhere.api)
        if not as_list(each["Action"])[0].startswith(("dynamodb:", "kms:"))
    }
    assert others == {
        str({"Fn::GetAtt": [log_group, "Arn"]}): {"logs:CreateLogStream", "logs:PutLogEvents"},
        "*": {"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
    }
    assert {each["Effect"] for each in statements(anywhere.api)} == {"Allow"}


def test_the_role_is_lambdas_alone_and_holds_one_other_policy(anywhere: Synthesized) -> None:
    _, role = function_role(anywhere.api)
    [trust] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert "Policies" not in role["Properties"]
    [policy] = role["Properties"]["ManagedPolicyArns"]
    assert rendered(anywhere, anywhere.api, policy) == "<Transparency/MayProve>"


def test_it_runs_on_arm64_with_the_current_python_traced_and_logging_json(anywhere: Synthesized) -> None:
    anywhere.api.template.has_resource_properties(
        FUNCTION,
        {
            "Architectures": ["arm64"],
            "Runtime": "python3.14",
            "Timeout": 20,
            "MemorySize": anywhere.config.function_memory_mb,
            "TracingConfig": {"Mode": "Active"},
            "LoggingConfig": {
                "LogFormat": "JSON",
                "LogGroup": Match.any_value(),
                "ApplicationLogLevel": anywhere.config.log_level,
            },
        },
    )


def test_snapstart_takes_effect_through_the_alias_that_callers_use(anywhere: Synthesized) -> None:
    function_id, function = anywhere.api.only(FUNCTION)
    version_id, version = anywhere.api.only("AWS::Lambda::Version")
    _, alias = anywhere.api.only("AWS::Lambda::Alias")
    assert function["Properties"]["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert version["Properties"]["FunctionName"] == {"Ref": function_id}
    assert alias["Properties"] == {
        "FunctionName": {"Ref": function_id},
        "FunctionVersion": {"Fn::GetAtt": [version_id, "Version"]},
        "Name": "live",
    }


def test_a_new_runtime_comes_with_a_deployment_only(anywhere: Synthesized) -> None:
    """Its botocore is relied on beyond the public interface."""
    _, function = anywhere.api.only(FUNCTION)
    assert function["Properties"]["RuntimeManagementConfig"] == {"UpdateRuntimeOn": "FunctionUpdate"}


def test_the_function_learns_its_tables_from_the_ledger_and_where_the_log_is(anywhere: Synthesized) -> None:
    _, function = anywhere.api.only(FUNCTION)
    variables = dict(function["Properties"]["Environment"]["Variables"])  # other tests read the same template
    assert exported(anywhere, variables.pop("EVENT_TABLE")) == {"Ref": ledger_table(anywhere, "stream_id")}
    assert exported(anywhere, variables.pop("RECEIPTS_TABLE")) == {"Ref": ledger_table(anywhere, "scope")}
    assert exported(anywhere, variables.pop("COMMANDS_TABLE")) == {"Ref": ledger_table(anywhere, "account_id")}
    assert json.loads(rendered(anywhere, anywhere.api, variables.pop("READ_MODEL_TABLES"))) == {
        each.name: f"<Projections/{pascal(each.name)}/ReadModel/Table>" for each in PROJECTIONS
    }
    assert rendered(anywhere, anywhere.api, variables.pop("LOG_BUCKET")) == "<Transparency/Log/Bucket>"
    assert rendered(anywhere, anywhere.api, variables.pop("LOG_INDEX_TABLE")) == "<Transparency/Index/Table>"
    assert told_callers(anywhere, anywhere.api, variables.pop("TEST_CALLERS"))
    assert variables == {
        "SNAPSHOT_INTERVAL": "10",
        "WRITES": "on",
        "LEDGER_GENERATION": "1",
        "ENVIRONMENT": anywhere.config.name,
        "POWERTOOLS_SERVICE_NAME": "daybook",
        "POWERTOOLS_METRICS_NAMESPACE": "daybook",
        "POWERTOOLS_LOG_LEVEL": anywhere.config.log_level,
    }


def test_every_handler_named_in_a_template_is_a_file_with_that_function(anywhere: Synthesized) -> None:
    for function in anywhere.api.resources(FUNCTION).values():
        module, _, name = function["Properties"]["Handler"].rpartition(".")
        source = Path(REPOSITORY, *module.split(".")).with_suffix(".py")
        assert source.is_file(), f"{module} does not exist"
        assert f"def {name}(" in source.read_text(), f"{module} defines no function {name}"
