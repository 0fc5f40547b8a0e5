"""The dashboard of an environment: a row for each question, the most urgent first."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk.aws_cloudwatch import (
    Alarm,
    AlarmStatusWidget,
    Dashboard,
    IWidget,
    MathExpression,
    Metric,
    Stats,
    TextWidget,
    TextWidgetBackground,
)
from aws_cdk.aws_dynamodb import Table
from constructs import Construct

from constructs_lib.graphs import graph, percentile, total, worst
from constructs_lib.python_function import PythonFunction
from stacks.api import ApiStack
from stacks.commands import CommandsStack
from stacks.domain_events import DomainEventsStack
from stacks.environment import Environment
from stacks.functions import own_metric
from stacks.lake import LakeStack
from stacks.ledger import LedgerStack
from stacks.notifications import NotificationsStack
from stacks.projections import ProjectionsStack
from stacks.publisher import PublisherStack
from stacks.reports import ReportsStack
from stacks.sealing import SealingStack
from stacks.transparency import TransparencyStack
from stacks.verification import VerificationStack

WIDTH = 24
SHOWN = Duration.hours(12)
MOST_ALARMS = 100
"""Of a widget. Source: CloudWatch API Reference, "Dashboard body structure and syntax", alarm widgets."""

READ_MODELS = "-Projections-"
"""Stands in the names of their alarms."""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The stacks whose resources are looked at, and whether a canary's metrics are there."""

    notifications: NotificationsStack
    ledger: LedgerStack
    api: ApiStack
    commands: CommandsStack
    domain_events: DomainEventsStack
    lake: LakeStack
    projections: ProjectionsStack
    publisher: PublisherStack
    reports: ReportsStack
    log: TransparencyStack
    sealing: SealingStack
    verification: VerificationStack
    has_canary: bool

    @property
    def functions(self) -> dict[str, PythonFunction]:
        """Every function but the canary's, by a short name."""
        return {
            "api": self.api.function,
            "processor": self.commands.processor,
            "failures": self.commands.failures,
            "publisher": self.publisher.function,
            "report": self.reports.function,
            "sealer": self.sealing.function,
            "verifier": self.verification.function,
            "lag": self.projections.lag,
            **{f"projector_{name}": each.projector for name, each in self.projections.read_models.items()},
            **{f"rebuild_{name}": each.rebuilder for name, each in self.projections.read_models.items()},
        }

    @property
    def tables(self) -> dict[str, Table]:
        """Every table, by a short name."""
        return {
            "events": self.ledger.events.table,
            "receipts": self.ledger.receipts.table,
            "commands": self.ledger.commands.table,
            "log_index": self.log.index.table,
            **{name: each.table.table for name, each in self.projections.read_models.items()},
        }


def watch_dashboard(stack: Stack, *, config: Environment, watched: Watched, alarms: Sequence[str]) -> Dashboard:
    """The dashboard, with the state of `alarms`, by their names, at the top."""
    return Dashboard(
        stack,
        "Dashboard",
        default_interval=SHOWN,
        widgets=[
            [_text(f"# Daybook {config.name}\nWhat an alarm means, and what to type: docs/runbook.md")],
            _states(stack, alarms),
            [_text("## Requests")],
            _requests(config, watched),
            *([_canary(config)] if watched.has_canary else []),
            [_text("## Commands")],
            _commands(config, watched),
            [_text("## Lag: from a stored command to its end, from an event to the stream, and to the lake")],
            _lag(config, watched),
            [_text("## Read models")],
            _read_models(config, watched),
            _rebuilds(config, watched),
            [_text("## What was given up, and waits for somebody")],
            _given_up(config, watched),
            [_text("## The lake")],
            _lake(config, watched),
            [_text("## The log, and what is verified against it")],
            _log(config, watched),
            [_text("## What costs money")],
            *_costs(config, watched),
            [_text("## Room")],
            _room(config, watched),
        ],
    )


def _text(markdown: str) -> IWidget:
    height = 1 + markdown.count("\n")
    return TextWidget(markdown=markdown, width=WIDTH, height=height, background=TextWidgetBackground.TRANSPARENT)


def _states(stack: Stack, alarms: Sequence[str]) -> list[IWidget]:
    """By name, so that no other stack has to publish its alarms as outputs.

    Read models have theirs below the others, each as many as the rest of a stack.
    """
    scope = Construct(stack, "Alarms")
    named = [Alarm.from_alarm_name(scope, name, name) for name in alarms]
    parts = {
        "Alarms": [each for each in named if READ_MODELS not in each.alarm_name],
        "Alarms of read models": [each for each in named if READ_MODELS in each.alarm_name],
    }
    return [
        AlarmStatusWidget(title=title, alarms=part[first : first + MOST_ALARMS], width=WIDTH, height=6)
        for title, part in parts.items()
        for first in range(0, len(part), MOST_ALARMS)
    ]


def _requests(config: Environment, watched: Watched) -> list[IWidget]:
    api = watched.api.rest_api
    latency = api.metric("Latency")
    return [
        graph(
            "Requests",
            total(api.metric("Count"), "all, at the gateway"),
            total(own_metric(config, "Requests"), "synchronous, at the function"),
            total(api.metric("4XXError"), "4xx"),
            total(api.metric("5XXError"), "5xx"),
            unit="requests",
        ),
        graph(
            "Latency at the gateway",
            percentile(latency, 50),
            percentile(latency, 99),
            unit="ms",
            limit=config.slow_request_ms,
        ),
        graph(
            "Not served",
            total(api.metrics.throttled, "throttled"),
            total(api.metrics.failed, "failed at the gateway"),
            total(own_metric(config, "InternalErrors"), "internal errors"),
            total(own_metric(config, "ReadsUnavailable"), "reads unavailable"),
            total(own_metric(config, "ClockOff"), "clock off"),
            unit="requests",
        ),
    ]


def _canary(config: Environment) -> list[IWidget]:
    """What a client sees of it all. The steps that are shown stand for all of them."""
    steps = {"Credit": "credit", "Read": "read", "StoredCommand": "stored command"}
    return [
        graph("Runs of the canary that went well", total(own_metric(config, "CanarySucceeded"), "runs"), unit="runs"),
        graph(
            "Steps of the canary",
            *(worst(own_metric(config, f"Canary{name}Seconds"), label) for name, label in steps.items()),
            unit="s",
        ),
    ]


def _commands(config: Environment, watched: Watched) -> list[IWidget]:
    events = {"TableName": watched.ledger.events.table.table_name}
    return [
        graph(
            "Commands by outcome (rejected: stored ones, too)",
            *(
                total(own_metric(config, f"Commands{outcome}"), outcome.lower())
                for outcome in ("Accepted", "Replayed", "Rejected", "Contended", "Unavailable")
            ),
            unit="commands",
        ),
        graph(
            "Stored commands by state",
            *(
                total(own_metric(config, f"Commands{state}"), state.lower())
                for state in ("Succeeded", "Repeated", "Left", "Failed", "Differing")
            ),
            unit="commands",
        ),
        graph(
            "Contention on the event table",
            *(
                total(Metric(namespace="AWS/DynamoDB", metric_name=name, dimensions_map=events), label)
                for name, label in (
                    ("ConditionalCheckFailedRequests", "versions taken, or receipts there"),
                    ("TransactionConflict", "transactions in conflict"),
                )
            ),
            unit="requests",
        ),
    ]


def _lag(config: Environment, watched: Watched) -> list[IWidget]:
    delivery = watched.lake.delivery
    return [
        graph(
            "Oldest stored command",
            worst(watched.commands.processor.function.metric("IteratorAge"), "processor"),
            unit="ms",
            limit=1_000 * config.commands_behind_seconds,
        ),
        graph(
            "Oldest event that is not published, or not read by Firehose",
            worst(watched.publisher.function.function.metric("IteratorAge"), "publisher"),
            worst(delivery.metric("KinesisMillisBehindLatest"), "Firehose"),
            unit="ms",
            limit=1_000 * config.publisher_behind_seconds,
        ),
        graph(
            "Oldest event that is not in the lake",
            worst(delivery.metric("DeliveryToS3.DataFreshness"), "Firehose"),
            unit="s",
            limit=config.lake_late_intervals * config.lake_interval_seconds,
        ),
    ]


def _read_models(config: Environment, watched: Watched) -> list[IWidget]:
    """A line for each projection."""
    models = watched.projections.read_models
    return [
        graph(
            "Oldest event that is not in a read model",
            *(worst(each.metric(config, "ProjectionLagSeconds"), name) for name, each in models.items()),
            unit="s",
            limit=config.projection_behind_seconds,
        ),
        graph(
            "Events folded, and events that wait",
            *(total(each.metric(config, "ProjectionEventsFolded"), f"{name}, folded") for name, each in models.items()),
            *(worst(each.metric(config, "ProjectionLagEvents"), f"{name}, waiting") for name, each in models.items()),
            unit="events",
        ),
        graph(
            "Accounts that are stopped",
            *(
                worst(each.metric(config, "ProjectionAccountsWaiting"), f"{name}, live")
                for name, each in models.items()
            ),
            *(total(each.metric(config, "RebuildAccountsStopped"), f"{name}, built") for name, each in models.items()),
            unit="accounts",
        ),
    ]


def _rebuilds(config: Environment, watched: Watched) -> list[IWidget]:
    models = watched.projections.read_models.items()
    return [
        graph(
            title,
            *(
                total(each.metric(config, f"Rebuild{metric}"), f"{name}, {label}")
                for name, each in models
                for metric, label in metrics.items()
            ),
            unit=unit,
        )
        for title, unit, metrics in (
            ("Rebuilds", "events", {"RowsWalked": "walked", "EventsFolded": "folded"}),
            ("What rebuilds take", "units", {"ReadUnits": "read", "WriteUnits": "written"}),
        )
    ]


def _given_up(config: Environment, watched: Watched) -> list[IWidget]:
    return [
        graph(
            "Events",
            total(own_metric(config, "RowsParked"), "rows parked"),
            total(watched.publisher.mapping.metric_parked(), "records of batches parked"),
            total(watched.publisher.mapping.metric_given_up(), "records given up"),
            total(own_metric(config, "EventTableTampered"), "rows tampered with"),
            *(
                total(each.mapping.metric_given_up(), f"records not projected, {name}")
                for name, each in watched.projections.read_models.items()
            ),
            unit="events",
        ),
        graph(
            "Stored commands",
            total(watched.commands.mapping.metric_parked(), "records of batches parked"),
            total(watched.commands.mapping.metric_given_up(), "records given up"),
            worst(watched.commands.trigger.metric_dead_letters(), "dead letters not marked"),
            unit="commands",
        ),
        graph(
            "Lake and reports",
            total(watched.lake.delivery.metric("FailedConversion.Records"), "records not converted"),
            total(own_metric(config, "EventsMissingInLake"), "events missing in the lake"),
            unit="events",
        ),
    ]


def _lake(config: Environment, watched: Watched) -> list[IWidget]:
    delivery = watched.lake.delivery
    return [
        graph(
            "Events published, and records that reached the lake",
            total(own_metric(config, "EventsPublished"), "events published"),
            total(delivery.metric("SucceedConversion.Records"), "records in the lake"),
            unit="count",
        ),
        graph(
            "Scanned by Athena",
            *(total(watched.lake.workgroup.metric_scanned(each), each.lower()) for each in ("SUCCEEDED", "CANCELED")),
            unit="bytes",
        ),
        graph("Reports written", total(own_metric(config, "ReportsWritten"), "days"), unit="days"),
    ]


def _log(config: Environment, watched: Watched) -> list[IWidget]:
    walk = watched.verification.walk
    return [
        graph(
            "Sealed",
            total(own_metric(config, "LeavesSealed"), "leaves"),
            total(own_metric(config, "SealsDecided"), "seals"),
            unit="count",
        ),
        graph(
            "What must not be",
            total(own_metric(config, "LogForks"), "forks"),
            total(own_metric(config, "LogHoles"), "holes, overdue"),
            total(own_metric(config, "LogConflicts"), "conflicts"),
            total(own_metric(config, "VerificationFindings"), "findings"),
            unit="count",
        ),
        graph(
            "Verifications",
            total(own_metric(config, "VerificationEvents"), "events verified"),
            total(walk.metric("ExecutionsSucceeded"), "ended well"),
            total(walk.metric("ExecutionsFailed"), "failed"),
            unit="count",
        ),
    ]


def _costs(config: Environment, watched: Watched) -> list[list[IWidget]]:
    stream = watched.domain_events.events.stream
    tables = watched.tables.items()
    return [
        [
            graph(
                "Write units",
                *(total(each.metric_consumed_write_capacity_units(), name) for name, each in tables),
                unit="WCU",
            ),
            graph(
                "Read units",
                *(total(each.metric_consumed_read_capacity_units(), name) for name, each in tables),
                unit="RCU",
            ),
            graph(
                "Lambda",
                *(_gigabyte_seconds(each, name, config) for name, each in watched.functions.items()),
                unit="GB-s",
            ),
        ],
        [
            graph(
                "Stream of domain events",
                total(stream.metric_incoming_bytes(), "written"),
                total(stream.metric_get_records_bytes(), "read"),
                unit="bytes",
            ),
            graph(
                "Lambda invocations",
                *(total(each.live.metric_invocations(), name) for name, each in watched.functions.items()),
                unit="invocations",
            ),
        ],
    ]


def _gigabyte_seconds(function: PythonFunction, name: str, config: Environment) -> MathExpression:
    """What Lambda charges duration by. Functions have the same memory."""
    return MathExpression(
        expression=f"{name} * {config.function_memory_mb} / 1024 / 1000",
        using_metrics={name: function.live.metric_duration(statistic=Stats.SUM)},
        label=name,
    )


def _room(config: Environment, watched: Watched) -> list[IWidget]:
    stream = watched.domain_events.events.stream
    return [
        graph(
            "Concurrent executions of the AWS account",
            worst(Metric(namespace="AWS/Lambda", metric_name="ClaimedAccountConcurrency"), "reserved or in use"),
            unit="executions",
            limit=config.account_concurrency or None,
        ),
        graph(
            "Throttled",
            *(total(each.live.metric_throttles(), name) for name, each in watched.functions.items()),
            total(stream.metric_write_provisioned_throughput_exceeded(), "stream, written"),
            total(stream.metric_read_provisioned_throughput_exceeded(), "stream, read"),
            unit="requests",
        ),
        graph(
            "Longest invocation",
            *(worst(each.live.metric_duration(), name) for name, each in watched.functions.items()),
            unit="ms",
        ),
    ]
