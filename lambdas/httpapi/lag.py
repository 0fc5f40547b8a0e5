"""The header that says how far a read model was behind the ledger."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final

from lambdas.eventsourcing.timestamps import parse_timestamp
from lambdas.projections.lag import Lag

LAG: Final = "Daybook-Lag"

FRESH: Final = timedelta(minutes=2)
"""It is measured every minute. What is older says less and less of now, so its age is told as well."""


def lag_header(lag: Lag, now: datetime) -> str:
    """`<events>;<seconds>`, with whole seconds, rounded up; the seconds count the age of an old measurement, too."""
    age = now - parse_timestamp(lag.measured_at)
    seconds = lag.seconds + (age.total_seconds() if age > FRESH else 0.0)
    return f"{lag.events};{math.ceil(max(seconds, 0.0))}"
