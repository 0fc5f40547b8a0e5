"""Processes one batch of the commands table's stream: commands of one queue in order, queues in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from lambdas.eventsourcing.limits import MAX_RUN_COMMANDS
from lambdas.inbox.batches import read_batch
from lambdas.inbox.deliveries import Delivery
from lambdas.inbox.results import Processed
from lambdas.inbox.runs import QueueRunner
from lambdas.inbox.stream_records import StreamRecord
from lambdas.service.account_service import AccountService

WORKERS = 10
"""How many queues are processed in parallel: the size of botocore's connection pool."""


class CommandProcessor:
    """Carries out stored commands. Each command ends in the same transaction as its events.

    Idempotent: a redelivered record changes nothing, nor does one that tells a command otherwise than it is stored. A
    technical failure stops the accounts that its command touches; it and those behind it are redelivered in order.
    Other accounts go on. `most_commands` of a queue, at the most, end in one transaction.
    """

    def __init__(
        self,
        service: AccountService,
        *,
        clock: Callable[[], datetime],
        workers: int = WORKERS,
        most_commands: int = MAX_RUN_COMMANDS,
    ) -> None:
        self._service = service
        self._clock = clock
        self._workers = workers
        self._most_commands = most_commands

    def process(self, records: Iterable[StreamRecord], may_start: Callable[[], bool]) -> Processed:
        """Carry out the new commands of a batch; no transaction starts once `may_start()` is False."""
        batch = read_batch(records)
        processed = batch.others

        def process_queue(queue: Sequence[Delivery]) -> Processed:
            return QueueRunner(self._service, self._clock, may_start, self._most_commands).run(queue)

        workers = min(self._workers, len(batch.queues))
        if workers <= 1:
            results = [process_queue(queue) for queue in batch.queues]
        else:
            with ThreadPoolExecutor(workers) as pool:
                results = list(pool.map(process_queue, batch.queues))
        for each in results:
            processed.add(each)
        return processed
