"""The checks, one module for each thing that is looked at. They are run in this order."""

from __future__ import annotations

from typing import Final

from cli.doctor.check import Check
from cli.doctor.checks import (
    bootstrap,
    clock,
    credentials,
    gateway,
    lake_formation,
    leftovers,
    protection,
    quotas,
    region,
    subscribers,
)

CHECKS: Final[tuple[Check, ...]] = (
    credentials.CREDENTIALS,
    clock.CLOCK,
    region.REGION,
    region.SERVICES_OF_REGION,
    quotas.EXECUTIONS,
    quotas.ALARM,
    quotas.MEMORY,
    quotas.STREAMS,
    gateway.LOGGING,
    gateway.THROTTLE,
    bootstrap.BOOTSTRAP,
    leftovers.STACKS,
    lake_formation.LAKE_FORMATION,
    subscribers.SUBSCRIBERS,
    subscribers.CHECKPOINTS,
    protection.STACKS,
    protection.TABLES_OF_LEDGER,
)
