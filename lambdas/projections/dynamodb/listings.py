"""One partition of the index of listings: the accounts of a group and shard, in their order."""

from __future__ import annotations

from typing import Final

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.dynamodb import table
from lambdas.projections.dynamodb.items import string
from lambdas.projections.dynamodb.requests import Requests, in_index

LAST: Final = "\U0010ffff"
"""Put behind a prefix it stands after all texts that begin with the prefix: keys are ordered by their UTF-8 bytes."""


class Listings:
    """Reads the index, which may be some moments behind its table."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def places(self, partition: str, prefix: str, after: str, most: int, deadline: Deadline) -> list[str]:
        """The first `most` places (`table.ordered`) that begin with `prefix` and come after `after`, which is empty or
        begins so, too. Raises ReadModelUnavailableError."""
        request = in_index(table.LISTINGS, partition, after or prefix, prefix and prefix + LAST)
        limit = {"Limit": most + 1 if after else most}  # the bound itself is in the range
        pages = self._requests.query({**request, **limit}, deadline)
        places = [string(item, table.ORDERED) for page in pages for item in page]
        return [place for place in places if place != after][:most]
