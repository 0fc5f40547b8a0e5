"""The content of `environment.json`, by which other programs find the running system."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from local.machine import files
from local.machine.errors import EnvironmentFileError


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where a deployed system is.

    `api_url` has no trailing slash; `aws_endpoint_url` answers for every AWS service, with any credentials, and
    `athena_endpoint_url` for Athena in Athena's own SQL. The lake's Parquet files are below `events/` in `lake_bucket`.
    Reports are below `reports/` in `report_bucket`. `command_processor` names the function that processes stored
    commands, `command_parking_bucket` the dead-letter bucket of those that failed. `headers` are those that a client
    must send besides the content type.
    """

    api_url: str
    aws_endpoint_url: str
    region: str
    event_table: str
    commands_table: str
    command_processor: str
    command_parking_bucket: str
    domain_event_stream: str
    lake_bucket: str
    glue_database: str
    athena_workgroup: str
    report_bucket: str
    athena_endpoint_url: str
    headers: dict[str, str] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the file atomically: a reader never sees half of it."""
        files.write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Environment":
        """Read the file, ignoring what later versions add. Raises EnvironmentFileError."""
        found = files.read_json(path)
        known = {each.name for each in fields(cls)}
        missing = sorted(known - found.keys())
        if missing:
            raise EnvironmentFileError(f"{path} does not describe a running system: no {', '.join(missing)}.")
        return cls(**{name: found[name] for name in known})
