"""Settings of the deployed functions, from their environment variables: one class for each kind of function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
TableName: TypeAlias = Annotated[str, msgspec.Meta(min_length=3)]
BucketName: TypeAlias = Annotated[str, msgspec.Meta(min_length=3)]


class SettingsError(Exception):
    """An environment variable is missing or has no acceptable value. Raised when the function starts."""


class LedgerSettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of every function that works on accounts. Each variable is named like its field, in upper case."""

    event_table: TableName
    environment: Name
    snapshot_interval: Annotated[int, msgspec.Meta(ge=1)]
    test_callers: str
    """Ids of callers, separated by commas: any of them may be empty, and so may the whole."""

    def test_caller_ids(self) -> frozenset[str]:
        """The callers that may open accounts in the test currency."""
        return frozenset(filter(None, self.test_callers.split(",")))


class ApiSettings(LedgerSettings, frozen=True, rename="upper"):
    """Settings of the HTTP API. It puts receipts, reads stored commands, and ends none. `writes` off: it only reads.

    `read_model_tables` is JSON: table by projection. `log_bucket` and `log_index_table` are the transparency log's.
    """

    receipts_table: TableName
    commands_table: TableName
    read_model_tables: Name
    log_bucket: BucketName
    log_index_table: TableName
    writes: Literal["on", "off"]


class ProcessorSettings(LedgerSettings, frozen=True, rename="upper"):
    """Settings of the processor of stored commands. It ends them, and puts no receipt."""

    commands_table: TableName


class FailuresSettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of the function that marks failed commands."""

    commands_table: TableName
    environment: Name


class PublisherSettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of the publisher."""

    domain_event_stream: Name
    parking_bucket: BucketName
    environment: Name


class ProjectionSettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of a projection's projector, and of what rebuilds it."""

    projection: Name
    read_model_table: TableName
    event_table: TableName
    environment: Name


class LagSettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of what measures the lag of all projections. `read_model_tables` is JSON: table by projection."""

    read_model_tables: Name
    domain_event_stream: Name
    environment: Name

    def tables(self) -> dict[str, str]:
        """The name of the table of each projection. Raises SettingsError."""
        return read_model_tables(self.read_model_tables)


class CanarySettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of the canary. The URL has no trailing slash."""

    api_url: Name
    aws_region: Name
    environment: Name


class ReportSettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of the daily report."""

    athena_workgroup: Name
    glue_database: Name
    report_bucket: Name
    environment: Name


class SealerSettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of the sealer. `log_origin_prefix` is `daybook/<environment>/<account>/<region>`.

    `seal_lookback_days` says how many days of arrival before the last seal's are read again for late events, and
    `seal_hole_minutes` how long an event may wait for one before it until an alarm is due.
    """

    log_bucket: BucketName
    log_index_table: TableName
    log_key: Name
    log_topic: Name
    log_origin_prefix: Name
    athena_workgroup: Name
    glue_database: Name
    seal_lookback_days: Annotated[int, msgspec.Meta(ge=0)]
    seal_hole_minutes: Annotated[int, msgspec.Meta(ge=1)]
    environment: Name


class VerificationSettings(msgspec.Struct, frozen=True, rename="upper"):
    """Settings of the verification as it runs in AWS. It keeps its progress and its findings below `verification/`."""

    event_table: TableName
    receipts_table: TableName
    commands_table: TableName
    log_bucket: BucketName
    log_index_table: TableName
    log_key: Name
    athena_workgroup: Name
    glue_database: Name
    results_bucket: BucketName
    pending_hours: Annotated[int, msgspec.Meta(ge=1)]
    settle_minutes: Annotated[int, msgspec.Meta(ge=0)]
    environment: Name


def load(kind: type[T], environ: Mapping[str, str]) -> T:
    """Read settings of any kind. Raises SettingsError, which names the variable."""
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    missing = [name for name in names if name not in environ]
    if missing:
        raise SettingsError(f"environment variables are not set: {', '.join(missing)}")
    try:
        return msgspec.convert({name: environ[name] for name in names}, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"an environment variable is not acceptable: {error}") from None


def read_model_tables(text: str) -> dict[str, str]:
    """The value of READ_MODEL_TABLES: table by projection. Raises SettingsError."""
    try:
        return msgspec.json.decode(text, type=dict[str, TableName])
    except msgspec.MsgspecError as error:
        raise SettingsError(f"READ_MODEL_TABLES is no JSON of tables by projection: {error}") from None
