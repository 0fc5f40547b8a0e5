"""The CDK application: `cdk synth -c env=local|dev|staging|prod '**'`."""

from aws_cdk import App

from stacks.environment import environment_from_context
from stacks.stage import FINDINGS_STOP_SYNTHESIS, DaybookStage

app = App(post_cli_context=FINDINGS_STOP_SYNTHESIS)
config = environment_from_context(app.node)
DaybookStage(app, f"Daybook-{config.name}", config=config)
app.synth()
