"""The hash in a receipt outlives releases: an honest repeat of an older request must still have it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from lambdas.accounts.commands import COMMANDS, CreditAccount, OpenAccount
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.store import C
from lambdas.httpapi.conditional import EntityTags, parse_entity_tags
from lambdas.httpapi.idempotency import request_hash
from tests.unit.httpapi.suite.in_process import in_process_api

SAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "request_hashes.json").read_text("utf-8"))
"""Requests and their hashes. None is ever changed or removed: receipts with these hashes may lie in a table."""
KINDS: dict[str, Any] = {kind.__name__: kind for kind in COMMANDS}


def hash_of(kind: Any, sample: dict[str, Any]) -> str:
    """The hash of a sample's request, decoded as an instance of `kind`."""
    tags = parse_entity_tags("If-Match", sample["if_match"]) if sample["if_match"] else None
    command = msgspec.json.decode(sample["body"], type=kind)
    return request_hash(sample["method"], sample["path"], command, tags).hex()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["name"])
def test_a_sample_keeps_its_hash(sample: dict[str, Any]) -> None:
    assert hash_of(KINDS[sample["command"]], sample) == sample["sha256"]


def test_there_is_a_sample_of_every_command_and_no_two_requests_have_one_hash() -> None:
    """A command that is new gets a sample in the release that brings it."""
    assert {sample["command"] for sample in SAMPLES} == KINDS.keys()
    requests = {sample.get("same_as", sample["name"]) for sample in SAMPLES}
    assert len({sample["sha256"] for sample in SAMPLES}) == len(requests)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["name"])
def test_optional_fields_that_a_release_adds_change_no_hash(sample: dict[str, Any]) -> None:
    added = [("added_before", str | UnsetType, UNSET), ("zz_added", int, 7), ("none", str | None, None)]
    old: Any = KINDS[sample["command"]]
    new = msgspec.defstruct(
        "New", added, bases=(old,), frozen=True, kw_only=True, tag=sample["command"], tag_field="type"
    )

    assert hash_of(new, sample) == sample["sha256"]


def test_the_hash_is_what_the_documentation_says() -> None:
    body = b'{"amount":5,"occurred_at":"2026-03-01T09:30:00.123Z","type":"CreditAccount"}'
    parts = (b"POST", b"/accounts/a/credit", body, b'"1", "2"')
    expected = hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()
    command = msgspec.json.decode(b'{"amount":5,"occurred_at":"2026-03-01T10:30:00.12399+01:00"}', type=CreditAccount)
    assert request_hash("POST", "/accounts/a/credit", command, EntityTags(('"1"', '"2"'))) == expected


def test_what_is_absent_and_what_is_given_as_the_default_are_one_request() -> None:
    hashes = {
        request_hash("POST", "/accounts", msgspec.json.decode(body, type=OpenAccount), None)
        for body in (b'{"currency":"EUR"}', b'{"overdraft_limit":0,"currency":"EUR"}')
    }
    assert len(hashes) == 1


def test_null_is_absent() -> None:
    class Nullable(CreditAccount, frozen=True, kw_only=True, tag="CreditAccount"):
        note: str | UnsetType | None = UNSET

    hashes = {request_hash("POST", "/", Nullable(amount=1, note=note), None) for note in (None, UNSET)}
    assert hashes == {request_hash("POST", "/", CreditAccount(amount=1), None)}


class Kept(InMemoryEventStore):
    """Keeps the hash of the last receipt."""

    kept = b""

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        committed = super().commit(build, deadline=deadline)
        receipt = build().receipt
        self.kept = self.kept if receipt is None else receipt.request_hash
        return committed


def test_the_path_counts_as_the_contract_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as it came: an encoded character is no other request."""
    api = in_process_api(monkeypatch, store=(store := Kept()))
    account = api.open()
    expected = request_hash("POST", f"/accounts/{account}/credit", CreditAccount(amount=1), None)
    for number, path in enumerate((account, f"%{ord(account[0]):02x}{account[1:]}")):
        api.post(f"/accounts/{path}/credit", {"amount": 1}, {"Idempotency-Key": str(number)})
        assert store.kept == expected
        store.kept = b""
