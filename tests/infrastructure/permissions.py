"""What a role may do, whichever stack its policies stand in, in words without hashed names."""

import base64
from typing import Any

from tests.infrastructure.synthesis import Deployable, Synthesized

Allowed = dict[str, set[str]]
"""A resource to the actions allowed on it; rows of a table with these hash keys only are `RESOURCE rows KEY, ...`."""


def as_list(value: Any) -> list[Any]:
    """A template writes a single element without a list."""
    return value if isinstance(value, list) else [value]


def rendered(environment: Synthesized, stack: Deployable, value: Any) -> str:
    """A value of a template as text: a resource is `<its path below the environment>`, wherever it is."""
    meant = environment.meant(value)
    if meant is not None:
        return rendered(environment, *meant)
    match value:
        case str():
            return value
        case {"Ref": str() as name} | {"Fn::GetAtt": [str() as name, str()]}:
            return f"<{path_of(stack, name)}>"
        case {"Fn::Base64": inner}:
            return base64.b64encode(rendered(environment, stack, inner).encode()).decode()
        case {"Fn::Join": [str() as separator, list() as parts]}:
            return separator.join(rendered(environment, stack, each) for each in parts)
        case _:
            raise AssertionError(f"no text for {value}")


def path_of(stack: Deployable, name: str) -> str:
    """A resource's construct path without environment and trailing `Resource`; a pseudo parameter as it is."""
    if name.startswith("AWS::"):
        return name.removeprefix("AWS::")
    path: str = stack.body["Resources"][name]["Metadata"]["aws:cdk:path"]
    return path.partition("/")[2].removesuffix("/Resource")


def role_of(stack: Deployable, path: str) -> tuple[str, dict[str, Any]]:
    """Logical id and properties of the role at a path."""
    [found] = [
        (name, each["Properties"])
        for name, each in stack.resources("AWS::IAM::Role").items()
        if path_of(stack, name) == path
    ]
    return found


def documents(environment: Synthesized, stack: Deployable, role_path: str) -> list[tuple[Deployable, dict[str, Any]]]:
    """Every policy document that applies to a role, with the stack in which its references are to be read."""
    role_id, role = role_of(stack, role_path)
    assert "Policies" not in role, "policies stand on their own here"
    inline = [
        (stack, each["Properties"]["PolicyDocument"])
        for each in stack.resources("AWS::IAM::Policy").values()
        if {"Ref": role_id} in each["Properties"].get("Roles", [])
    ]
    return inline + [_managed(environment, stack, each) for each in role.get("ManagedPolicyArns", [])]


def _managed(environment: Synthesized, stack: Deployable, reference: Any) -> tuple[Deployable, dict[str, Any]]:
    owner, meant = environment.meant(reference) or (stack, reference)
    policy = owner.body["Resources"][meant["Ref"]]
    assert policy["Type"] == "AWS::IAM::ManagedPolicy"
    document: dict[str, Any] = policy["Properties"]["PolicyDocument"]
    return owner, document


def allowed(environment: Synthesized, stack: Deployable, role_path: str) -> Allowed:
    """Everything a role may do; the use of keys is `via SERVICE`. Fails on anything but plain permission."""
    found: Allowed = {}
    for owner, document in documents(environment, stack, role_path):
        for statement in document["Statement"]:
            _add(found, environment, owner, statement)
    return found


def policy_allows(environment: Synthesized, stack: Deployable, policy_path: str) -> Allowed:
    """Everything a managed policy allows."""
    [document] = [
        each["Properties"]["PolicyDocument"]
        for name, each in stack.resources("AWS::IAM::ManagedPolicy").items()
        if path_of(stack, name) == policy_path
    ]
    found: Allowed = {}
    for statement in document["Statement"]:
        _add(found, environment, stack, statement)
    return found


def _add(found: Allowed, environment: Synthesized, stack: Deployable, statement: dict[str, Any]) -> None:
    assert statement["Effect"] == "Allow"
    assert not {"NotAction", "NotResource"} & statement.keys()
    via = ""
    if statement.get("Condition") == {"Bool": {"kms:GrantIsForAWSResource": "true"}}:
        via = " for services of AWS"
    elif "ForAllValues:StringLike" in statement.get("Condition", {}):
        [(name, keys)] = statement["Condition"]["ForAllValues:StringLike"].items()
        assert (name, len(statement["Condition"])) == ("dynamodb:LeadingKeys", 1)
        via = f" rows {', '.join(as_list(keys))}"
    elif "Condition" in statement:
        assert set(statement["Condition"]) == {"StringEquals"}
        [(name, service)] = statement["Condition"]["StringEquals"].items()
        assert name == "kms:ViaService"
        via = f" via {rendered(environment, stack, service).partition('.')[0]}"
    for resource in as_list(statement["Resource"]):
        where = rendered(environment, stack, resource) + via
        found.setdefault(where, set()).update(as_list(statement["Action"]))


def trusted(environment: Synthesized, stack: Deployable, role_path: str) -> str:
    """The one service that may assume a role; under which conditions, test_service_principals.py compares."""
    _, role = role_of(stack, role_path)
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    service: str = statement["Principal"]["Service"]
    return service


def told_callers(environment: Synthesized, stack: Deployable, told: Any) -> bool:
    """Whether a function is told of the callers that the config names, and of the canary's role where there is one."""
    expected = [*environment.config.test_callers, *(["<CanaryCaller/Role>"] if environment.canary else [])]
    return rendered(environment, stack, told) == ",".join(expected)
