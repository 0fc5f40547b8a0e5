"""What the workflows may do in an account: each role trusts one kind of job, and may do what that job does."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.environment import CLOUD_NAMES, InvalidContextError
from stacks.pipeline import pipeline_from_context
from tests.infrastructure.permissions import as_list
from tests.infrastructure.synthesis import REPOSITORY, feature_flags
from tests.infrastructure.test_cfn_lint import findings

ISSUER = "token.actions.githubusercontent.com"
POLICIES = "arn:aws:iam::111111111111:policy/Read,arn:aws:iam::111111111111:policy/Command"
CONTEXT = {"repository": "bank/daybook", "environments": ",".join(CLOUD_NAMES), "smoke_policies_dev": POLICIES}


def template(**context: str) -> dict[str, Any]:
    """The template of the stack that a context describes."""
    app = App(context={**feature_flags(), **CONTEXT, **context})
    return dict(Template.from_stack(pipeline_from_context(app)).to_json())


@pytest.fixture(scope="module")
def pipeline() -> dict[str, Any]:
    """All environments in one account."""
    return template()


def text(value: Any) -> str:
    """A value of the template with pseudo parameters by name."""
    match value:
        case {"Fn::Join": [str() as separator, list() as parts]}:
            return separator.join(text(each) for each in parts)
        case {"Ref": str() as name} | {"Fn::GetAtt": [str() as name, str()]}:
            return f"<{name.removeprefix('AWS::')}>"
        case _:
            return str(value)


def roles(pipeline: dict[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Description of each role to its logical id and properties."""
    return {
        each["Properties"]["Description"]: (name, each["Properties"])
        for name, each in pipeline["Resources"].items()
        if each["Type"] == "AWS::IAM::Role"
    }


def rights(pipeline: dict[str, Any], role_id: str) -> dict[str, set[str]]:
    """Every resource that a role's own policies name, to the actions allowed on it."""
    found: dict[str, set[str]] = {}
    for each in pipeline["Resources"].values():
        if each["Type"] == "AWS::IAM::Policy" and {"Ref": role_id} in each["Properties"]["Roles"]:
            for statement in each["Properties"]["PolicyDocument"]["Statement"]:
                assert statement.keys() == {"Action", "Effect", "Resource"}
                assert statement["Effect"] == "Allow"
                for resource in as_list(statement["Resource"]):
                    found.setdefault(text(resource), set()).update(as_list(statement["Action"]))
    return found


def stacks_of(name: str) -> str:
    return f"arn:<Partition>:cloudformation:<Region>:<AccountId>:stack/Daybook-{name}-*/*"


@pytest.mark.parametrize("name", CLOUD_NAMES)
def test_each_role_trusts_the_jobs_of_its_environment_and_the_third_pull_requests(
    pipeline: dict[str, Any], name: str
) -> None:
    subjects = {
        f"Deploys {name} from GitHub": f"repo:bank/daybook:environment:{name}",
        f"Tries {name} out from GitHub": f"repo:bank/daybook:environment:{name}",
        f"Compares pull requests with {name}": "repo:bank/daybook:pull_request",
    }
    for description, subject in subjects.items():
        _, role = roles(pipeline)[description]
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert text(statement["Principal"]["Federated"]) == "<GitHub>"
        assert statement["Condition"] == {
            "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject}
        }
    assert len(roles(pipeline)) == 3 * len(CLOUD_NAMES)


@pytest.mark.parametrize("name", CLOUD_NAMES)
def test_the_role_that_deploys_may_assume_the_cdks_roles_and_list_stacks(pipeline: dict[str, Any], name: str) -> None:
    role_id, role = roles(pipeline)[f"Deploys {name} from GitHub"]
    own = "arn:<Partition>:iam::<AccountId>:role/cdk-hnb659fds-{}-role-<AccountId>-<Region>"
    assert rights(pipeline, role_id) == {
        **{own.format(kind): {"sts:AssumeRole"} for kind in ("deploy", "file-publishing", "lookup")},
        "*": {"cloudformation:DescribeStacks"},
    }
    assert "ManagedPolicyArns" not in role


def test_the_role_of_the_smoke_test_has_the_policies_that_it_was_given(pipeline: dict[str, Any]) -> None:
    for name in CLOUD_NAMES:
        role_id, role = roles(pipeline)[f"Tries {name} out from GitHub"]
        assert rights(pipeline, role_id) == {stacks_of(name): {"cloudformation:DescribeStacks"}}
        assert role.get("ManagedPolicyArns", []) == (POLICIES.split(",") if name == "dev" else [])


@pytest.mark.parametrize("name", CLOUD_NAMES)
def test_the_role_for_pull_requests_reads_templates_of_its_environment_only(
    pipeline: dict[str, Any], name: str
) -> None:
    role_id, role = roles(pipeline)[f"Compares pull requests with {name}"]
    read = {"cloudformation:DescribeStacks", "cloudformation:GetTemplate"}
    assert rights(pipeline, role_id) == {stacks_of(name): read}
    assert "ManagedPolicyArns" not in role


def test_there_is_nothing_else_and_no_long_lived_key(pipeline: dict[str, Any]) -> None:
    assert {each["Type"] for each in pipeline["Resources"].values()} == {
        "AWS::IAM::OIDCProvider",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
    }
    [provider] = [each for each in pipeline["Resources"].values() if each["Type"] == "AWS::IAM::OIDCProvider"]
    assert provider["Properties"] == {"ClientIdList": ["sts.amazonaws.com"], "Url": f"https://{ISSUER}"}


def test_an_account_that_knows_github_already_keeps_its_provider() -> None:
    found = template(provider_exists="true", environments="dev")
    assert not [each for each in found["Resources"].values() if each["Type"] == "AWS::IAM::OIDCProvider"]
    _, role = roles(found)["Deploys dev from GitHub"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    expected = f"arn:<Partition>:iam::<AccountId>:oidc-provider/{ISSUER}"
    assert text(statement["Principal"]["Federated"]) == expected
    assert len(roles(found)) == 3


def test_the_workflows_find_every_role_among_the_outputs(pipeline: dict[str, Any]) -> None:
    kinds = ("DeployRoleArn", "SmokeRoleArn", "SmokeRoleId", "DiffRoleArn")
    assert set(pipeline["Outputs"]) == {f"{name.capitalize()}{kind}" for name in CLOUD_NAMES for kind in kinds}


def test_a_repository_with_ids_is_trusted_by_them() -> None:
    """GitHub signs them for every repository that was made or renamed since July 2026."""
    found = template(repository="bank@12/daybook@345", environments="dev")
    for description, job in {
        "Deploys dev from GitHub": "environment:dev",
        "Tries dev out from GitHub": "environment:dev",
        "Compares pull requests with dev": "pull_request",
    }.items():
        _, role = roles(found)[description]
        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Condition"]["StringEquals"][f"{ISSUER}:sub"] == f"repo:bank@12/daybook@345:{job}"


@pytest.mark.parametrize(
    "repository",
    ["", "daybook", "bank/", "a/b/c", "bank/*", "bank@12/daybook", "bank/daybook@345", "bank@b/daybook@d", "ba?k/day"],
)
def test_a_repository_that_is_none_is_refused(repository: str) -> None:
    with pytest.raises(InvalidContextError, match="repository=OWNER/NAME"):
        template(repository=repository)


@pytest.mark.parametrize("environments", ["", "qa", "dev,qa", "local"])
def test_an_environment_that_is_not_in_the_cloud_is_refused(environments: str) -> None:
    with pytest.raises(InvalidContextError, match=",".join(CLOUD_NAMES)):
        template(environments=environments)


def test_cfn_lint_finds_nothing(pipeline: dict[str, Any]) -> None:
    assert findings(pipeline) == []


def run(outdir: Path, **context: str) -> subprocess.CompletedProcess[str]:
    variables = {"CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": json.dumps({**feature_flags(), **context})}
    return subprocess.run(
        [sys.executable, "-m", "stacks.pipeline"],
        cwd=REPOSITORY,
        env={"PATH": str(Path(sys.executable).parent), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_application_passes_the_rules_that_stop_synthesis(tmp_path: Path) -> None:
    done = run(tmp_path, **CONTEXT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "DaybookPipeline.template.json").is_file()


def test_what_is_missing_is_told_in_a_line(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (1, "name the repository: -c repository=OWNER/NAME, or OWNER@ID/NAME@ID\n")
