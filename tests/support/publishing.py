"""A Kinesis and a bucket on which things go wrong, and the consumer of the guide."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from lambdas.publishing.packing import Limits
from tests.support.clocks import SimulatedTime
from tests.support.fake_dynamodb import client_error

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = DOCS / "consumers.md"
EXAMPLE = DOCS / "examples" / "consumer.py"
ENDPOINT = "https://example.test"


class CrashError(BaseException):
    """The function's process ends here."""


class FakeKinesis:
    """Keeps records in order of arrival, which within a call is any order. Refuses what the service would refuse."""

    def __init__(self, *, rng: random.Random | None = None, limits: Limits | None = None) -> None:
        self.rng = rng or random.Random(0)
        self.limits = limits or Limits()
        self.arrived: list[tuple[str, bytes]] = []
        self.calls: list[int] = []

    def put_records(self, **request: Any) -> dict[str, Any]:
        records = self.check(request)
        self.calls.append(len(records))
        return self.answer([True] * len(records), records)

    def check(self, request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """Limits of the service, and the rule that a call has at most one record of an account. The records."""
        assert request.keys() == {"StreamName", "Records"}
        records: Sequence[Mapping[str, Any]] = request["Records"]
        sizes = [len(each["Data"]) + len(each["PartitionKey"]) for each in records]
        assert 0 < len(records) <= self.limits.call_records
        assert max(sizes) <= self.limits.record_bytes
        assert sum(sizes) <= self.limits.call_bytes
        assert len({each["PartitionKey"] for each in records}) == len(records), "two records of one account in a call"
        return records

    def answer(self, accepted: Sequence[bool], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Keep the accepted ones, and say which they are."""
        self.keep([record for record, taken in zip(records, accepted, strict=True) if taken])
        refused = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}
        results = [{"SequenceNumber": "1", "ShardId": "0"} if taken else refused for taken in accepted]
        return {"FailedRecordCount": accepted.count(False), "Records": results}

    def keep(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Records arrive, in any order."""
        arriving = [(each["PartitionKey"], each["Data"]) for each in records]
        self.rng.shuffle(arriving)
        self.arrived.extend(arriving)

    def lines(self) -> list[bytes]:
        """Every line that arrived."""
        return [line for _, data in self.arrived for line in data.splitlines()]


class FaultyKinesis(FakeKinesis):
    """Fails in part or as a whole, before or after records took effect, now or later, as `rng` decides."""

    def __init__(self, rng: random.Random, time: SimulatedTime, limits: Limits, *, trouble: float) -> None:
        super().__init__(rng=rng, limits=limits)
        self._time = time
        self.trouble = trouble
        self.seen: Counter[str] = Counter()
        self._late: list[Mapping[str, Any]] = []
        self._refusals = 0
        self._mishaps: list[Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]]] = [
            self.part, self.part, self.part, self.refused, self.in_doubt, self.late, self.crash, self.outage,
            self.empty, self.cut,
        ]  # fmt: skip

    def put_records(self, **request: Any) -> dict[str, Any]:
        records = self.check(request)
        self._time.sleep(0.02)
        if self._late and self.rng.random() < 0.3:
            self.keep(self._late)
            self._late = []
        if self._refusals:
            self._refusals -= 1
            return self.unreachable(records)
        if self.rng.random() >= self.trouble:
            return self.answer([True] * len(records), records)
        mishap = self.rng.choice(self._mishaps)
        self.seen[mishap.__name__] += 1
        return mishap(records)

    def part(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Some records are throttled."""
        return self.answer([self.rng.random() < 0.5 for _ in records], records)

    def refused(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The call is throttled."""
        raise client_error("LimitExceededException", "PutRecords")

    def unreachable(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Nothing was sent."""
        self._time.sleep(1)
        raise ConnectTimeoutError(endpoint_url=ENDPOINT)

    def outage(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Nothing is reached for a while."""
        self._refusals = self.rng.randint(1, 20)
        return self.unreachable(records)

    def in_doubt(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Some records took effect, and no answer comes."""
        self._time.sleep(3)
        self.keep([record for record in records if self.rng.random() < 0.5])
        raise ReadTimeoutError(endpoint_url=ENDPOINT)

    def late(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """No answer comes, and the records arrive later, maybe after others that were sent after them."""
        self._time.sleep(3)
        self._late.extend(records)
        raise ReadTimeoutError(endpoint_url=ENDPOINT)

    def empty(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Somebody else says 200; some records took effect."""
        self.keep([record for record in records if self.rng.random() < 0.5])
        return {}

    def cut(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The answer lost something on its way."""
        answer = self.answer([False, *(self.rng.random() < 0.5 for _ in records[1:])], records)
        lost = self.rng.choice(["FailedRecordCount", "Records", "one", "SequenceNumber"])
        if lost == "one":
            answer["Records"].pop()
        elif lost == "SequenceNumber":
            answer["Records"][0] = {"ShardId": "0"}
        else:
            del answer[lost]
        return answer

    def crash(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Some or all records took effect, and the function ends before it knows."""
        share = self.rng.choice((0.0, 0.5, 1.0))
        self.keep([record for record in records if self.rng.random() < share])
        raise CrashError


class FakeBucket:
    """Objects of a bucket; fails now and then, as `rng` decides."""

    def __init__(self, *, rng: random.Random | None = None, trouble: float = 0.0) -> None:
        self.objects: dict[str, bytes] = {}
        self._rng = rng or random.Random(0)
        self.trouble = trouble

    def put_object(self, **request: Any) -> dict[str, Any]:
        if self._rng.random() < self.trouble:
            raise client_error("SlowDown", "PutObject", status=503)
        assert (request["Bucket"], request["ContentType"]) == ("parking", "application/json")
        self.objects[request["Key"]] = request["Body"]
        return {}


def guide_consumer() -> Any:
    """The class that the consumer's guide shows, from the file that the guide names."""
    names: dict[str, Any] = {}
    exec(compile(EXAMPLE.read_text("utf-8"), str(EXAMPLE), "exec"), names)
    return names["Consumer"]


def guide_code() -> str:
    """The example as the guide shows it, below the comment that names its file."""
    pattern = rf"^<!-- from docs/examples/{EXAMPLE.name} -->\n```python\n(.*?)^```$"
    (code,) = re.findall(pattern, GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return str(code)


def guide_lines() -> int:
    """How many lines of the guide's example hold code."""
    return sum(bool(line.strip()) and not line.startswith(("import", "from")) for line in guide_code().splitlines())
