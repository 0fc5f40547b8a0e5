"""A bucket and an index that misbehave: errors say what they mean, and the log comes out right."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.parsers import ResponseParserError

from lambdas.composition.transparency import patient_index
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.table_requests import MAX_ATTEMPTS as MOST_REQUESTS
from lambdas.transparency.dynamodb_index import DynamoDBLogIndex
from lambdas.transparency.errors import LogConflictError, LogUnavailableError
from lambdas.transparency.finishing import Finisher
from lambdas.transparency.index import COUNT, HASH, HASH_KEY, HEAD, LEAF, RANGE_KEY, LogIndex, Progress
from lambdas.transparency.leaves import encode_leaf
from lambdas.transparency.log_store import LogStore
from lambdas.transparency.memory import MemoryAnnouncer, MemoryLogIndex, MemoryLogStore
from lambdas.transparency.s3_store import MAX_ATTEMPTS, S3LogStore
from lambdas.transparency.seal import SEAL_TYPE, Seal, SealHeader, encode_seal, seal_name
from lambdas.transparency.tiles import NOTE_TYPE
from tests.store.test_log_index import A, B, change, nine_versions, restore, run
from tests.support.backends import NO_WAITING
from tests.support.broken_aws import ToldClient, refused
from tests.support.built_log import ORIGIN, SIGNER, leaf_at
from tests.support.clocks import SimulatedTime
from tests.support.dynamodb_tables import moto_client
from tests.support.faults import MISHAPS, FaultyClient, Mishap, as_told, at_random
from tests.support.log_places import create_bucket, create_index_table, index_on, moto_s3
from tests.support.runs import seeds

SEEDS = seeds(check=5, test=30, soak=2_000)
URL = "https://s3.invalid"
PUT = {"ETag": '"1"'}
CONFLICT = refused("ConditionalRequestConflict", 409)
AWAY = [
    ConnectTimeoutError(endpoint_url=URL),
    ReadTimeoutError(endpoint_url=URL),
    ResponseParserError("no XML"),
    refused("InternalError", 500),
    refused("SlowDown", 503),
    refused("AccessDenied", 403),
    refused("NoSuchBucket", 404),
    refused("404", 404),
    refused("412", 412),
]
"""The last two are of somebody else: S3 names what it means."""


def store_of(*answers: Any, client: Any = None) -> tuple[S3LogStore, ToldClient]:
    told = ToldClient(*answers, client=client)
    return S3LogStore(told, "log", backoff=NO_WAITING), told


def put(store: LogStore) -> bool:
    return store.add("seal/00000000", b"one", NOTE_TYPE)


def swap(store: LogStore) -> bool:
    return store.replace("checkpoint", b"two", NOTE_TYPE, tag='"tag"')


USES: list[Callable[[LogStore], object]] = [
    put,
    swap,
    lambda store: store.get("checkpoint"),
    lambda store: list(store.names("seal/")),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("error", AWAY, ids=str)
def test_bucket_out_of_reach(use: Callable[[LogStore], object], error: Exception) -> None:
    store, told = store_of(*[error] * 10)

    with pytest.raises(LogUnavailableError, match="in the bucket log"):
        use(store)

    assert len(told.calls) == 1, "the client has repeated it already"


def test_what_a_put_asks_for() -> None:
    store, told = store_of(PUT, PUT, PUT)

    put(store)
    swap(store)
    store.replace("checkpoint", b"two", NOTE_TYPE, tag="")

    common = {"Bucket": "log", "ContentType": NOTE_TYPE, "ChecksumAlgorithm": "SHA256"}
    assert [request for _, request in told.calls] == [
        {**common, "Key": "seal/00000000", "Body": b"one", "IfNoneMatch": "*"},
        {**common, "Key": "checkpoint", "Body": b"two", "IfMatch": '"tag"'},
        {**common, "Key": "checkpoint", "Body": b"two", "IfNoneMatch": "*"},
    ]


@pytest.mark.parametrize("use", [put, swap])
def test_put_that_met_another_is_sent_again(use: Callable[[LogStore], bool]) -> None:
    store, told = store_of(CONFLICT, {}, CONFLICT, PUT)

    assert use(store)

    assert len({str(call) for call in told.calls}) == 1
    assert len(told.calls) == 4


@pytest.mark.parametrize("use", [put, swap])
def test_put_that_meets_others_for_ever(use: Callable[[LogStore], bool]) -> None:
    pauses: list[float] = []
    told = ToldClient(*[CONFLICT] * 100)
    store = S3LogStore(told, "log", backoff=Backoff(sleep=pauses.append, uniform=lambda low, high: high))

    with pytest.raises(LogUnavailableError, match="ConditionalRequestConflict"):
        use(store)

    assert len(told.calls) == MAX_ATTEMPTS
    assert pauses == [0.04, 0.08, 0.16, 0.32]


@pytest.mark.parametrize("use", [put, swap])
def test_put_that_met_another_and_lost(use: Callable[[LogStore], bool]) -> None:
    store, _ = store_of(CONFLICT, refused("PreconditionFailed", 412))

    assert not use(store)


def test_object_that_went_away_is_not_replaced_and_one_that_is_not_there_is_not_refused() -> None:
    gone = refused("NoSuchKey", 404)
    store, _ = store_of(gone, gone)

    assert not swap(store)
    with pytest.raises(LogUnavailableError):
        put(store)


class Body:
    """The body of an answer, which breaks off with an error."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self._parts = parts

    def read(self) -> bytes:
        for part in self._parts:
            if isinstance(part, Exception):
                raise part
        return b"".join(part for part in self._parts if isinstance(part, bytes))


BROKEN = [
    ReadTimeoutError(endpoint_url=URL),
    ResponseStreamingError(error="reset"),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
]


@pytest.mark.parametrize("error", BROKEN, ids=str)
def test_answer_that_breaks_off_is_asked_for_again(error: Exception) -> None:
    store, told = store_of({"ETag": '"1"', "Body": Body(b"ha", error)}, {"ETag": '"2"', "Body": Body(b"all")})

    assert store.get("checkpoint") == (b"all", '"2"')
    assert len(told.calls) == 2


def test_answer_that_breaks_off_for_ever() -> None:
    store, told = store_of(*[{"ETag": '"1"', "Body": Body(BROKEN[0])}] * 100)

    with pytest.raises(LogUnavailableError, match="could not read 'checkpoint'"):
        store.get("checkpoint")

    assert len(told.calls) == MAX_ATTEMPTS


@pytest.mark.parametrize("use", USES)
def test_what_is_no_answer_of_s3_counts_for_nothing(use: Callable[[LogStore], object]) -> None:
    """A middlebox says 200: neither was an object put, nor is there one, nor are there no names."""
    store, _ = store_of(*[{}] * 10)

    with pytest.raises(LogUnavailableError, match="no answer of the service"):
        use(store)


def test_every_page_of_names_is_asked_for() -> None:
    pages = [
        {"Contents": [{"Key": "seal/00000001"}], "IsTruncated": True, "NextContinuationToken": "next"},
        {"IsTruncated": True, "NextContinuationToken": "more"},
        {"Contents": [{"Key": "seal/00000002"}], "IsTruncated": False},
    ]
    store, told = store_of(*pages)

    assert list(store.names("seal/", after="seal/00000000")) == ["seal/00000001", "seal/00000002"]

    asked = {"Bucket": "log", "Prefix": "seal/", "StartAfter": "seal/00000000"}
    assert [request.get("ContinuationToken") for _, request in told.calls] == [None, "next", "more"]
    assert all(request.items() >= asked.items() for _, request in told.calls)


class LostAnswers:
    """A client of S3 each of whose puts is sent twice, as the client does by itself after an attempt without an answer:
    the first took effect."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)

    def put_object(self, **request: Any) -> Any:
        self._client.put_object(**request)
        return self._client.put_object(**request)


def finished(store: LogStore, index: LogIndex) -> tuple[bytes, list[bytes]]:
    """The checkpoint after two seals, and what was told."""
    announcer = MemoryAnnouncer()
    before = None
    with ThreadPoolExecutor(1) as executor:
        finisher = Finisher(store, index, SIGNER, announcer, executor)
        for number, (first, count) in enumerate(((0, 300), (300, 1_000))):
            header = SealHeader(
                number, first, count, ORIGIN, "2026-03-01T12:00:00.000Z", "2026-03-01", "2026-03-01", ""
            )
            lines = b"".join(encode_leaf(leaf_at(place)) + b"\n" for place in range(first, first + count))
            store.add(seal_name(number), encode_seal(header, lines), SEAL_TYPE)
            stored = store.get(seal_name(number))
            assert stored is not None
            before = finisher.finish(Seal(stored.content), before)
    assert before is not None
    return before.checkpoint, announcer.told


def test_put_whose_answer_was_lost_and_that_took_effect_comes_out_right() -> None:
    """Every put is answered 412 to our own bytes."""
    memory = MemoryLogStore()
    expected = finished(memory, MemoryLogIndex())
    with moto_s3() as client:
        bucket = create_bucket(client)
        store = S3LogStore(LostAnswers(client), bucket, backoff=NO_WAITING)
        assert not store.add("seal/00000009", b"ours", SEAL_TYPE)

        assert finished(store, MemoryLogIndex()) == expected

        calm = S3LogStore(client, bucket)
        for name, (content, _) in memory.contents().items():
            stored = calm.get(name)
            assert stored is not None
            assert stored.content == content
        types = {name: client.head_object(Bucket=bucket, Key=name)["ContentType"] for name in memory.contents()}
        assert types == {name: content_type for name, (_, content_type) in memory.contents().items()}


class Story:
    """An index at seal 1, in moto, and a client on which things go wrong as told."""

    def __init__(self, client: Any, *mishaps: Mishap | None, seed: int = 0) -> None:
        self.table = create_index_table(client)
        self.client = client
        self.calm = index_on(client, self.table)
        nine_versions(self.calm)
        for progress in (Progress(0, 3), Progress(1, 9)):
            self.calm.advance(progress)
        self.time = SimulatedTime()
        self.faulty = FaultyClient(client, random.Random(seed), self.time, schedule=as_told(*mishaps))
        backoff = Backoff(sleep=self.time.sleep, uniform=lambda low, high: high)
        self.index = index_on(self.faulty, self.table, backoff=backoff, new_deadline=self.deadline)

    def deadline(self) -> Deadline:
        return Deadline(monotonic=self.time.monotonic)

    def outcome(self) -> tuple[Any, ...]:
        calm = self.calm
        runs = {each: list(calm.runs(each, first=1, last=99)) for each in (A, B)}
        return calm.heads([A, B]), runs, calm.progress()


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    with moto_client() as client:
        yield client


def grows(index: DynamoDBLogIndex) -> None:
    index.apply([change(A, run(A, 10, 2, 9, 3)), change(B, run(B, 1, 1, 11, 3))], seal=3)


def restores(index: DynamoDBLogIndex) -> None:
    index.apply([restore(3)], seal=3)


def advances(index: DynamoDBLogIndex) -> None:
    index.advance(Progress(2, 12))


def reads(index: DynamoDBLogIndex) -> None:
    assert index.run_of(A, 5) == run(A, 4, 3, 3, 1)
    assert index.heads([A, B]).keys() == {A}
    assert len(index.runs(A, first=1, last=9)) == 3
    assert index.progress() == Progress(1, 9)


INDEX_USES = [grows, restores, advances, reads]


@pytest.mark.parametrize("use", INDEX_USES)
@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_after_a_mishap_the_index_is_as_without(
    moto: Any, mishap: Mishap, use: Callable[[DynamoDBLogIndex], None]
) -> None:
    calm, story = Story(moto), Story(moto, mishap)
    use(calm.index)

    use(story.index)
    story.faulty.settle()

    assert story.outcome() == calm.outcome()


@pytest.mark.parametrize("use", INDEX_USES)
def test_throttles_without_end_are_borne_for_so_many_attempts(
    moto: Any, use: Callable[[DynamoDBLogIndex], None]
) -> None:
    throttled = next(each for each in MISHAPS if each.name == "throttled")
    story = Story(moto, *[throttled] * 1000)
    before = story.outcome()

    with pytest.raises(LogUnavailableError, match="The index of the log gave no answer in 8 attempts"):
        use(story.index)

    assert len(story.faulty.attempts) == MOST_REQUESTS
    assert story.outcome() == before


def test_sealer_waits_for_a_table_that_throttles(moto: Any) -> None:
    """A new table takes less at once than the first seals of a large ledger write."""
    throttled = next(each for each in MISHAPS if each.name == "throttled")
    story = Story(moto, *[throttled] * 40)
    pauses: list[float] = []

    grows(patient_index(story.faulty, story.table, sleep=pauses.append))

    assert len(pauses) == 40
    assert max(pauses) <= 2
    assert story.outcome()[0].keys() == {A, B}


def test_wrong_call_is_not_repeated(moto: Any) -> None:
    denied = Mishap("denied", MISHAPS[1].effect, 0.01, lambda name, _: refused("AccessDeniedException"))
    story = Story(moto, denied)

    with pytest.raises(ClientError, match="AccessDenied"):
        advances(story.index)


def test_one_refused_account_does_not_keep_others_out(moto: Any) -> None:
    """A hundred accounts share two transactions; in the first of them is one that a later seal has changed."""
    story = Story(moto)
    accounts = [f"account-{number:03}" for number in range(100)]
    story.calm.apply([change(accounts[7], run(accounts[7], 1, 5, 70, 5))], seal=5)

    story.index.apply([change(each, run(each, 1, 1, place, 4)) for place, each in enumerate(accounts)], seal=4)

    heads = story.calm.heads(accounts)
    assert {each: heads[each].version for each in accounts} == dict.fromkeys(accounts, 1) | {accounts[7]: 5}
    assert [len(attempt.request["TransactItems"]) for attempt in story.faulty.attempts].count(100) == 2
    assert len(story.faulty.attempts) == 2 + 50


def test_transaction_takes_a_hundred_actions_and_no_more(moto: Any) -> None:
    """Of some accounts two runs are put, as after a restore."""
    story = Story(moto)
    accounts = [f"account-{number:03}" for number in range(90)]
    changes = [
        change(each, *(run(each, 1 + part, 1, 3 * place + part, 4) for part in range(1 + (place % 7 == 0))))
        for place, each in enumerate(accounts)
    ]

    story.index.apply(changes, seal=4)

    sent = [len(attempt.request["TransactItems"]) for attempt in story.faulty.attempts]
    assert sorted(sent) == [94, 99]
    assert story.calm.heads(accounts).keys() == set(accounts)


def test_index_that_was_not_forgotten_whole_says_that_nothing_is_done(moto: Any) -> None:
    story = Story(moto)

    class Denied:
        delete_item = staticmethod(moto.delete_item)

        def scan(self, **request: Any) -> Any:
            raise refused("AccessDeniedException")

    with pytest.raises(ClientError, match="AccessDenied"):
        index_on(Denied(), story.table).clear()

    assert story.calm.progress() is None


def test_runs_are_read_no_further_than_asked_for(moto: Any) -> None:
    story = Story(moto)
    asked: list[int] = []

    class Paged:
        def query(self, **request: Any) -> Any:
            asked.append(1)
            return moto.query(**request, Limit=1)

    assert index_on(Paged(), story.table).runs(A, first=7, last=9) == [run(A, 7, 3, 6, 1 + 1)]
    assert len(asked) == 1


def test_what_a_batch_leaves_is_asked_for_again(moto: Any) -> None:
    story = Story(moto)
    accounts = [f"account-{number:03}" for number in range(30)]
    story.calm.apply([change(each, run(each, 1, 1, place, 4)) for place, each in enumerate(accounts)], seal=4)
    asked: list[int] = []

    class Full:
        def batch_get_item(self, **request: Any) -> Any:
            keys = request["RequestItems"][story.table]["Keys"]
            asked.append(len(keys))
            some = {story.table: {**request["RequestItems"][story.table], "Keys": keys[:10]}}
            answer = moto.batch_get_item(**{**request, "RequestItems": some})
            left = {story.table: {"Keys": keys[10:], "ConsistentRead": True}} if keys[10:] else {}
            return {**answer, "UnprocessedKeys": left}

    assert index_on(Full(), story.table).heads(accounts).keys() == set(accounts)
    assert asked == [30, 20, 10]


@pytest.mark.parametrize(
    ("account", "place", "broken"),
    [(A, HEAD, {LEAF: {"S": "9"}}), (A, 4, {COUNT: {"N": "1.5"}}), (A, 7, {HASH: {"S": "text"}}), ("log", HEAD, {})],
)
def test_item_that_is_none(moto: Any, account: str, place: int, broken: dict[str, Any]) -> None:
    story = Story(moto)
    key = {HASH_KEY: {"S": account}, RANGE_KEY: {"N": str(place)}}
    item = moto.get_item(TableName=story.table, Key=key)["Item"] | broken
    if not broken:
        del item["size"]
    moto.put_item(TableName=story.table, Item=item)

    with pytest.raises(LogConflictError, match=rf"{account}/{place} .* has to be made again"):
        reads(story.index)


@pytest.mark.generated
@pytest.mark.parametrize("seed", SEEDS)
def test_seeded_sealers_on_an_index_that_misbehaves(moto: Any, seed: int) -> None:
    """Two sealers apply the same seals, each in its own time and again after what failed; requests that were held up
    arrive at any time. At the end the index is what the seals say."""
    rng = random.Random(seed)
    story = Story(moto, seed=seed)
    story.faulty.schedule = at_random(rng, 0.3)
    calm = Story(moto)
    seals = [
        [change(A, run(A, 10, 2, 9, 2)), change(B, run(B, 1, 1, 11, 2))],
        [restore(3)],
        [change(A, run(A, 8, 4, 12, 4), restored=1), change(B, run(B, 2, 2, 16, 4))],
    ]
    for number, changes in enumerate(seals, 2):
        calm.calm.apply(changes, seal=number)
    done = [0, 0]
    while min(done) < len(seals):
        who = rng.choice([each for each in (0, 1) if done[each] < len(seals)])
        if done[who] > done[1 - who] + 1:
            continue
        try:
            story.index.apply(seals[done[who]], seal=done[who] + 2)
            done[who] += 1
        except LogUnavailableError:
            continue
    story.faulty.settle()

    assert story.outcome() == calm.outcome()
