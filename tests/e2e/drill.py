"""A system of its own for the restore drill, deployed as the runbook's lines say, and its clients."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cli.app import main
from cli.environments.log import open_log
from cli.environments.place import place_of
from cli.options import LOCAL, Where
from cli.restore.names import restored_name
from cli.seal.sealing import open_sealer
from docs.examples.follow_the_stream import follow, records
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.transparency.checkpoint import of_note
from lambdas.transparency.leaves import Leaf, decode_leaf
from lambdas.transparency.log_store import CHECKPOINT
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tiles import WIDTH
from local.emulator import aws, deployment
from local.emulator.process import Emulator
from local.example.history import session
from local.machine import files
from local.machine.environment import Environment
from local.machine.layout import REPOSITORY, Layout
from local.setup.programs import run_logged
from local.setup.toolchain import cdk_command, cdk_environment
from tests.unit.httpapi.suite.api import Answer, Call
from tests.unit.httpapi.suite.over_http import HttpApi

CDK_SECONDS = 600
Item = dict[str, dict[str, Any]]


@dataclass
class Drill:
    """The system, and the second to which it is restored once that is picked."""

    layout: Layout
    emulator: Emulator
    environment: Environment
    folder: Path
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def time(self) -> str:
        """The second, as it is typed."""
        return f"{self.at:%Y-%m-%dT%H:%M:%S}Z"

    # --- deploying

    def cdk(self, action: str, *arguments: str, generation: int = 1, writes: str = "on") -> None:
        """Run one line of the runbook. `local` takes the generation from the context, others from their file."""
        context = ("-c", "env=local", "-c", f"ledger_generation={generation}", "-c", f"writes={writes}")
        log = self.layout.cdk_log(action)
        command = cdk_command(
            action, *arguments, *context, f"--output={self.layout.assembly}",
        )  # fmt: skip
        environ = cdk_environment(self.emulator.endpoint)
        status = run_logged(command, log, cwd=REPOSITORY, env=environ, timeout=CDK_SECONDS)
        assert status == 0, files.tail(log, 60)

    def deploy(self, *, generation: int = 1, writes: str = "on") -> None:
        """Deploy everything, and note where it is."""
        self.cdk(
            "deploy", "**", "--require-approval=never", f"--outputs-file={self.layout.outputs_file}",
            generation=generation, writes=writes,
        )  # fmt: skip
        outputs = files.read_json(self.layout.outputs_file)
        self.environment = deployment.environment_from_outputs(outputs, self.emulator)
        self.environment.save(self.layout.environment_file)

    def rest_mappings(self) -> None:
        """The emulator says `Enabled` of a mapping that it creates disabled; told once more, it says how it is."""
        functions = aws.client(self.environment, "lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    # --- the command line

    def daybook(self, *words: str) -> int:
        """Run `daybook`; its exit status."""
        return main([*words, "--environment-file", str(self.layout.environment_file)])

    def restore(self, step: str, *more: str) -> int:
        """Run a step of the restore."""
        return self.daybook("restore", step, "--at", self.time, *more)

    # --- the transparency log

    def seal(self) -> list[Leaf]:
        """Seal what is in the lake, by the deployed sealer; what it added. Nothing may wait, and nothing may differ."""
        before = len(self.leaves())
        place = place_of(Where(LOCAL, None, self.layout.environment_file))
        sealed = open_sealer(place)({"through": format_timestamp(datetime.now(UTC))})
        assert (sealed.fork_count, sealed.hole_count, sealed.complete) == (0, 0, True), sealed
        (self.folder / "log.vkey").write_text(sealed.vkey)
        added = self.leaves()[before:]
        assert len(added) == sealed.leaves
        return added

    def leaves(self) -> list[Leaf]:
        """All leaves of the log, read from its entries."""
        store = open_log(place_of(Where(LOCAL, None, self.layout.environment_file))).store
        found = store.get(CHECKPOINT)
        size = of_note(found.content).size if found else 0
        reader = TileReader(store)
        bundles = [(at // WIDTH, min(WIDTH, size - at)) for at in range(0, size, WIDTH)]
        return [decode_leaf(entry) for index, width in bundles for entry in reader.bundle(index, width)]

    def checked_history(self, account: str) -> int:
        """The newest version of an account's history as `daybook prove` writes it; the checker says yes."""
        path = self.folder / f"{account}.daybook-rows"
        assert self.daybook("prove", account, "--history", "--out", str(path)) == 0
        command = [sys.executable, str(REPOSITORY / "tools" / "verify_proof.py"), "rows", str(path)]
        ended = subprocess.run(
            [*command, "--key", str(self.folder / "log.vkey")], capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return int(json.loads(path.read_bytes().splitlines()[-1])["version"])

    # --- clients

    @property
    def api(self) -> HttpApi:
        """A client of the API."""
        return HttpApi(url=self.environment.api_url, common_headers=self.environment.headers)

    def post(self, path: str, body: dict[str, Any], key: str = "") -> Answer:
        """POST, maybe under a key."""
        headers = [("Content-Type", "application/json"), *([("Idempotency-Key", key)] if key else [])]
        return self.api.send(Call("POST", path, (), headers, json.dumps(body).encode()))

    def get(self, path: str, **query: object) -> Answer:
        """GET."""
        return self.api.send(Call("GET", path, tuple((name, str(value)) for name, value in query.items()), [], b""))

    def open(self) -> str:
        """A new account in EUR."""
        answer = self.post("/accounts", {"currency": "EUR"})
        assert answer.status == 201, answer
        return str(answer.json()["account_id"])

    def command(self, account: str, key: str, body: dict[str, Any]) -> None:
        """Store a command."""
        assert self.post(f"/accounts/{account}/commands", body, key).status == 202

    def status(self, account: str, key: str) -> str:
        """What became of a stored command, or the status of the answer."""
        answer = self.get(f"/accounts/{account}/commands/{key}")
        return str(answer.json()["status"]) if answer.status == 200 else str(answer.status)

    @property
    def dynamodb(self) -> Any:
        """The tables' client."""
        return aws.client(self.environment, "dynamodb")

    def items(self, table: str) -> list[Item]:
        """All items of a table."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def ids(self) -> set[str]:
        """The ids of all events that the event table holds."""
        return {f"{item['stream_id']['S']}/{item['version']['N']}" for item in self.items(self.environment.event_table)}

    def restored(self, name: str) -> str:
        """The name of a restored table."""
        return restored_name(name, 2)

    def receipts_table(self) -> str:
        """The table of receipts that is deployed."""
        outputs = files.read_json(self.layout.outputs_file)
        return str(outputs["Daybook-local-Ledger"]["ReceiptsTableName"])

    def sql(self, statement: str) -> list[dict[str, Any]]:
        """Ask the lake, in Athena's SQL."""
        found = session(self.environment)(statement)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]

    def followed(self) -> tuple[dict[str, int], dict[str, str]]:
        """What the consumer of the guide counts of the whole stream by type, and which accounts it had to stop."""
        kinesis = aws.client(self.environment, "kinesis")
        store = DynamoDBEventStore(self.dynamodb, event_table=self.environment.event_table)
        types, stopped, _ = follow(records(kinesis, self.environment.domain_event_stream), DomainEventReader(store))
        return dict(types), stopped


def next_second() -> datetime:
    """The next whole second, once it is over: what was booked is before it, and what will be is not."""
    second = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    while datetime.now(UTC) < second:
        time.sleep(0.01)
    return second
