"""A function's new version takes over step by step, and goes back when an alarm goes off."""

from collections.abc import Sequence

from aws_cdk import (
    Acknowledgment,
    ArnFormat,
    CfnCodeDeployLambdaAliasUpdate,
    CfnResource,
    CfnUpdatePolicy,
    Stack,
    Validations,
)
from aws_cdk.aws_cloudwatch import Alarm, Metric
from aws_cdk.aws_codedeploy import CfnApplication, CfnDeploymentGroup, ILambdaDeploymentConfig
from aws_cdk.aws_iam import Policy, PolicyStatement, Role, ServicePrincipal
from constructs import Construct

from constructs_lib.python_function import LIVE_ALIAS, PythonFunction

MAX_ALARMS = 10
"""Of one deployment group. Source: CodeDeploy User Guide, "CodeDeploy limits"."""


def metric_of_newest_version(function: PythonFunction, name: str) -> Metric:
    """One of Lambda's metrics about calls of the alias that the newest version answered.

    While the alias shares its calls out, only this tells the two versions apart. Source: Lambda Developer Guide, "Using
    CloudWatch metrics with Lambda", dimension ExecutedVersion.
    """
    function_name = function.function.function_name
    return Metric(
        namespace="AWS/Lambda",
        metric_name=name,
        dimensions_map={
            "FunctionName": function_name,
            "Resource": f"{function_name}:{function.live.alias_name}",
            "ExecutedVersion": function.live.version.version,
        },
    )


class GradualDeployment(Construct):
    """CodeDeploy moves the alias `live` of `function` to a new version, as `deployment_config` says.

    When one of `alarms` goes off meanwhile, the alias goes back to the version before, CloudFormation's update fails
    and everything of the stack is rolled back. Nothing happens when a stack is created.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: PythonFunction,
        deployment_config: ILambdaDeploymentConfig,
        alarms: Sequence[Alarm],
    ) -> None:
        super().__init__(scope, construct_id)
        if not 1 <= len(alarms) <= MAX_ALARMS:
            raise ValueError(f"a deployment is watched by 1 to {MAX_ALARMS} alarms, not {len(alarms)}")
        application = CfnApplication(self, "Application", compute_platform="Lambda")
        role = self._role(application)
        policy = self._policy(role, function)
        group = CfnDeploymentGroup(
            self,
            "Group",
            application_name=application.ref,
            service_role_arn=role.role_arn,
            deployment_config_name=deployment_config.deployment_config_name,
            deployment_style=CfnDeploymentGroup.DeploymentStyleProperty(
                deployment_option="WITH_TRAFFIC_CONTROL", deployment_type="BLUE_GREEN"
            ),
            alarm_configuration=CfnDeploymentGroup.AlarmConfigurationProperty(
                enabled=True, alarms=[CfnDeploymentGroup.AlarmProperty(name=each.alarm_name) for each in alarms]
            ),
            auto_rollback_configuration=CfnDeploymentGroup.AutoRollbackConfigurationProperty(
                enabled=True, events=["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
            ),
        )
        group.node.add_dependency(policy)
        alias = function.live.node.default_child
        assert isinstance(alias, CfnResource)  # noqa: S101 - what every Alias is made of
        alias.cfn_options.update_policy = CfnUpdatePolicy(
            code_deploy_lambda_alias_update=CfnCodeDeployLambdaAliasUpdate(
                application_name=application.ref, deployment_group_name=group.ref
            )
        )
        alias.add_resource_dependency(group)  # the alarms must watch the new version before it gets a call

    def _role(self, application: CfnApplication) -> Role:
        """Trusts CodeDeploy for this application only."""
        stack = Stack.of(self)
        groups = stack.format_arn(
            service="codedeploy",
            resource="deploymentgroup",
            resource_name=f"{application.ref}/*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        # Source: CodeDeploy User Guide, "Cross-service confused deputy prevention".
        principal = ServicePrincipal(
            "codedeploy.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "StringLike": {"aws:SourceArn": groups},
            },
        )
        return Role(self, "Role", description="Shifts calls to a new version", assumed_by=principal)

    def _policy(self, role: Role, function: PythonFunction) -> Policy:
        """The rights of AWSCodeDeployRoleForLambdaLimited, but for S3 and hooks: CloudFormation hands the revision over
        as text. Source: AWS Managed Policy Reference.

        The alias is named and not referred to: it is changed after this policy is there.
        """
        arn = function.function.function_arn
        shift = PolicyStatement(
            actions=["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
            resources=[arn, f"{arn}:{LIVE_ALIAS}"],
        )
        watch = PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"])
        policy = Policy(self, "Policy", statements=[shift, watch], roles=[role])
        Validations.of(policy).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="CodeDeploy asks for its alarms in one call, as its managed policy allows; the call only reads.",
            )
        )
        return policy
