"""One environment: its stacks and the connections between them."""

from itertools import pairwise

from aws_cdk import Environment as CdkEnvironment
from aws_cdk import Stack, Stage, Tags, Validations
from cdk_nag import AwsSolutionsChecks
from constructs import Construct, IConstruct

from constructs_lib.alarm_topic import notify_of_every_alarm
from stacks.api import ApiStack
from stacks.backup import BackupStack
from stacks.bi import DashboardsStack
from stacks.canary import CanaryCallerStack, CanaryStack
from stacks.commands import CommandsStack
from stacks.domain_events import DomainEventsStack
from stacks.environment import STACKS_WITH_DATA, Environment
from stacks.lake import LakeStack
from stacks.ledger import LedgerStack
from stacks.notifications import NotificationsStack
from stacks.projections import ProjectionsStack
from stacks.publisher import PublisherStack
from stacks.read_models import ReadModel
from stacks.reports import ReportsStack
from stacks.sealing import SealingStack
from stacks.transparency import TransparencyStack
from stacks.verification import VerificationStack
from stacks.watch import WatchStack
from stacks.watch_dashboard import Watched

FINDINGS_STOP_SYNTHESIS = {
    "@aws-cdk/core:failSynthOnValidationErrors": True,
    "@aws-cdk/core:appMode": "inmemory",
}
"""Context of the App. By default the CDK's command line handles validation findings, and checks only the stacks that it
was told to synthesize: with none named, stacks inside a stage would pass with any finding. With `inmemory` a finding is
an exception, which fails the synthesis.
"""

RUNBOOK = "docs/runbook.md"
"""What every alarm's description leads to: the page has an entry for each alarm."""


def runbook_kind(construct: IConstruct) -> str | None:
    """What stands for a construct in names of the runbook's entries: all read models have the same."""
    return "PROJECTION" if isinstance(construct, ReadModel) else None


class DaybookStage(Stage):
    """The stacks `<stage id>-Ledger`, `-Api` and so on. Synthesis fails on an AwsSolutions finding."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment) -> None:
        super().__init__(
            scope, construct_id, env=CdkEnvironment(account=config.account or None, region=config.region or None)
        )
        self.notifications = NotificationsStack(self, "Notifications", config=config)
        self.ledger = LedgerStack(self, "Ledger", config=config)
        self.backup = BackupStack(self, "Backup", config=config, ledger=self.ledger)
        caller = CanaryCallerStack(self, "CanaryCaller") if config.canary_minutes else None
        test_callers = (*config.test_callers, *([caller.role.role_id] if caller else []))
        self.domain_events = DomainEventsStack(self, "DomainEvents", config=config)
        self.projections = ProjectionsStack(
            self, "Projections", config=config, ledger=self.ledger, published=self.domain_events
        )
        self.lake = LakeStack(self, "Lake", config=config, events=self.domain_events.events)
        self.log = TransparencyStack(self, "Transparency", config=config, ledger=self.ledger, lake=self.lake)
        self.api = ApiStack(
            self,
            "Api",
            config=config,
            ledger=self.ledger,
            projections=self.projections,
            log=self.log,
            test_callers=test_callers,
        )
        self.commands = CommandsStack(self, "Commands", config=config, ledger=self.ledger, test_callers=test_callers)
        self.publisher = PublisherStack(
            self,
            "Publisher",
            config=config,
            events=self.ledger.events,
            published=self.domain_events,
        )
        self._order(config)
        self._protect(config)
        if caller:
            for each in (self.api, self.commands):
                each.add_stack_dependency(caller)
            self.canary = CanaryStack(self, "Canary", config=config, api=self.api, caller=caller)
            self.canary.add_stack_dependency(self.api)
        self.reports = ReportsStack(self, "Reports", config=config, lake=self.lake)
        self.sealing = SealingStack(self, "Sealing", config=config, log=self.log, lake=self.lake)
        self.verification = VerificationStack(
            self,
            "Verification",
            config=config,
            ledger=self.ledger,
            projections=self.projections,
            lake=self.lake,
            log=self.log,
        )
        if config.quicksight_user:
            self.dashboards = DashboardsStack(self, "Dashboards", config=config, lake=self.lake)
        self._watch(config)  # last: it watches the keys, and shows the alarms, that are there
        notify_of_every_alarm(self, self.notifications.topics, runbook=RUNBOOK, kind=runbook_kind)
        Tags.of(self).add("service", "daybook")
        Tags.of(self).add("environment", config.name)
        if config.require_iam:  # the emulated environment is open on purpose; every cloud environment is checked
            Validations.of(self).add_plugins(AwsSolutionsChecks(self))

    def _watch(self, config: Environment) -> None:
        watched = Watched(
            notifications=self.notifications,
            ledger=self.ledger,
            api=self.api,
            commands=self.commands,
            domain_events=self.domain_events,
            lake=self.lake,
            projections=self.projections,
            publisher=self.publisher,
            reports=self.reports,
            log=self.log,
            sealing=self.sealing,
            verification=self.verification,
            has_canary=config.canary_minutes > 0,
        )
        self.watch = WatchStack(self, "Watch", config=config, watched=watched)

    def _protect(self, config: Environment) -> None:
        """CloudFormation then refuses to delete the stacks that hold data.

        The command line turns this on before it creates a stack, and may not remove a protected one whose creation
        failed, so the first deployment leaves it out. Without it the command line turns it off. Source: `deploy-stack`
        in aws-cdk 2.1148.1.
        """
        for name in STACKS_WITH_DATA:
            stack = self.node.find_child(name)
            assert isinstance(stack, Stack)  # noqa: S101 - the children of a stage
            stack.termination_protection = config.protected

    def _order(self, config: Environment) -> None:
        """In a release, whatever reads events comes before what writes them: the API last.

        A writer of the new release may write what a reader of the old one does not know (see `WRITES` in
        `lambdas.accounts.codec`). And Firehose sees only what is sent after it was created.

        A release that switches writes off begins with the API, and the publisher stops last: a restore knows what was
        lost from what was published.
        """
        chain: tuple[Stack, ...] = (self.publisher, self.commands, self.api)
        for reader in (self.lake, self.projections):
            self.publisher.add_stack_dependency(reader)
        self.projections.add_stack_dependency(self.lake)
        self.api.add_stack_dependency(self.projections)
        for earlier, later in pairwise(chain if config.writes else reversed(chain)):
            later.add_stack_dependency(earlier)
