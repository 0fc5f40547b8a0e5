"""`daybook doctor`."""

from __future__ import annotations

import typer

from cli.connections import connections_of
from cli.options import ENVIRONMENT_FILE, LOCAL, Env, EnvironmentFile, Json, Region, Where
from cli.output import Outcome, Output


def doctor(
    context: typer.Context,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Check whether an account is ready for an environment, and whether what is deployed is in order.

    It changes nothing, and works before the first deployment and after it. What it may not read is "not known", with
    the permission that it lacks; docs/doctor-policy.json is a policy with all of them.
    """
    from cli.doctor.examination import examine, outcome
    from cli.doctor.table import show
    from cli.environments.place import place_of

    account = connections_of(context).account(place_of(Where(env, region, environment_file)))
    diagnosis = examine(account)
    show(diagnosis, Output("doctor", json=as_json))
    return outcome(diagnosis, account)
