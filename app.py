"""The CDK application: `cdk synth -c env=local|dev|staging|prod`."""

from aws_cdk import App

from stacks.environment import environment_from_context
from stacks.stage import DaybookStage

app = App()
config = environment_from_context(app.node)
DaybookStage(app, f"Daybook-{config.name}", config=config)
app.synth()
