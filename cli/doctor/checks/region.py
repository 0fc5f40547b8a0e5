"""Whether the region has what the stacks use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, not_known, ok, problem

WITHOUT_SNAPSTART: Final = frozenset({"ap-east-2", "ap-southeast-6"})
"""Taipei and New Zealand. Source: AWS Lambda Developer Guide, "Improving startup performance with Lambda SnapStart",
"Supported Regions": all commercial regions except these two. Read 2026-11-27; newer regions are not known there.
"""

OTHER_PARTITIONS: Final = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")
"""No commercial regions. For GovCloud AWS says outright that SnapStart for Python, JSON logs and S3 as the destination
of failed batches are missing. Source: AWS GovCloud (US) User Guide, "AWS Lambda".
"""

SERVICES: Final = ("apigateway", "athena", "dynamodb", "firehose", "glue", "kinesis", "kms", "lambda", "sns", "sqs")
"""What the stacks cannot do without; `GetParameters` takes ten names."""

PUBLISHED: Final = "/aws/service/global-infrastructure/regions/{region}/services/{service}"
"""Source: Systems Manager User Guide, "Calling public parameters for AWS services, Regions, endpoints …"."""


def _look(account: Account) -> Iterator[Seen]:
    config, region = account.config, account.region
    if config.region and config.region != region:
        yield problem(
            f"{region}, and {config.name} belongs to {config.region}",
            f"give --region {config.region}, or change `region` of {config.name} in stacks/environment.py",
        )
    elif region.startswith(OTHER_PARTITIONS):
        yield problem(
            f"{region} is no commercial region; there Lambda lacks what the stacks use (GovCloud: JSON logs, S3 as the "
            "destination of failed batches, SnapStart for Python)",
            "choose a commercial region",
        )
    elif config.snap_start and region in WITHOUT_SNAPSTART:
        yield problem(
            f"{region} has no SnapStart", f"set `snap_start` of {config.name} to False in stacks/environment.py"
        )
    else:
        yield ok(f"{region}{'' if config.region else f'; {config.name} is bound to no region'}")


def _look_for_services(account: Account) -> Iterator[Seen]:
    names = {PUBLISHED.format(region=account.region, service=each): each for each in SERVICES}
    missing = account.ask("ssm", "get_parameters", Names=list(names)).get("InvalidParameters", [])
    if len(missing) == len(names):
        yield not_known(f"AWS publishes no list of services in the Parameter Store of {account.region}")
    elif missing:
        yield problem(
            f"{account.region} does not have {', '.join(sorted(names[each] for each in missing))}",
            "choose another region",
        )
    else:
        yield ok(f"{account.region} has {', '.join(SERVICES)}")


REGION = Check("region", "A stack that uses what the region lacks fails half-way.", _look)
SERVICES_OF_REGION = Check("services", "A stack that uses what the region lacks fails half-way.", _look_for_services)
