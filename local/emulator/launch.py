"""The emulator's process: starts the proxies as children, patches two things in ministack, and runs ministack.

So all are one process group. Its leader's record is the emulator's, and the emulator ends with it. Run by path, with
`ATHENA_PROXY` and `GATEWAY_PROXY` as "PORT EMULATOR_URL INSTANCE".
"""

import importlib
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
PROXIES = {"ATHENA_PROXY": "local.athena", "GATEWAY_PROXY": "local.gateway"}
"""Variable that holds the arguments, and the module that runs."""

Documents = list[dict[str, Any]]
Reply = tuple[int, Any, bytes]
"""Status, headers, body."""


def main() -> None:
    """Run until the emulator ends."""
    for variable, module in PROXIES.items():
        proxy = [sys.executable, "-m", module, *os.environ.pop(variable).split()]
        subprocess.Popen(proxy, cwd=REPOSITORY, stdin=subprocess.DEVNULL)
    sys.path.remove(str(Path(__file__).resolve().parent))  # its modules are not ministack's
    repair()
    runpy.run_module("ministack", run_name="__main__", alter_sys=True)


def repair() -> None:
    """Patch ministack in this process."""
    firehose: Any = importlib.import_module("ministack.services.firehose")
    firehose._json_documents = reading_empty_as_null(firehose._json_documents)  # noqa: SLF001
    dynamodb: Any = importlib.import_module("ministack.services.dynamodb")
    dynamodb._batch_get_item = saying_capacity(dynamodb._batch_get_item)  # noqa: SLF001


def reading_empty_as_null(documents: Callable[[bytes], Documents]) -> Callable[[bytes], Documents]:
    """Firehose's reader, giving null for `{}`.

    AWS converts an empty object to a struct of nulls. ministack 1.5.33 says that it does not fit the schema, and
    refuses the whole record. An event without fields would have such data.
    """

    def read(data: bytes) -> Documents:
        return [{name: None if value == {} else value for name, value in each.items()} for each in documents(data)]

    return read


def saying_capacity(batch_get: Callable[[Any], Reply]) -> Callable[[Any], Reply]:
    """BatchGetItem of items of at most 4 KB, saying what it has consumed.

    ministack 1.5.33 says it of every operation but this one, and Daybook takes no answer without it for one.
    """

    def answer(request: Any) -> Reply:
        status, headers, body = batch_get(request)
        if status != HTTPStatus.OK or request.get("ReturnConsumedCapacity", "NONE") == "NONE":
            return status, headers, body
        consumed = [
            {"TableName": table, "CapacityUnits": len(asked["Keys"]) * (1.0 if asked.get("ConsistentRead") else 0.5)}
            for table, asked in request["RequestItems"].items()
        ]
        return status, headers, json.dumps({**json.loads(body), "ConsumedCapacity": consumed}).encode()

    return answer


if __name__ == "__main__":
    main()
