"""What the workflows on GitHub may do in an account: an application of its own, deployed by an administrator.

    cdk deploy --app 'python3 -m stacks.pipeline' -c repository=OWNER@ID/NAME@ID -c environments=NAME,NAME

docs/deploy.md has the whole procedure. Nothing secret is made: GitHub signs a token that says which repository and
environment a job is of, and STS gives the role that trusts this for an hour.
"""

import re
import sys
from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, App, Aws, CfnOutput, Stack, Validations
from aws_cdk.aws_iam import (
    CfnOIDCProvider,
    IManagedPolicy,
    ManagedPolicy,
    Policy,
    PolicyStatement,
    Role,
    WebIdentityPrincipal,
)
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from stacks.environment import CLOUD_NAMES, Context, InvalidContextError
from stacks.stage import FINDINGS_STOP_SYNTHESIS

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
"""Source of both: GitHub Docs, "Configuring OpenID Connect in Amazon Web Services"."""
REPOSITORIES = (re.compile(r"[\w-]+@\d+/[\w.-]+@\d+", re.ASCII), re.compile(r"[\w-]+/[\w.-]+", re.ASCII))
"""How a token tells its repository: with the ids of owner and repository, which nobody else gets when a name is free
again, or by names alone, as for one that was made before 15 July 2026 and neither renamed nor transferred since.
Source: GitHub Changelog, 2026-04-23, "Immutable subject claims for GitHub Actions OIDC tokens".
"""
QUALIFIER = "hnb659fds"
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "lookup")
"""What `cdk deploy` assumes, by the names of the CDK's bootstrap template. The first hands CloudFormation a role that
may do everything: whoever may approve a deployment to an environment is an administrator of its account.
"""


class PipelineStack(Stack):
    """GitHub as an identity provider of the account, and three roles for each environment that is deployed there.

    *Deploy* assumes the CDK's roles and finds the environment's stacks. *Smoke* holds `smoke_policies`, which the
    environment's stacks export, and finds their outputs. Both trust jobs of the environment of that name only. *Diff*
    reads the stacks' templates, and trusts every pull request from a branch of the repository.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        repository: str,
        environments: Sequence[str],
        smoke_policies: Mapping[str, Sequence[str]],
        provider_exists: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self._repository = repository
        self._provider = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:oidc-provider/{ISSUER}"
        if not provider_exists:  # an account has one for each issuer
            self._provider = CfnOIDCProvider(
                self, "GitHub", url=f"https://{ISSUER}", client_id_list=[AUDIENCE]
            ).attr_arn
        for name in environments:
            self._roles_of(name, smoke_policies.get(name, ()))

    def _roles_of(self, name: str, smoke_policies: Sequence[str]) -> None:
        place = Construct(self, name.capitalize())
        jobs = f"repo:{self._repository}:environment:{name}"
        stacks = f"arn:{Aws.PARTITION}:cloudformation:{Aws.REGION}:{Aws.ACCOUNT_ID}:stack/Daybook-{name}-*"
        deploy = self._role(place, "Deploy", f"Deploys {name} from GitHub", jobs)
        _allow(deploy, "Assume", ["sts:AssumeRole"], [_bootstrap_role(each) for each in BOOTSTRAP_ROLES])
        # To list stacks is to describe them without a name, which cannot be allowed for some of them only.
        _allow(deploy, "Find", ["cloudformation:DescribeStacks"], ["*"])
        smoke = self._role(place, "Smoke", f"Tries {name} out from GitHub", jobs, smoke_policies)
        _allow(smoke, "Find", ["cloudformation:DescribeStacks"], [f"{stacks}/*"])
        diff = self._role(place, "Diff", f"Compares pull requests with {name}", f"repo:{self._repository}:pull_request")
        _allow(diff, "Read", ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"], [f"{stacks}/*"])
        for role in (deploy, smoke, diff):
            kind = role.node.id
            CfnOutput(self, f"{name.capitalize()}{kind}RoleArn", value=role.role_arn)
        CfnOutput(self, f"{name.capitalize()}SmokeRoleId", value=smoke.role_id)

    def _role(self, place: Construct, kind: str, description: str, subject: str, policies: Sequence[str] = ()) -> Role:
        principal = WebIdentityPrincipal(
            self._provider, {"StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": subject}}
        )
        given: list[IManagedPolicy] = [
            ManagedPolicy.from_managed_policy_arn(place, f"{kind}Policy{number}", arn)
            for number, arn in enumerate(policies)
        ]
        return Role(place, kind, description=description, assumed_by=principal, managed_policies=given)


def _bootstrap_role(kind: str) -> str:
    name = f"cdk-{QUALIFIER}-{kind}-role-{Aws.ACCOUNT_ID}-{Aws.REGION}"
    return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/{name}"


def _allow(role: Role, name: str, actions: Sequence[str], resources: Sequence[str]) -> None:
    """Allow exactly this. A policy of its own, so that an acknowledgement covers nothing else."""
    statement = PolicyStatement(actions=list(actions), resources=list(resources))
    policy = Policy(role, name, statements=[statement], roles=[role])
    for resource in resources:
        if "*" in resource:
            shown = resource.replace(Aws.PARTITION, "<AWS::Partition>").replace(Aws.REGION, "<AWS::Region>")
            shown = shown.replace(Aws.ACCOUNT_ID, "<AWS::AccountId>")
            Validations.of(policy).acknowledge(
                Acknowledgment(
                    id=f"AwsSolutions-IAM5[Resource::{shown}]",
                    reason="Reads stacks: their ids end in random characters, and listing them knows no names.",
                )
            )


def pipeline_from_context(app: App) -> PipelineStack:
    """The stack that the context describes. Raises InvalidContextError.

    `repository` is the one on GitHub, as its tokens tell it; `environments` are those of this account, separated by
    commas;
    `smoke_policies_<environment>` the ARNs of policies for its smoke test, likewise; `provider_exists` is true where
    the account knows GitHub already.
    """
    repository = _text(app.node, "repository")
    if not any(each.fullmatch(repository) for each in REPOSITORIES):
        raise InvalidContextError("name the repository: -c repository=OWNER/NAME, or OWNER@ID/NAME@ID")
    names = [each for each in _text(app.node, "environments").split(",") if each]
    if not names or not set(names) <= set(CLOUD_NAMES):
        raise InvalidContextError(f"name the environments of this account: -c environments={','.join(CLOUD_NAMES)}")
    return PipelineStack(
        app,
        "DaybookPipeline",
        repository=repository,
        environments=names,
        smoke_policies={
            name: [each for each in _text(app.node, f"smoke_policies_{name}").split(",") if each] for name in names
        },
        provider_exists=_text(app.node, "provider_exists") == "true",
    )


def _text(node: Context, key: str) -> str:
    return str(node.try_get_context(key) or "")


def main() -> None:
    """Synthesize, checked with the AwsSolutions rules."""
    app = App(post_cli_context=FINDINGS_STOP_SYNTHESIS)
    try:
        pipeline_from_context(app)
    except InvalidContextError as error:
        sys.exit(str(error))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    main()
