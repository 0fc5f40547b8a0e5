"""The hash in a receipt outlives releases: an honest repeat of an older request must still have it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from lambdas.accounts.commands import COMMANDS, CreditAccount, OpenAccount
from lambdas.httpapi.conditional import EntityTags, parse_entity_tags
from lambdas.httpapi.idempotency import idempotency_of, request_hash
from lambdas.httpapi.requests import Request
from lambdas.httpapi.views import changed_account_reply
from tests.unit.httpapi.suite.api import Call
from tests.unit.httpapi.suite.in_process import proxy_event

SAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "request_hashes.json").read_text("utf-8"))
"""Requests and their hashes. None is ever changed or removed: receipts with these hashes may lie in a table."""
ACCOUNT = "00000000-0000-4000-8000-000000000001"
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


@pytest.mark.parametrize("path", ["{path}", "/ledger/v2{path}", "{encoded}"])
def test_the_path_counts_as_the_contract_has_it(path: str) -> None:
    """Whatever a custom domain puts before it, and however it is encoded."""
    canonical = f"/accounts/{ACCOUNT}/credit"
    came = path.format(path=canonical, encoded=canonical.replace("-", "%2D"))
    call = Call("POST", canonical, headers=[("Idempotency-Key", "key")])
    request = Request(proxy_event(call) | {"path": came})

    idempotency = idempotency_of(request, CreditAccount(amount=1), ACCOUNT, changed_account_reply)

    assert idempotency is not None
    assert idempotency.request_hash == request_hash("POST", canonical, CreditAccount(amount=1), None)


@pytest.mark.parametrize("base_path", ["", "/ledger"])
@pytest.mark.parametrize("path", [f"/accounts/{ACCOUNT}/credit", "/accounts"])
def test_a_request_has_the_path_of_its_route(path: str, base_path: str) -> None:
    assert Request(proxy_event(Call("POST", path), base_path=base_path)).path == path
