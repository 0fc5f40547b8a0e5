"""What a new command, event or refusal needs: whatever is left out is named, with the file to add it to."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from lambdas.accounts import events
from lambdas.accounts.codec import EVENT_SCHEMAS, Schema, event_schemas
from lambdas.accounts.errors import REFUSALS
from lambdas.accounts.events import EVENTS, BalanceCredited
from lambdas.accounts.money import CurrencyCode
from lambdas.contracts import completeness, generate
from lambdas.contracts.completeness import gaps
from lambdas.contracts.errors import ContractIncompleteError
from lambdas.contracts.http import Problem
from lambdas.contracts.reply_examples import reply_example


class FreezeAccount(msgspec.Struct):
    """A command that the contract does not know."""


class AccountFrozen(msgspec.Struct):
    """An event that the contract does not know."""


class FrozenError(Exception):
    """A refusal that the contract does not know."""

    code = "account-frozen"


NEEDS = {
    ("COMMANDS", FreezeAccount): [
        "FreezeAccount has no operation: add one to OPERATIONS in lambdas/contracts/operations.py",
        "FreezeAccount has no example: add one to COMMAND_EXAMPLES in lambdas/contracts/examples.py",
    ],
    ("EVENTS", AccountFrozen): [
        "AccountFrozen has no example: add one to EVENT_EXAMPLES in lambdas/contracts/examples.py",
        "AccountFrozen does not name its currency: add `currency: CurrencyCode` in lambdas/accounts/events.py",
        "AccountFrozen has no effect in SQL: add one to analytics/views/delivered_events.sql",
    ],
    ("REFUSALS", FrozenError): [
        "FrozenError has no problem type 'account-frozen': add one to RULES_BROKEN in lambdas/contracts/problems.py",
    ],
}


def test_nothing_is_missing() -> None:
    assert list(gaps()) == []


@pytest.mark.parametrize(("where", "needs"), NEEDS.items(), ids=[of for of, _ in NEEDS])
def test_what_a_new_class_lacks_is_named(
    monkeypatch: pytest.MonkeyPatch, where: tuple[str, type], needs: list[str]
) -> None:
    name, cls = where
    monkeypatch.setattr(completeness, name, (*getattr(completeness, name), cls))
    assert list(gaps()) == needs


def test_a_gap_is_told_and_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completeness, "EVENTS", (AccountFrozen, FreezeAccount))
    monkeypatch.setattr(generate, "artifacts", pytest.fail)
    with pytest.raises(SystemExit, match=r"^AccountFrozen has no example: .*examples\.py\n(.*\n)+FreezeAccount has no"):
        generate.main()


def test_documents_are_written_anew_and_samples_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept, new, document = tmp_path / "Old.v1.json", tmp_path / "New.v1.json", tmp_path / "openapi.json"
    kept.write_text("as it was")
    document.write_text("as it was")
    monkeypatch.setattr(generate, "samples", lambda: {kept: "as it is", new: "as it is"})
    monkeypatch.setattr(generate, "artifacts", lambda: {document: "as it is"})
    generate.main()
    assert [each.read_text() for each in (kept, new, document)] == ["as it was", "as it is", "as it is"]


class LimitLowered(msgspec.Struct):
    """An event that leaves its currency out when it likes."""

    currency: CurrencyCode = "EUR"


def test_a_currency_that_may_be_left_out_is_none() -> None:
    with pytest.raises(ContractIncompleteError, match="LimitLowered does not name its currency"):
        completeness.names_currency(LimitLowered)


def test_a_reply_without_an_example_is_named() -> None:
    with pytest.raises(
        ContractIncompleteError, match=r"^Problem has no example: .* lambdas/contracts/reply_examples\.py$"
    ):
        reply_example(Problem)


def test_every_class_of_an_event_is_in_the_list() -> None:
    classes = {each for each in vars(events).values() if isinstance(each, type) and each.__module__ == events.__name__}
    assert classes == set(EVENTS), "it belongs into AccountEvent, in lambdas/accounts/events.py"


def test_an_event_is_stored_in_version_1_until_its_shape_changes() -> None:
    assert [schema.cls for schema in EVENT_SCHEMAS] == list(EVENTS)
    changed = Schema(BalanceCredited, 2, {1: dict})
    assert event_schemas([changed]) == tuple(changed if cls is BalanceCredited else Schema(cls) for cls in EVENTS)


def test_every_refusal_has_a_code_of_its_own() -> None:
    codes = [error.code for error in REFUSALS]
    assert len(set(codes)) == len(codes)
