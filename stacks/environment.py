"""What differs between environments: one frozen object each, picked by `-c env=NAME`.

Every environment has the same topology, and no template holds an account or a region. To add one, write its object and
put it into ENVIRONMENTS: the Makefile, the workflow, help texts and tests take the names from here.

Standard library only, so that the names can be read without the CDK: `python -m stacks.environment` prints them, with
`--json` as one line of JSON.
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, Protocol

STACKS_WITH_DATA = ("Notifications", "Ledger", "Backup", "DomainEvents", "Lake", "Transparency")
"""The stacks that are protected against deletion, by their names behind `Daybook-<environment>-`.

The read models' stack is none of them: what it holds can be built again from the event table.
"""
MAX_SNAPSHOT_INTERVAL = 50
MAX_GENERATION = 1_000
MIN_GRACE_DAYS = 3
MOST_CANARY_MINUTES = 5
MOST_SILENT_HOURS = 7 * 24
"""An alarm looks back seven days. Source: CloudWatch API Reference, "PutMetricAlarm", `EvaluationPeriods`."""

MOST_SEGMENTS = 1_000
"""All of them are in the input of a rebuild's state machine."""
LOG_LEVELS = ("INFO",)
GIGABYTE = 10**9

_BUCKET_ARN = re.compile("arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_UNIQUE_ID = re.compile("[A-Za-z0-9_-]{1,128}")
"""What the functions know a caller by (`CALLER_PATTERN` in lambdas/service/keys.py)."""

LogRetention = Literal[
    "ONE_DAY", "ONE_WEEK", "TWO_WEEKS", "ONE_MONTH", "THREE_MONTHS", "SIX_MONTHS", "ONE_YEAR", "TWO_YEARS", "FIVE_YEARS"
]
"""Members of the CDK's `RetentionDays`, by name."""

Rollout = Literal[
    "ALL_AT_ONCE",
    "CANARY_10_PERCENT_5_MINUTES",
    "CANARY_10_PERCENT_15_MINUTES",
    "LINEAR_10_PERCENT_EVERY_1_MINUTE",
    "LINEAR_10_PERCENT_EVERY_3_MINUTES",
]
"""Members of the CDK's `LambdaDeploymentConfig`, by name."""


class UnknownEnvironmentError(ValueError):
    """`-c env=NAME` names no environment."""


class InvalidContextError(ValueError):
    """A context value has the wrong form, or does not apply to the environment."""


class Context(Protocol):
    """The one method of a CDK node that is used here."""

    def try_get_context(self, key: str) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Sizes, batches, retention, alarm thresholds and protection of one environment. Rates are requests per second.

    What the local emulator does not support is switched off here and nowhere else: `bundle_packages`, `named_queries`,
    `publisher_record_age_seconds`, `command_record_age_seconds`, `projection_record_age_seconds`, `recovery_windows`,
    `backup_selections`, `rollout`, `metric_math_alarms`, `account_concurrency`, and dashboards of QuickSight, which are
    off if `quicksight_user` is empty, and copies of checkpoints, which are if `checkpoint_bucket_arn` is.
    """

    name: str
    protect_data: bool

    ledger_generation: int = 1
    """Which tables are the ledger: 1 for those that the first deployment creates, and one more for each restore.

    It is part of the tables' construct ids and stands in the variables of every function. References to another stack
    are read at deployment, and the command line skips a stack whose template is the same as before: so whoever is not
    changed by this number would go on with the tables that a restore has replaced.
    """
    writes: bool = True
    """Whether commands are taken: `-c writes=off` deploys an environment that only reads, while tables are restored.

    Then the API answers every command 503 `not-applied`, and no stream is processed.
    """
    recovery_windows: bool = True
    """Whether the tables' point-in-time recovery tells how far back it goes."""

    require_iam: bool
    bundle_packages: bool
    backup_schedule: str = "cron(0 2 * * ? *)"
    """When AWS Backup begins the daily backup of the ledger's tables, in UTC."""
    backup_days: int = 35
    backup_selections: bool = True
    """Whether the plan has tables to back up."""
    vault_lock: Literal["", "governance", "compliance"] = ""
    """The lock on backups, which forbids to delete them before their time. Empty: none.

    A governance lock yields to whoever has the right to remove it. A compliance lock can be removed for
    `vault_lock_grace_days` (at least 3), and from then on by nobody, AWS included, for as long as a backup is there.
    Source: AWS Backup Developer Guide, "AWS Backup Vault Lock".
    """
    vault_lock_least_days: int = 7
    """Backups that would be kept for a shorter or a longer time than these are refused by a locked vault."""
    vault_lock_most_days: int = 365
    vault_lock_grace_days: int = 14

    log_retention: LogRetention
    log_level: str
    throttling_rate: int
    throttling_burst: int
    function_memory_mb: int
    snap_start: bool = True
    """Whether the functions that clients wait for start from a snapshot. Off in a Region that has no SnapStart for
    Python: the Lambda Developer Guide lists them in "Improving startup performance with Lambda SnapStart".
    """
    snapshot_interval: int = 10

    account: str = ""
    region: str = ""
    """Where the environment is at home. The CDK's command line then refuses credentials of another account, and takes
    no other region. Empty: wherever the credentials lead.
    """
    first: bool = False
    """Whether its stacks are being created, by `-c first=true`. Nothing is protected against deletion yet, so that
    CloudFormation and whoever cleans up can remove what failed; the next deployment without it protects.
    """
    gateway_log_role: bool = True
    """Whether the API's stack sets the role with which API Gateway writes logs. An account has one for each region, and
    setting it replaces another's: say no where the account has one already. Without any, API Gateway refuses a stage
    that logs. Source: API Gateway Developer Guide, "Set up CloudWatch logging for REST APIs in API Gateway".
    """
    rollout: Rollout = "ALL_AT_ONCE"
    """How a new version of the API's function takes over. In steps, it goes back when an alarm goes off meanwhile. All
    at once needs no CodeDeploy, which the emulator does not know.
    """
    rollout_slow_ms: int = 3_000
    """A new version goes back when the slowest hundredth of its calls take longer than this."""

    event_stream_days: int = 7
    """How long consumers can still read a domain event from the stream."""
    publisher_batch_size: int = 1_000
    publisher_batch_window_seconds: int = 1
    publisher_retries: int = 1_000
    """Retries of one batch, for failures that pass: the function itself parks a record that can never succeed."""
    publisher_record_age_seconds: int | None = 12 * 3600
    """Half of the table's stream retention: the other half is left for operators. None: no bound."""
    publisher_behind_seconds: int = 300
    publisher_reserved_concurrency: int = 0
    """Executions that the publisher alone may use, and the most that it may use; 0: none are reserved.

    It needs one for each shard of its stream. A reservation keeps other functions of the AWS account from taking all.
    It is refused if less than 100 would remain unreserved, so a new account has none to give until AWS has raised its
    quota of concurrent executions to the usual 1,000. Sources: AWS Lambda Developer Guide, "Configuring reserved
    concurrency" and "Lambda quotas".
    """

    command_batch_size: int = 100
    command_batch_window_seconds: int = 0
    """A client waits for the outcome."""
    command_retries: int = 2
    """Retries of one batch, once Lambda has halved it down to what fails. They block later commands of the shard."""
    command_record_age_seconds: int | None = 20 * 3600
    """At this age a command is parked, tried or not. Poison messages are bounded by the retries; the age would also hit
    the commands that wait behind one, so it is nearly the stream's retention and leaves time to park. None: no bound.
    """
    commands_behind_seconds: int = 60
    processor_reserved_concurrency: int = 0
    """The same for the processor of stored commands."""

    projection_batch_size: int = 500
    projection_batch_window_seconds: int = 0
    """A client waits for what he has written to be in the read model."""
    projection_retries: int = 1_000
    """Retries of one batch, for failures that pass: an event that can never be folded stops its account only.

    What does not pass, a line of no account or a row that cannot be read, holds up its shard until they are used up.
    """
    projection_record_age_seconds: int | None = 3 * 24 * 3600
    """At this age an event goes to the dead-letter bucket, well before the stream forgets it. None: no bound."""
    projection_behind_seconds: int = 300
    projection_fan_out: bool = False
    """Whether each projector reads the stream with a throughput of its own, which costs by what it reads.

    Without it all readers of a shard share five calls of GetRecords and 2 MB a second. Lambda calls once a second for
    each projector, and so does Firehose: with two projections that is three of five, and the measurement of the lag and
    another team's reader still fit. A fourth projection, or a second reader, needs it. Sources: Kinesis Data Streams
    Developer Guide, "Quotas and limits" and "Develop enhanced fan-out consumers with dedicated throughput"; Lambda
    Developer Guide, "Using Lambda to process records from Amazon Kinesis Data Streams".
    """
    rebuild_segments: int = 16
    """Parts into which a rebuild cuts the event table. Progress is kept for each, and a part is read one page after the
    other: fewer than `rebuild_concurrency` would leave workers idle, many more even out parts of different sizes.
    """
    rebuild_concurrency: int = 4
    """Segments that a rebuild walks at a time: what it takes of the tables, and of the AWS account's executions, of
    which a new account has ten. It is the throttle of a rebuild.
    """

    lake_interval_seconds: int = 300
    """How long Firehose collects events for a file, unless `lake_buffer_mb` are full before."""
    lake_buffer_mb: int = 128
    lake_late_intervals: int = 3
    """A file is late when its events waited this many of `lake_interval_seconds`."""
    lake_behind_seconds: int = 900
    """How far Firehose may lag behind the newest event of the stream, which keeps events for `event_stream_days`."""
    lake_infrequent_access_days: int = 90
    lake_glacier_days: int = 365
    """When files move to Glacier's instant retrieval, the only Glacier class that Athena reads."""
    keep_replaced_days: int = 30
    access_log_days: int = 90
    query_cutoff_bytes: int = 10 * GIGABYTE
    query_result_days: int = 30
    named_queries: bool = True
    report_schedule: str = "cron(30 1 * * ? *)"
    """In UTC, after the last events of the day before have reached the lake."""
    report_silent_hours: int = 26
    """After how long a report is missing: the day of `report_schedule`, and time for a run that begins late."""
    seal_schedule: str = "rate(1 hour)"
    """How often new events of the lake are sealed in the transparency log. Empty: by `daybook seal` only."""
    seal_silent_hours: int = 4
    """After how long without a run an alarm goes off; at most a week."""
    seal_lookback_days: int = 1
    """How many days of arrival before the newest seal's are read again, for events that reached the lake late."""
    seal_hole_minutes: int = 60
    """How long an event may wait in the lake for a version before it, until that raises an alarm."""
    log_lock: Literal["", "governance", "compliance"] = ""
    """The lock on every object of the log, which forbids to delete it for `log_lock_days` from when it is written.
    Empty: none.

    A governance lock yields to whoever has the right to pass it, a compliance lock to nobody, AWS included: a log that
    was written by mistake then stays, and is paid for, until the days are over. The days are for objects to come; those
    that are there keep theirs. Source: S3 User Guide, "Locking objects with Object Lock".
    """
    log_lock_days: int = 1
    checkpoint_bucket_arn: str = ""
    """A bucket of another account, in any region, that gets every checkpoint. Empty: none.

    Who keeps checkpoints where this account's administrators cannot reach them can hold these to what they signed.
    docs/proof.md says how the bucket must let them in.
    """
    verification_schedule: str = ""
    """When everything is verified, in UTC. Empty: by `daybook verify --all` and by hand only.

    Not once a week but every sixth day, in environments that verify: the alarm on silence looks back a week at most,
    and a run may take hours longer than the one before.
    """
    verification_pending_hours: int = 24
    """How old a stored command may be that has not ended, until a verification names it."""
    verification_settle_minutes: int = 60
    """How long an event may be on its way to the lake, and to the log, until a verification misses it there."""
    test_callers: tuple[str, ...] = ()
    """Unique ids of the IAM users (AIDA…) and roles (AROA…) that may open accounts in XTS, ISO 4217's test currency.

    No report counts these accounts. `daybook smoke` says which id is missing here. The stacks add their own roles that
    test. Source: IAM User Guide, "IAM identifiers" (unique identifiers).
    """

    canary_minutes: int = 0
    """How often the canary calls the API as a client does: every 1 to 5 minutes; 0: never. Its alarm on silence counts
    periods of five minutes. Each run adds three events to an account in the test currency.
    """

    quicksight_user: str = ""
    """The owner of the dashboards: `NAMESPACE/NAME` of a QuickSight user. Empty: no dashboards."""

    slow_request_ms: int = 1_500
    """An alarm goes off when one request in a hundred takes longer, as the gateway measures it."""
    account_concurrency: int = 1_000
    """The AWS account's quota of concurrent executions in the region: an alarm goes off at four fifths of it.

    0: unknown, and no alarm. `daybook doctor` compares it with the quota that there is.
    """
    metric_math_alarms: bool = True
    """Alarms on metric math: streams that nobody reads, throttles and system errors of tables."""
    second_alarm_topic_arn: str = ""
    """Another topic of this region, say a central team's in another account, that every alarm notifies as well.

    It is heard when the environment's own topic is not: its policy must let CloudWatch of this account publish.
    """

    def __post_init__(self) -> None:
        """Raises ValueError for a number below its least, an id that is none, and a lock that does not fit the backups.

        And for every log level but INFO. Below it the SDK would log requests with the function's session token. Above
        it Lambda would drop the lines from which CloudWatch makes this service's metrics, since a line without a level
        counts as INFO: all alarms on them would be silent. Source: AWS Lambda Developer Guide, "Configuring advanced
        logging controls for Lambda functions".
        """
        for caller in self.test_callers:
            if _UNIQUE_ID.fullmatch(caller) is None:
                raise ValueError(f"a test caller is an id such as AROA…, without a session's name, and not {caller}")
        self._check_numbers()
        self._check_log()
        if not self.vault_lock_least_days <= self.backup_days <= self.vault_lock_most_days:
            raise ValueError("a backup is kept for as long as the vault's lock allows")
        if self.vault_lock_grace_days < MIN_GRACE_DAYS:
            raise ValueError(f"a lock can be taken back for at least {MIN_GRACE_DAYS} days")
        if not 0 <= self.canary_minutes <= MOST_CANARY_MINUTES:
            raise ValueError(f"the canary runs every 1 to {MOST_CANARY_MINUTES} minutes, or never: 0")
        if self.log_level not in LOG_LEVELS:
            raise ValueError(
                f"the log level is {' or '.join(LOG_LEVELS)}, not {self.log_level}: above INFO Lambda drops the lines "
                "that carry metrics, below it the SDK logs requests with their session token"
            )
        if self.account and not re.fullmatch("[0-9]{12}", self.account):
            raise ValueError(f"an account has twelve digits, unlike {self.account}")

    def _check_numbers(self) -> None:
        if min(self.publisher_reserved_concurrency, self.processor_reserved_concurrency) < 0:
            raise ValueError("a reserved concurrency is 0, for none, or more")
        if self.ledger_generation < 1:
            raise ValueError("the generation of the ledger is 1, or more after a restore")
        if not 1 <= self.rebuild_concurrency <= self.rebuild_segments <= MOST_SEGMENTS:
            raise ValueError(f"a rebuild walks some of its segments at a time, and has at most {MOST_SEGMENTS}")

    def _check_log(self) -> None:
        if not 1 <= self.seal_silent_hours <= MOST_SILENT_HOURS:
            raise ValueError(f"an alarm on silence looks back 1 to {MOST_SILENT_HOURS} hours")
        if min(self.seal_lookback_days, self.verification_settle_minutes) < 0:
            raise ValueError("events are looked for 0 days back or more, and are 0 minutes on their way or more")
        if min(self.seal_hole_minutes, self.log_lock_days, self.verification_pending_hours) < 1:
            raise ValueError("a hole is a minute old or more, a lock lasts a day or more, a command may wait an hour")
        if self.checkpoint_bucket_arn and not _BUCKET_ARN.fullmatch(self.checkpoint_bucket_arn):
            raise ValueError(f"a bucket's ARN is arn:aws:s3:::NAME, unlike {self.checkpoint_bucket_arn}")

    @property
    def protected(self) -> bool:
        """Whether its data is protected against deletion now: of the stacks that hold it, and of the tables."""
        return self.protect_data and not self.first


LOCAL = Environment(
    name="local",
    protect_data=False,
    require_iam=False,
    bundle_packages=False,  # the emulator runs functions in the virtual environment, which has the packages
    log_retention="ONE_DAY",
    log_level="INFO",
    throttling_rate=1_000,
    throttling_burst=1_000,
    function_memory_mb=512,
    publisher_record_age_seconds=None,  # the emulator would lose what is older, not park it
    command_record_age_seconds=None,  # the same
    projection_record_age_seconds=None,  # the same
    rebuild_segments=4,
    rebuild_concurrency=2,
    lake_interval_seconds=60,
    lake_buffer_mb=64,
    seal_schedule="",  # a test says when, and is not disturbed: by hand, with `daybook seal`
    test_callers=("anonymous",),  # everybody: nobody has to say who he is
    named_queries=False,  # the emulator refuses a whole template over their type
    backup_selections=False,  # the same
    rollout="ALL_AT_ONCE",  # the same, over CodeDeploy's
    account_concurrency=0,  # the emulator takes its quota from the machine
    metric_math_alarms=False,  # the same, over alarms on metric math
    recovery_windows=False,  # the emulator keeps no past: it restores a table as it is now, whatever time is asked for
)
DEV = Environment(
    name="dev",
    protect_data=False,  # it can be destroyed, and deployed again
    require_iam=True,
    bundle_packages=True,
    log_retention="ONE_MONTH",
    log_level="INFO",
    throttling_rate=50,
    throttling_burst=100,
    function_memory_mb=1024,
)
STAGING = replace(
    DEV,
    name="staging",
    protect_data=True,
    vault_lock="governance",
    log_retention="THREE_MONTHS",
    log_level="INFO",
    throttling_rate=500,
    throttling_burst=1_000,
    function_memory_mb=1769,  # one full vCPU
    rollout="LINEAR_10_PERCENT_EVERY_1_MINUTE",
    canary_minutes=5,
    publisher_reserved_concurrency=20,
    processor_reserved_concurrency=20,
    rebuild_segments=256,
    rebuild_concurrency=32,
    query_cutoff_bytes=50 * GIGABYTE,
    access_log_days=365,
    log_lock="governance",
    verification_schedule="cron(0 3 1/6 * ? *)",
)
PROD = replace(
    STAGING,
    name="prod",
    log_retention="ONE_YEAR",
    throttling_rate=2_000,
    throttling_burst=4_000,
    publisher_reserved_concurrency=50,
    processor_reserved_concurrency=50,
    lake_interval_seconds=600,
    query_cutoff_bytes=1_000 * GIGABYTE,
    log_lock="compliance",
    log_lock_days=3_650,
)

ENVIRONMENTS: Mapping[str, Environment] = MappingProxyType({each.name: each for each in (LOCAL, DEV, STAGING, PROD)})
"""All environments by name: the only list of them."""
CLOUD_NAMES = tuple(name for name in ENVIRONMENTS if name != LOCAL.name)
"""The names of the environments that are deployed to AWS."""


def environment(name: str) -> Environment:
    """The environment of that name. Raises UnknownEnvironmentError, which lists all names."""
    try:
        return ENVIRONMENTS[name]
    except KeyError:
        known = ", ".join(ENVIRONMENTS)
        problem = f"unknown environment {name!r}" if name else "no environment is named"
        raise UnknownEnvironmentError(f"{problem}: use -c env=NAME with one of {known}") from None


def environment_from_context(node: Context) -> Environment:
    """The environment that the context value `env` names. There is no default, because `local` is open to everybody.

    `-c snapshot_interval=N` (1 to 50) and `-c ledger_generation=N` override these of `local` only, to try others on a
    workstation. `-c writes=off` deploys any environment for reading only, as a restore needs it, and
    `-c rollout=at-once` lets the API's new version take over at once, as writes must come back: in steps, the alarms on
    what the version before refuses would send it back. `-c first=true` leaves protection against deletion to the next
    deployment.
    Raises UnknownEnvironmentError and InvalidContextError.
    """
    chosen = environment(str(node.try_get_context("env") or ""))
    writes = _writes(node)
    return replace(
        chosen,
        snapshot_interval=_number(node, chosen, "snapshot_interval", most=MAX_SNAPSHOT_INTERVAL),
        ledger_generation=_number(node, chosen, "ledger_generation", most=MAX_GENERATION),
        writes=writes,
        rollout="ALL_AT_ONCE" if _at_once(node) or not writes else chosen.rollout,
        first=_first(node),
    )


def _at_once(node: Context) -> bool:
    rollout: object = node.try_get_context("rollout")
    if rollout not in (None, "at-once"):
        raise InvalidContextError(f"rollout is at-once, or left out, not {rollout}")
    return rollout is not None


def _first(node: Context) -> bool:
    first = str(node.try_get_context("first") or "false").lower()
    if first not in {"true", "false"}:
        raise InvalidContextError(f"first is true or false, not {first}")
    return first == "true"


def _number(node: Context, chosen: Environment, name: str, *, most: int) -> int:
    """The environment's own number, or that of the context."""
    given = node.try_get_context(name)
    if given is None:
        return int(getattr(chosen, name))
    if chosen.name != LOCAL.name:
        raise InvalidContextError(f"{name} can be overridden in the local environment only")
    if not str(given).isdecimal() or not 1 <= int(given) <= most:
        raise InvalidContextError(f"{name} is a whole number from 1 to {most}")
    return int(given)


def _writes(node: Context) -> bool:
    wanted: object = node.try_get_context("writes")
    if wanted not in (None, "on", "off"):
        raise InvalidContextError("writes is on or off")
    return wanted != "off"


def main(arguments: list[str]) -> None:
    """Print the names: as words for the Makefile, as JSON for the workflow's matrix."""
    names = list(ENVIRONMENTS)
    sys.stdout.write((json.dumps(names) if arguments == ["--json"] else " ".join(names)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
