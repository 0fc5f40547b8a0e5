"""Where the parts of a deployed system are that a trial goes through, and clients of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from cli.environments.clients import emulated
from cli.environments.place import STACK, Place
from cli.environments.running import read_running
from cli.errors import PlaceError, plain
from cli.smoke.lake import Lake
from cli.smoke.listing import AccountListing
from cli.smoke.refusals import Use
from cli.smoke.report import PATIENT
from cli.smoke.stream import StreamWatch
from cli.storage.table_scan import RETRIES
from lambdas.reporting.report import Queries
from lambdas.smoke.api import Api
from stacks.environment import environment


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the steps go through. `report_use` is what they need to invoke the function that writes reports."""

    api: Api
    listing: AccountListing
    stream: StreamWatch
    lake: Lake
    functions: Any
    report_function: str
    report_use: Use


class _Running(msgspec.Struct):
    """What is needed of the environment file."""

    api_url: str


def open_parts(place: Place, queries: Queries, run: str) -> Parts:
    """The parts of an environment. Raises PlaceError."""
    events, report = place.output("DomainEvents", "DomainEventStreamName"), place.output("Reports", "DailyReportName")
    config = environment(place.environment)
    api = _api(place, run)
    return Parts(
        api=api,
        listing=AccountListing(api),
        stream=StreamWatch(
            place.client("kinesis", RETRIES),
            events,
            use=_use(place, "kinesis", f"the stream {events}", "DomainEvents", "DomainEventReadPolicyArn"),
        ),
        lake=Lake(
            queries,
            use=_use(place, "athena", f"the workgroup {place.lake().athena_workgroup}", "Lake", "LakeQueryPolicyArn"),
            interval=config.lake_interval_seconds,
            patience=config.lake_late_intervals * config.lake_interval_seconds,
        ),
        functions=place.client("lambda", PATIENT),
        report_function=report,
        report_use=_use(place, "lambda", f"the function {report}:live", "Reports", "DailyReportPolicyArn"),
    )


def _use(place: Place, service: str, resource: str, stack: str, output: str) -> Use:
    name = STACK.format(environment=place.environment, name=stack)
    return Use(service=service, resource=resource, policy=f"{output} of {name}")


def _api(place: Place, run: str) -> Api:
    if place.is_local:
        url, taken = read_running(Path(place.environment_file), _Running).api_url, emulated(place.aws_endpoint_url)
        any_will_do = Credentials(taken["aws_access_key_id"], taken["aws_secret_access_key"])
        return Api(url, credentials=any_will_do, region=place.region or "local", correlation_id=run)
    try:
        session = boto3.Session()
        found, region = session.get_credentials(), place.region or session.region_name
    except (BotoCoreError, ValueError) as error:
        raise PlaceError(f"AWS's configuration is not complete: {plain(error)}.") from error
    if found is None or region is None:
        lacking = "credentials" if found is None else "region"
        raise PlaceError(f"AWS's configuration is not complete: there is no {lacking}.")
    return Api(place.output("Api", "ApiUrl"), credentials=found, region=region, correlation_id=run)
