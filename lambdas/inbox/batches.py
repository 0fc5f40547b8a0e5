"""Reads a batch of the commands table's stream: its new commands, in queues."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lambdas.inbox.deliveries import Delivery, read_delivery
from lambdas.inbox.queues import queues_of
from lambdas.inbox.results import Processed, failure_of, unreadable
from lambdas.inbox.stream_records import CommandKey, MalformedRecordError, StreamRecord, is_new_command, sequence_of


class Batch(msgspec.Struct, frozen=True):
    """New commands by queue, each in the order stored, and what is known of the others already."""

    queues: list[list[Delivery]]
    others: Processed


def read_batch(records: Iterable[StreamRecord]) -> Batch:
    """Find new commands, sort them by sequence number, and divide them into queues; leave everything else out.

    Of two records of one command the first counts: the other can only repeat it, or differ from it.
    """
    others = Processed()
    placed: list[tuple[int, Delivery]] = []
    for record in records:
        try:
            if is_new_command(record):
                placed.append((sequence_of(record), read_delivery(record)))
        except MalformedRecordError as error:
            others.add(unreadable(error))
    first: dict[CommandKey, Delivery] = {}
    for _, delivery in sorted(placed, key=lambda each: each[0]):
        counting = first.setdefault(delivery.key, delivery)
        if counting is not delivery:
            others.add(_again(counting, delivery))
    return Batch(queues_of(list(first.values())), others)


def _again(counting: Delivery, delivery: Delivery) -> Processed:
    if _image(counting) == _image(delivery):
        return Processed(repeated=1)
    return Processed(differing=[failure_of(delivery, "another record of the batch tells it otherwise")])


def _image(delivery: Delivery) -> object:
    return delivery.record["dynamodb"].get("NewImage")
