"""Run as a module, it writes docs/cli.md, docs/cli.schema.json and docs/doctor-policy.json from the application.

A test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from cli.app import PROGRAM, app
from cli.consistency.checking import Consistency
from cli.doctor.finding import Diagnosis
from cli.doctor.permissions import policy
from cli.envelope import Envelope
from cli.errors import ExitStatus
from cli.projections.comparing import ComparedModel
from cli.projections.dropping import Dropped
from cli.projections.listing import Listing
from cli.projections.rebuilding import Rebuilt
from cli.projections.retrying import Retried
from cli.projections.status import Status
from cli.projections.switching import Switched
from cli.prove.proving import Proved
from cli.reconcile.comparison import Reconciliation
from cli.redrive.retrying import Redriven
from cli.report.writing import Written
from cli.republish.sending import Republished
from cli.restore.announcing import Announced
from cli.restore.checking import Checked
from cli.restore.finishing import Finish
from cli.restore.mending import Mended
from cli.restore.planning import Plan
from cli.restore.running import Run
from cli.smoke.trial import Trial
from cli.sql.output import Rows
from cli.trace.stages import Trace
from cli.verify.verification import Verified
from lambdas.transparency.findings import Sealed

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = DOCS / "cli.md"
SCHEMA: Final = DOCS / "cli.schema.json"
DOCTOR_POLICY: Final = DOCS / "doctor-policy.json"

DOCUMENTS: Final[Mapping[str, Any]] = {
    "verify": Envelope[Verified],
    "seal": Envelope[Sealed],
    "prove": Envelope[Proved],
    "consistency": Envelope[Consistency],
    "sql": Envelope[Rows],
    "report": Envelope[Written],
    "reconcile": Envelope[Reconciliation],
    "republish": Envelope[Republished],
    "redrive": Envelope[Redriven],
    "restore": Envelope[Plan | Run | Checked | Mended | Finish | Announced],
    "projections": Envelope[Listing | Status | Rebuilt | ComparedModel | Switched | Retried | Dropped],
    "doctor": Envelope[Diagnosis],
    "smoke": Envelope[Trial],
    "trace": Envelope[Trace],
}
"""The document that each command prints with `--json`."""

HOW: Final = (
    ("check the hash chain of an account's history", "daybook verify ACCOUNT_ID"),
    ("verify everything against everything", "daybook verify --all"),
    ("seal new events into the transparency log", "daybook seal"),
    ("prove that an event stands in the log", "daybook prove ACCOUNT_ID 3"),
    ("hand an account's whole history to an auditor", "daybook prove ACCOUNT_ID --history"),
    ("check that the log was not rewritten", "daybook consistency kept.checkpoint"),
    ("query the lake in SQL", "daybook sql 'SELECT * FROM account_balances'"),
    ("run a named query", "daybook sql --name daily_report -p day=2026-11-22 --csv"),
    ("write a day's report", "daybook report --date 2026-11-22 --output out"),
    ("find events that are missing in the lake", "daybook reconcile --from 2026-11-01 --to 2026-11-07"),
    ("send the missing events again", "daybook republish --ids found.json"),
    ("retry a command that failed", "daybook redrive --command ACCOUNT_ID CALLER/KEY"),
    ("retry all that failed on a day", "daybook redrive --failed-on 2026-11-22"),
    ("find out whether an account is ready to deploy to", "daybook doctor --env prod"),
    ("see how a restore would go", "daybook restore plan --env prod --at 2026-11-22T09:30:00Z"),
    ("see how far the read models are behind", "daybook projections status"),
    ("build a read model anew beside the live one", "daybook projections rebuild account_summaries"),
    ("compare it with the events, and switch to it", "daybook projections compare account_summaries"),
    ("let stopped accounts go on", "daybook projections retry account_summaries --all"),
    ("try a deployed system out", "daybook smoke --env prod"),
    ("follow a request from its answer to the lake", "daybook trace CORRELATION_ID"),
    ("work on an environment in AWS", "daybook verify --env prod --region eu-central-1 ACCOUNT_ID"),
    ("read the answer in a program", "daybook reconcile --from 2026-11-22 --json"),
    ("get completion in bash or zsh", "daybook --install-completion"),
)
"""Tasks, and the line to type for each."""


def page() -> str:
    """docs/cli.md."""
    command = get_command(app)
    context = typer.Context(command, info_name=PROGRAM)
    reference = get_docs_for_click(obj=command, ctx=context, indent=1, name=PROGRAM)
    how = "".join(f"| {what} | `{line}` |\n" for what, line in HOW)
    statuses = "".join(f"| {int(each)} | {each.meaning} |\n" for each in ExitStatus)
    return (
        f"# The `{PROGRAM}` command\n\n"
        "The module `cli.reference` makes this page from the application; a test compares it.\n\n"
        f"| how do I … | |\n|---|---|\n{how}\n"
        "`make install` puts it into `.venv/bin`. Without `--env` it works on the system that `make run` started.\n\n"
        f"## Exit statuses\n\n| status | meaning |\n|---|---|\n{statuses}\n"
        "## One document with `--json`\n\n"
        'Every command prints one document, `{"ok": …, "data": …, "problem": …}`, and nothing else on standard\n'
        "output. `ok` says whether the exit status is 0. `problem` holds the exit status and a sentence where it is\n"
        "not; `data` may then be null. [cli.schema.json](cli.schema.json) describes the document of each command.\n\n"
        f"{reference.strip()}\n"
    )


def schema() -> str:
    """docs/cli.schema.json: a schema for each command below `commands`."""
    references, definitions = msgspec.json.schema_components(DOCUMENTS.values(), ref_template="#/$defs/{name}")
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What each daybook command prints with --json",
        "commands": dict(zip(DOCUMENTS, references, strict=True)),
        "$defs": definitions,
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode() + "\n"


def doctor_policy() -> str:
    """docs/doctor-policy.json: what `daybook doctor` asks for."""
    return msgspec.json.format(msgspec.json.encode(policy())).decode() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")
    DOCTOR_POLICY.write_text(doctor_policy(), encoding="utf-8")
